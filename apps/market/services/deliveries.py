"""Deliveries of alerts: what is sent to channels until it arrives or is given up."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django_tasks import task

from apps.core.delivering import MAX_TRIES as MAX_TRIES
from apps.core.delivering import Outbox
from apps.core.delivering import pause_after as pause_after
from apps.core.errors import NotFound
from apps.core.posting import Parcel
from apps.market.models import Channel, Delivery, DeliveryTry
from apps.market.sending import mail_allowed, parcel_for
from apps.market.services.packing import delivery_compose
from ml.wording import Wording


class _Alerts(Outbox[Delivery]):
    model = Delivery
    tries = DeliveryTry
    related = (
        *("owner", "channel", "alert__article__source", "alert__company"),
        "alert__assignee",
    )

    def hindrance(self, message: Delivery) -> str:
        channel = message.channel
        if channel is None:
            return Wording("The channel was deleted.")
        if not channel.enabled and message.kind != Delivery.Kind.TEST:
            return Wording("The channel is switched off.")
        if not message.owner.has_perm("market.view_news"):
            return Wording("Its owner is no analyst any more.")
        if channel.kind == Channel.Kind.EMAIL and not mail_allowed(
            owner=message.owner, address=channel.address
        ):
            return Wording("Alerts may not be mailed to this address any more.")
        return ""

    def compose(self, message: Delivery) -> dict[str, Any]:
        return delivery_compose(delivery=message)

    def parcel(self, message: Delivery) -> Parcel:
        assert message.channel is not None
        assert message.message is not None
        return parcel_for(
            delivery_id=message.pk,
            key=message.key,
            channel=message.channel,
            message=message.message,
        )


_outbox = _Alerts()


def deliveries_wake() -> None:
    """Have a worker send what is due as soon as the current transaction is committed.

    Should that be missed, the periodic look for due deliveries finds them.
    """
    transaction.on_commit(send_due.enqueue, robust=True)


@task()
def send_due() -> int:
    """Send the deliveries that are due."""
    return deliveries_send_due()


def deliveries_send_due() -> int:
    """Try each delivery that is due, once; returns how many. Any number of workers may do so."""
    return _outbox.send_due()


def delivery_resend(*, actor: Any, delivery_id: int) -> Delivery:
    """Start the tries of a delivery that was given up anew, with its old key.

    Raises ``NotFound``, ``Conflict`` when it has arrived or is on its way.
    """
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(id=delivery_id).first()
        if delivery is None or not actor.has_perm("market.change_delivery", delivery):
            raise NotFound("There is no such delivery.")
        _outbox.resend(delivery)
        deliveries_wake()
    delivery.refresh_from_db()
    return delivery
