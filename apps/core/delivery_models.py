"""What every log of outgoing messages has: the message, how it stands, each try."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.wording import said
from ml.wording import Wording

LONGEST_ERROR = 300  # characters, of the English words


def error_fields(words: str) -> dict[str, Any]:
    """The values of the fields by which a message or a try keeps what went wrong."""
    parts = words.parts() if isinstance(words, Wording) else None
    return {"error": words[:LONGEST_ERROR], "error_parts": parts}


class _Telling(models.Model):
    """``error`` is what went wrong in English, ``error_parts`` the same for any language."""

    error = models.CharField(max_length=LONGEST_ERROR, blank=True)
    error_parts = models.JSONField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def error_words(self) -> str:
        """What went wrong in the language of the moment; what has no parts as it is kept."""
        return said(Wording.of(self.error_parts) if self.error_parts else self.error)


class OutgoingState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    DEAD = "dead", _("Given up")
    DROPPED = "dropped", _("Not sent")


class OutgoingMessage(_Telling):
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

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key


class OutgoingTry(_Telling):
    """One try of a message, which a subclass names ``delivery``; ``status`` is the HTTP status, if
    there was an answer."""

    at = models.DateTimeField()
    seconds = models.FloatField()
    delivered = models.BooleanField()
    status = models.PositiveSmallIntegerField(null=True)

    class Meta:
        abstract = True
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.pk} at {self.at}"
