"""What every log of outgoing messages has: the message, how it stands, each try."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class OutgoingState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    DEAD = "dead", _("Given up")
    DROPPED = "dropped", _("Not sent")


class OutgoingMessage(models.Model):
    """Something that goes to one receiver once, however many tries that takes.

    ``key`` is what the receiver drops repeats by, the same in each try. ``message`` is what is
    said, kept from the first try on. ``lease_until`` is how long the process that sends it keeps it
    from others.
    """

    State = OutgoingState

    key = models.CharField(max_length=120, unique=True)
    message = models.JSONField(null=True)
    state = models.CharField(
        max_length=9, choices=OutgoingState.choices, default=OutgoingState.WAITING
    )
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key


class OutgoingTry(models.Model):
    """One try of a message, which a subclass names ``delivery``; ``status`` is the HTTP status, if
    there was an answer."""

    at = models.DateTimeField()
    seconds = models.FloatField()
    delivered = models.BooleanField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.pk} at {self.at}"
