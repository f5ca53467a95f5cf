"""The table of events that another event has taken the place of."""

from __future__ import annotations

from django.db import models


class ReplacedEvent(models.Model):
    """An opinion that a newer one on the same item replaced, known by its event id.

    Kept so that the older event, sent again or late, does not come back as the newest, and so that
    taking back the event ``by``, which replaced it, gives it back; never where ``by`` is empty.
    """

    reader = models.ForeignKey(
        "recommend.Reader", on_delete=models.CASCADE, related_name="replaced_events"
    )
    event_id = models.CharField(max_length=80)
    at = models.DateTimeField()
    by = models.CharField(max_length=80, blank=True)
    item = models.ForeignKey(
        "recommend.Item", on_delete=models.CASCADE, null=True, related_name="+"
    )
    kind = models.CharField(max_length=16, blank=True)
    value = models.FloatField(null=True)
    source = models.CharField(max_length=16, blank=True)
    counts = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reader", "event_id"], name="recommend_replaced_once")
        ]
        indexes = [models.Index(fields=["reader", "by"])]

    def __str__(self) -> str:
        return f"{self.reader_id} {self.event_id}"
