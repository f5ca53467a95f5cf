"""The table of event weights that the team has set; what is not in it keeps its default."""

from __future__ import annotations

from django.db import models


class EventWeight(models.Model):
    """How much one deed of ``kind`` says about a reader's taste."""

    kind = models.CharField(max_length=16, primary_key=True)
    weight = models.FloatField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.weight:g}"
