"""Groups of matters with the error that their leads accept, and notices of promises in danger."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class IntentGroup(models.Model):
    """Matters that are answered under one promise.

    Of the questions that the model takes for one of ``intents``, at most the share ``error`` is to
    get a wrong answer; with ``None`` nothing is promised and the model's own threshold holds.
    """

    name = models.CharField(max_length=60, unique=True)
    intents = models.JSONField(default=list, blank=True)
    error = models.FloatField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PromiseNotice(models.Model):
    """Something that puts a promise in danger; open until it is over. ``group`` is ``None`` for
    what concerns all of them."""

    class Kind(models.TextChoices):
        BROKEN = "broken", _("Broken")
        UNKEPT = "unkept", _("Cannot be kept")
        DRIFT = "drift", _("Customers write otherwise")

    group = models.ForeignKey(IntentGroup, on_delete=models.CASCADE, null=True, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.CharField(max_length=300)
    raised_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "kind"],
                condition=Q(ended_at=None),
                name="support_one_notice_of_group",
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(ended_at=None, group=None),
                name="support_one_notice_of_all",
            ),
        ]

    def __str__(self) -> str:
        return self.text
