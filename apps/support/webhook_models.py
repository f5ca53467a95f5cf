"""Tables of webhooks: who is told what of Support, what was sent, and each try."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.delivery_models import OutgoingMessage, OutgoingTry


class Webhook(models.Model):
    """An address of the installation that is told of ``events``.

    ``nonce`` is what the signing secret is derived from (see :mod:`apps.core.signing`): the secret
    itself is stored nowhere.
    """

    name = models.CharField(max_length=80, unique=True)
    address = models.CharField(max_length=2000)
    events = models.JSONField(default=list)
    nonce = models.CharField(max_length=64)
    enabled = models.BooleanField(default=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(OutgoingMessage):
    """An event that one webhook is told of; it goes with its conversation when that is erased.

    ``webhook_name`` stays when the webhook is deleted.
    """

    webhook = models.ForeignKey(
        Webhook, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    webhook_name = models.CharField(max_length=80)
    event = models.CharField(max_length=40)
    conversation = models.ForeignKey(
        "support.Conversation", on_delete=models.CASCADE, null=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="waiting"), name="support_delivery_waiting"
            ),
            models.Index(fields=["state", "-id"]),
        ]


class WebhookTry(OutgoingTry):
    """One try of a delivery."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="tries")

    class Meta(OutgoingTry.Meta):
        abstract = False
        verbose_name_plural = "webhook tries"
