"""Tables of delivery: where alerts are sent, what was sent, and each try."""

from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.delivery_models import OutgoingMessage, OutgoingTry
from apps.market.hours import ALL_DAYS, Hours


class Channel(models.Model):
    """Where its owner's alerts go: an e-mail address, a signed webhook or a Slack-like one.

    ``nonce`` is what the signing secret is derived from (see :mod:`apps.core.signing`): the
    secret itself is stored nowhere. The address of a Slack webhook is a secret too and is shown
    by its host alone.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", _("E-mail")
        WEBHOOK = "webhook", _("Signed webhook")
        SLACK = "slack", _("Slack webhook")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_channels"
    )
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    address = models.CharField(max_length=2000)
    nonce = models.CharField(max_length=64, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="market_channel_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address_shown(self) -> str:
        """The address as pages and the API show it."""
        if self.kind != self.Kind.SLACK:
            return self.address
        scheme, _, rest = self.address.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/…"


class Handling(models.Model):
    """What happens to the alerts of a rule once it has matched; no row: they appear on the page.

    ``days`` are digits (Monday is 0), ``opens`` and ``closes`` local times of ``time_zone``;
    without any of them it rings at all hours. ``outside`` is what becomes of alerts at others.
    ``max_an_hour`` is how often it rings in any sixty minutes, 0 for as often as it matches. What
    nobody has acknowledged after ``escalate_minutes`` (0: never) goes to the person and the channel
    named here.
    """

    class Outside(models.TextChoices):
        WAIT = "wait", _("Wait until the hours begin")
        DIGEST = "digest", _("Go into the digest alone")

    rule = models.OneToOneField("market.Rule", on_delete=models.CASCADE, related_name="handling")
    channels = models.ManyToManyField(Channel, blank=True, related_name="handlings")
    days = models.CharField(max_length=7, blank=True)
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    outside = models.CharField(max_length=6, choices=Outside.choices, default=Outside.WAIT)
    max_an_hour = models.PositiveSmallIntegerField(default=0)
    escalate_minutes = models.PositiveSmallIntegerField(default=0)
    escalate_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    escalate_channel = models.ForeignKey(
        Channel, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "handling of rules"

    def __str__(self) -> str:
        return f"handling of {self.rule_id}"

    @property
    def hours(self) -> Hours | None:
        """When the rule may ring; ``None`` for at all hours."""
        if not self.days and self.opens is None:
            return None
        opens, closes = self.opens or time(), self.closes or time()
        days = frozenset(int(day) for day in self.days) or ALL_DAYS
        return Hours(days, opens, closes, ZoneInfo(self.time_zone))


class Digest(models.Model):
    """One message for all alerts of an hour or of a day; none when there were no alerts.

    A daily one goes out at ``hour`` in ``time_zone``. The next one is due at ``next_at`` and tells
    of the alerts since ``covered_until``.
    """

    class Every(models.TextChoices):
        DAY = "day", _("Every day")
        HOUR = "hour", _("Every hour")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_digests"
    )
    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="digest")
    every = models.CharField(max_length=4, choices=Every.choices, default=Every.DAY)
    hour = models.PositiveSmallIntegerField(default=8)
    time_zone = models.CharField(max_length=60, default="UTC")
    covered_until = models.DateTimeField()
    next_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"digest to {self.channel_id}"


class Delivery(OutgoingMessage):
    """Something that goes to one channel.

    ``once`` names what a channel is told a single time, however many alerts tell it: a story.
    ``message`` is composed at the first try, of the alert or, where there is none, of ``details``.
    ``owner`` and ``channel_name`` stay when the channel is deleted.
    """

    class Kind(models.TextChoices):
        ALERT = "alert", _("Alert")
        ESCALATION = "escalation", _("Escalation")
        OVERFLOW = "overflow", _("Overflow")
        DIGEST = "digest", _("Digest")
        TEST = "test", _("Test")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_deliveries"
    )
    channel = models.ForeignKey(
        Channel, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    channel_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    alert = models.ForeignKey(
        "market.Alert", on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    once = models.CharField(max_length=120, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["once"], condition=~Q(once=""), name="market_delivery_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="waiting"), name="market_delivery_waiting"
            ),
            models.Index(fields=["owner", "-id"]),
        ]


class DeliveryTry(OutgoingTry):
    """One try of a delivery."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")

    class Meta(OutgoingTry.Meta):
        abstract = False
        verbose_name_plural = "delivery tries"
