"""The webhooks of the installation, and the log of what they were told."""

from __future__ import annotations

from django.db.models import Count, Max, Q, QuerySet

from apps.support.webhook_models import Webhook, WebhookDelivery


def webhook_list() -> QuerySet[Webhook]:
    """The webhooks, each with how its deliveries went."""
    state = WebhookDelivery.State
    counts = {
        name: Count("deliveries", filter=Q(deliveries__state=value))
        for name, value in (
            ("delivered", state.DELIVERED),
            ("waiting", state.WAITING),
            ("dead", state.DEAD),
        )
    }
    return Webhook.objects.annotate(**counts, delivered_last=Max("deliveries__delivered_at"))


def webhook_log(*, state: str = "", webhook_id: int | None = None) -> QuerySet[WebhookDelivery]:
    """Deliveries with their tries, newest first."""
    found = WebhookDelivery.objects.all()
    if state:
        found = found.filter(state=state)
    if webhook_id is not None:
        found = found.filter(webhook=webhook_id)
    return found.prefetch_related("tries").order_by("-id")
