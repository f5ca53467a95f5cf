"""Tables of what keeps an alert quiet, and of what happened to it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Silence(models.Model):
    """A time in which its owner's alerts about something are kept, but ring nowhere.

    What it is about goes by ``kind``: the rule, the company, the owner's watchlist as it is at the
    time, the sector or the topic named here.
    """

    class Kind(models.TextChoices):
        RULE = "rule", _("Rule")
        COMPANY = "company", _("Company")
        WATCHLIST = "watchlist", _("Watchlist")
        SECTOR = "sector", _("Sector")
        TOPIC = "topic", _("Topic")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_silences"
    )
    kind = models.CharField(max_length=9, choices=Kind.choices)
    rule = models.ForeignKey("market.Rule", on_delete=models.CASCADE, null=True, blank=True)
    company = models.ForeignKey("market.Company", on_delete=models.CASCADE, null=True, blank=True)
    sector = models.CharField(max_length=60, blank=True)
    topic = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=300)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    ended_early = models.BooleanField(default=False)

    class Meta:
        ordering = ["-ends_at", "-id"]
        indexes = [models.Index(fields=["owner", "ends_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="market_silence_times"
            )
        ]

    def __str__(self) -> str:
        return self.about

    @property
    def about(self) -> str:
        """What it is about, in words."""
        if self.kind == self.Kind.RULE and self.rule:
            return self.rule.name
        if self.kind == self.Kind.COMPANY and self.company:
            return self.company.name
        if self.kind == self.Kind.WATCHLIST:
            return "your watchlist"
        return self.sector or self.topic

    def active(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


class AlertEntry(models.Model):
    """Something that was done to an alert: by somebody, or by the suite (no ``actor``)."""

    class Kind(models.TextChoices):
        RANG = "rang", _("Rang after it was held")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        COMMENTED = "commented", _("Commented")
        ASSIGNED = "assigned", _("Assigned")
        UNASSIGNED = "unassigned", _("Assigned to nobody")
        ESCALATED = "escalated", _("Escalated")
        RESOLVED = "resolved", _("Resolved")
        RATED = "rated", _("Rated")
        CORRECTED = "corrected", _("The story was corrected")

    alert = models.ForeignKey("market.Alert", on_delete=models.CASCADE, related_name="entries")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "alert entries"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.alert_id}: {self.kind}"
