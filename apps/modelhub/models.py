"""What people corrected: the examples that later versions learn from."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class LabelledExample(models.Model):
    """A text with the label that a person gave it, and where that came from."""

    class App(models.TextChoices):
        SUPPORT = "support", "Support"
        MARKET = "market", "Market"
        DISCOVER = "discover", "Discover"

    app = models.CharField(max_length=10, choices=App.choices)
    task = models.CharField(max_length=60)
    text = models.TextField(max_length=20_000)
    old_label = models.CharField(max_length=120, blank=True)
    new_label = models.CharField(max_length=120)
    confidence = models.FloatField(null=True, blank=True)
    model_version = models.CharField(max_length=60, blank=True)
    provenance = models.JSONField(default=dict)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["task", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.task}: {self.new_label}"
