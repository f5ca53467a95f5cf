"""The table of events that another event has taken the place of."""

from __future__ import annotations

from django.db import models


class ReplacedEvent(models.Model):
    """The id of an opinion that a newer one on the same item replaced.

    Kept so that the older event, sent again or late, does not come back as the newest.
    """

    reader = models.ForeignKey(
        "recommend.Reader", on_delete=models.CASCADE, related_name="replaced_events"
    )
    event_id = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reader", "event_id"], name="recommend_replaced_once")
        ]

    def __str__(self) -> str:
        return f"{self.reader_id} {self.event_id}"
