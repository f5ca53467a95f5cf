"""The nightly loop: what a task's is set to, and what came of each night."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.wording import said


class NightlyLoop(models.Model):
    """Of one task: train by night once ``least_new`` corrections have come since the last version.

    Off until a team lead turns it on. ``hour`` is that of the server's time zone.
    """

    task = models.CharField(max_length=60, unique=True)
    dataset = models.ForeignKey("modelhub.DataSet", on_delete=models.CASCADE, related_name="+")
    enabled = models.BooleanField(default=False)
    least_new = models.PositiveIntegerField(default=50)
    hour = models.PositiveSmallIntegerField(default=2)
    method = models.CharField(max_length=40, default="lora")
    recipe = models.CharField(max_length=10, default="plain")
    epochs = models.FloatField(null=True, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["task"]

    def __str__(self) -> str:
        return f"nightly loop of {self.task}"


class Night(models.Model):
    """One round of a loop: a data set version and its run, then a verdict that waits for a click.

    It is made in the transaction that queues its run. Of a loop one is open at most: while it
    trains, and while it waits.
    """

    class State(models.TextChoices):
        TRAINING = "training", _("Training")
        WAITING = "waiting", _("Waits for a click")
        REFUSED = "refused", _("Did not pass the gate")
        FAILED = "failed", _("Failed")
        PROMOTED = "promoted", _("Promoted")
        DISMISSED = "dismissed", _("Dismissed")

    OPEN = (State.TRAINING, State.WAITING)

    loop = models.ForeignKey(NightlyLoop, on_delete=models.CASCADE, related_name="nights")
    state = models.CharField(max_length=10, choices=State.choices, default=State.TRAINING)
    corrections = models.PositiveIntegerField(default=0)
    run = models.ForeignKey("modelhub.Run", on_delete=models.SET_NULL, null=True)
    problem = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["loop"],
                condition=Q(state__in=("training", "waiting")),
                name="modelhub_one_night",
            )
        ]

    def __str__(self) -> str:
        return f"{self.loop}: {self.state}"

    @property
    def problem_words(self) -> str:
        """Why it failed, in the language of the moment where that is known."""
        return said(self.problem)
