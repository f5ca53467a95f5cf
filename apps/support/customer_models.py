"""Who customers are, how long what they wrote is kept, and receipts of what was erased."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.support.desk_models import Team


class Customer(models.Model):
    """A customer whom the site they came from has vouched for.

    ``visitor`` is who they are in the chat on each of their devices; ``external_id`` is the site's
    name for them.
    """

    external_id = models.CharField(max_length=120, unique=True)
    visitor = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, blank=True)
    email = models.CharField(max_length=254, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.name or self.external_id


class RetentionRule(models.Model):
    """How many days conversations of a kind, of ``team`` or of all, are kept after the last word.

    With ``keep_examples`` the corrections made of their messages stay, without a trace to them.
    """

    class Kind(models.TextChoices):
        RESOLVED = "resolved", _("Resolved conversations")
        BOT = "bot", _("Conversations that only the bot had")
        ALL = "all", _("All conversations")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True)
    days = models.PositiveIntegerField()
    keep_examples = models.BooleanField(default=True)
    enabled = models.BooleanField(default=False)
    applied_at = models.DateTimeField(null=True, blank=True)
    erased = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["kind", "days", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} after {self.days} days"


class ErasureReceipt(models.Model):
    """That one customer's data was erased, when, by whom and how much; nothing of the data.

    ``subject`` is a keyed hash of who it was, by which a later question can be answered.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.CharField(max_length=64, db_index=True)
    reason = models.CharField(max_length=200, blank=True)
    counts = models.JSONField(default=dict)
    left = models.JSONField(default=list)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"erasure {self.id}"
