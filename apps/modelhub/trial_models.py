"""A version that is tried on live traffic before it is promoted."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.wording import said
from ml.wording import Wording


class Trial(models.Model):
    """A candidate beside the live version of a task.

    As a *shadow* it reads a share of what the live version reads and its answers are compared and
    dropped; as a *canary* it answers ``percent`` of the calls. The counts are of all processes:
    texts, failed calls, and sums of seconds (of texts, each with the time of its call) and of
    confidences. ``differences`` counts pairs "live label → candidate's label".
    ``ended_because`` says in English why it ended, ``ended_parts`` the same for any language where
    no person wrote it.
    """

    class Kind(models.TextChoices):
        SHADOW = "shadow", _("Shadow")
        CANARY = "canary", _("Canary")

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        RETURNED = "returned", _("Returned by itself")

    task = models.CharField(max_length=60)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    live = models.CharField(max_length=100)
    candidate = models.CharField(max_length=100)
    percent = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    reason = models.CharField(max_length=500, blank=True)
    ended_because = models.CharField(max_length=500, blank=True)
    ended_parts = models.JSONField(null=True, blank=True)
    compared = models.PositiveIntegerField(default=0)
    agreed = models.PositiveIntegerField(default=0)
    differences = models.JSONField(default=dict)
    failures = models.PositiveIntegerField(default=0)
    candidate_texts = models.PositiveIntegerField(default=0)
    candidate_seconds = models.FloatField(default=0)
    candidate_confidence = models.FloatField(default=0)
    live_texts = models.PositiveIntegerField(default=0)
    live_seconds = models.FloatField(default=0)
    live_confidence = models.FloatField(default=0)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(state="running"), name="modelhub_one_trial"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.candidate}"

    @property
    def ended_words(self) -> str:
        """Why it ended: what a person wrote, or what was wrong, in the language of the moment."""
        return said(Wording.of(self.ended_parts)) if self.ended_parts else self.ended_because

    @property
    def agreement(self) -> float | None:
        """The share of compared texts to which both gave the same label."""
        return self.agreed / self.compared if self.compared else None

    @property
    def candidate_mean_confidence(self) -> float | None:
        return self.candidate_confidence / self.candidate_texts if self.candidate_texts else None

    @property
    def live_mean_confidence(self) -> float | None:
        return self.live_confidence / self.live_texts if self.live_texts else None

    @property
    def candidate_mean_ms(self) -> float | None:
        return (
            1000 * self.candidate_seconds / self.candidate_texts if self.candidate_texts else None
        )

    @property
    def live_mean_ms(self) -> float | None:
        return 1000 * self.live_seconds / self.live_texts if self.live_texts else None
