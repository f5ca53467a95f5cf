"""Tables of archives that are played again as live news."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Replay(models.Model):
    """An archive that is played as if it came in now, ``speed`` times as fast as it once did.

    ``elapsed`` is how many seconds of the archive have been played, ``played`` how many of its
    ``number`` articles. ``ticked_at`` is when that was last moved on: a time in which no server ran
    does not count, so it goes on where it stopped.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Playing")
        PAUSED = "paused", _("Paused")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_replays"
    )
    name = models.CharField(max_length=160)
    speed = models.FloatField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    number = models.PositiveIntegerField()
    played = models.PositiveIntegerField(default=0)
    elapsed = models.FloatField(default=0.0)
    ticked_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["state"])]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.FINISHED, self.State.CANCELLED)


class ReplayRow(models.Model):
    """An article of a replay, ``due`` so many seconds after its first one."""

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="rows")
    place = models.PositiveIntegerField()
    due = models.FloatField()
    record = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["replay", "place"], name="market_replay_place")
        ]

    def __str__(self) -> str:
        return f"{self.place} of {self.replay_id}"
