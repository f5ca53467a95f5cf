"""What is kept of live traffic: counts and sums, no texts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class TrafficWindow(models.Model):
    """What one version of a task was asked in one server process within about a minute.

    ``texts`` were answered, none where every call failed. ``labels`` counts the answers by label,
    ``confidences`` by confidence in twenty equal bins. ``engine`` says what else the engine counted
    in that time (requests, cache hits, failures, texts refused or too late) and its 95th percentile
    of latency; what it counted for a task as a whole is with the live version alone.
    """

    task = models.CharField(max_length=60)
    version = models.CharField(max_length=100)
    at = models.DateTimeField()
    texts = models.PositiveIntegerField()
    labels = models.JSONField(default=dict)
    confidences = models.JSONField(default=list)
    out_of_scope = models.PositiveIntegerField(default=0)
    engine = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["task", "at"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.task} {self.at:%Y-%m-%d %H:%M}"


class DriftBlock(models.Model):
    """Some dozens of live texts, as they compare with a profile of training texts.

    ``features`` is the sum of their kernel features (float32), ``words`` the number of their words
    and ``unknown`` of those that the training texts lack.
    """

    task = models.CharField(max_length=60)
    profile = models.CharField(max_length=100)
    at = models.DateTimeField()
    texts = models.PositiveIntegerField()
    features = models.BinaryField()
    words = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["task", "profile", "-id"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.task}: {self.texts} texts"


class DriftAlarm(models.Model):
    """Live texts have left what the model was trained on; open until they are back."""

    class Kind(models.TextChoices):
        EMBEDDING = "embedding", _("Meaning")
        VOCABULARY = "vocabulary", pgettext_lazy("drift of words", "Words")

    task = models.CharField(max_length=60)
    profile = models.CharField(max_length=100)
    version = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.FloatField()
    expected = models.FloatField()
    probability = models.FloatField()
    texts = models.PositiveIntegerField()
    raised_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "kind"],
                condition=Q(ended_at=None),
                name="modelhub_one_drift_alarm",
            )
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.kind}"
