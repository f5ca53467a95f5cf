"""A person's channels and the log of what went through them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from apps.core.errors import NotFound
from apps.market.models import Channel, Delivery


def channel_list(*, owner: Any) -> QuerySet[Channel]:
    """A person's channels, each with how its deliveries went and the rules that use it."""
    state = Delivery.State
    return (
        Channel.objects.filter(owner=owner)
        .annotate(
            delivered=Count("deliveries", filter=Q(deliveries__state=state.DELIVERED)),
            waiting=Count("deliveries", filter=Q(deliveries__state=state.WAITING)),
            dead=Count("deliveries", filter=Q(deliveries__state=state.DEAD)),
            delivered_last=Max("deliveries__delivered_at"),
        )
        .prefetch_related("handlings__rule")
        .order_by("name", "id")
    )


def delivery_list(
    *, owner: Any, state: str = "", channel_id: int | None = None, alert_id: int | None = None
) -> QuerySet[Delivery]:
    """A person's deliveries with their tries, newest first."""
    found = Delivery.objects.filter(owner=owner)
    if state:
        found = found.filter(state=state)
    if channel_id is not None:
        found = found.filter(channel=channel_id)
    if alert_id is not None:
        found = found.filter(alert=alert_id)
    related = found.select_related("channel", "alert__article", "alert__company")
    return related.prefetch_related("tries").order_by("-id")


def delivery_get(*, owner: Any, delivery_id: int) -> Delivery:
    delivery = delivery_list(owner=owner).filter(id=delivery_id).first()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    return delivery
