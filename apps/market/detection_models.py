"""Tables of what is unusual: how each kind is detected, and what was found."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_noop


class Detector(models.Model):
    """The threshold of one kind of detection and how it was chosen.

    ``found`` and ``false_alarms`` are findings for each company in 30 days: on the archive of
    ``stories`` stories, and on the same stories dealt anew among the companies. ``looked_at`` is
    when the newest article was scored that has been judged.
    """

    class Kind(models.TextChoices):
        BURST = "burst", gettext_noop("Burst of news")
        SHIFT = "shift", gettext_noop("Shift of sentiment")
        DIVERGENCE = "divergence", gettext_noop("Apart from its sector")
        RARE = "rare", gettext_noop("Rare event")

    kind = models.CharField(max_length=10, choices=Kind.choices, unique=True)
    threshold = models.FloatField()
    wanted = models.FloatField()
    found = models.FloatField()
    false_alarms = models.FloatField()
    reached = models.BooleanField()
    stories = models.PositiveIntegerField()
    tuned_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} from {self.threshold}"


class Anomaly(models.Model):
    """A story that was unusual for a company when it came; see ``detection.Finding``."""

    kind = models.CharField(max_length=10, choices=Detector.Kind.choices)
    company = models.ForeignKey(
        "market.Company", on_delete=models.CASCADE, related_name="anomalies"
    )
    article = models.ForeignKey(
        "market.Article", on_delete=models.CASCADE, related_name="anomalies"
    )
    at = models.DateTimeField()
    score = models.FloatField()
    threshold = models.FloatField()
    value = models.FloatField()
    usual = models.FloatField()
    topic = models.CharField(max_length=60, blank=True)
    found_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "anomalies"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "company", "article"], name="market_anomaly_once"
            )
        ]
        indexes = [
            models.Index(fields=["-at", "-id"]),
            models.Index(fields=["company", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.company_id}"
