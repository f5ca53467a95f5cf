"""The table of business rules: what the team wants of every page, as data."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BusinessRule(models.Model):
    """What is to happen to the items that fit its conditions.

    ``conditions`` holds what an item must say, all of it (:mod:`apps.recommend.rule_matching` has
    the keys); ``amount`` is a boost's strength, a pin's place or a cap's number; ``per`` is what a
    cap counts by. ``audience`` is empty for everyone, or ``experiment/arm``.
    """

    class Action(models.TextChoices):
        HIDE = "hide", _("Hide")
        BOOST = "boost", _("Move up or down")
        PIN = "pin", _("Pin to a place")
        CAP = "cap", _("At most so many in a row")

    class Per(models.TextChoices):
        AUTHOR = "author", _("author")
        TAG = "tag", _("tag")

    class State(models.TextChoices):
        IN_FORCE = "in_force", _("in force")
        TO_COME = "to_come", _("to come")
        OVER = "over", _("over")
        OFF = "off", _("off")

    name = models.CharField(max_length=120)
    action = models.CharField(max_length=8, choices=Action.choices)
    conditions = models.JSONField(default=dict)
    amount = models.FloatField(default=0)
    per = models.CharField(max_length=8, choices=Per.choices, blank=True)
    priority = models.IntegerField(default=0)
    enabled = models.BooleanField(default=True)
    audience = models.CharField(max_length=90, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-priority", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> State:
        """How the rule stands now: switched off, still to come, over or in force."""
        now = timezone.now()
        if not self.enabled:
            return self.State.OFF
        if self.ends_at is not None and self.ends_at <= now:
            return self.State.OVER
        if self.starts_at is not None and self.starts_at > now:
            return self.State.TO_COME
        return self.State.IN_FORCE

    def content(self) -> dict[str, Any]:
        """What the team has set, as JSON."""
        return {
            "name": self.name,
            "action": self.action,
            "conditions": self.conditions,
            "amount": self.amount,
            "per": self.per,
            "priority": self.priority,
            "enabled": self.enabled,
            "audience": self.audience,
            "starts_at": self.starts_at.isoformat() if self.starts_at else None,
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
        }
