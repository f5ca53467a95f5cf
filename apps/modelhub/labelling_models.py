"""Texts that wait to be labelled."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class LabelQueue(models.Model):
    """Texts for one classifier in the order in which labels teach it most."""

    name = models.CharField(max_length=80, unique=True)
    task = models.CharField(max_length=60)
    labels = models.JSONField(default=list)
    strategy = models.CharField(max_length=20)
    guidelines = models.TextField(max_length=5_000, blank=True)
    version = models.CharField(max_length=100)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class LabelRow(models.Model):
    """A text of a queue, with what the live model suggested: pairs of label and score.

    ``claimed`` by a person until a moment, it is shown to nobody else before.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLAIMED = "claimed", "Being labelled"
        LABELLED = "labelled", "Labelled"
        SKIPPED = "skipped", "Skipped"

    queue = models.ForeignKey(LabelQueue, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    text = models.TextField(max_length=20_000)
    suggestions = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    until = models.DateTimeField(null=True, blank=True)
    label = models.CharField(max_length=120, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["queue", "position"], name="modelhub_row_position")
        ]
        indexes = [
            models.Index(fields=["queue", "state", "position"]),
            models.Index(fields=["queue", "person", "state"]),
        ]

    def __str__(self) -> str:
        return self.text[:60]
