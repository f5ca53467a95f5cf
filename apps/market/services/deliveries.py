"""Deliveries: stored with what they tell of, sent by workers until they arrive or are given up.

Each is sent at least once: a worker that dies in between leaves its lease behind, and the next one
sends again with the same key.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django_tasks import task

from apps.core.errors import Conflict, NotFound
from apps.market.models import Channel, Delivery, DeliveryTry
from apps.market.sending import Outcome, Parcel, mail_allowed, parcels_send
from apps.market.services.packing import delivery_compose

logger = structlog.get_logger(__name__)

BATCH = 20
MAX_TRIES = 8
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
LEASE = timedelta(seconds=60)
"""How long a batch is kept from other workers; longer than all its tries together take."""


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
    now, tried = timezone.now(), 0
    while batch := _claim(now):
        ready = [delivery for delivery in batch if _prepare(delivery)]
        by_id = {delivery.pk: delivery for delivery in ready}
        for outcome in parcels_send(parcels=[_parcel(delivery) for delivery in ready]):
            _record(by_id[outcome.delivery_id], outcome)
        tried += len(ready)
    return tried


def delivery_resend(*, actor: Any, delivery_id: int) -> Delivery:
    """Start the tries of a delivery that was given up anew, with its old key.

    Raises ``NotFound``, ``Conflict`` when it has arrived or is on its way.
    """
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(id=delivery_id).first()
        if delivery is None or not actor.has_perm("market.change_delivery", delivery):
            raise NotFound("There is no such delivery.")
        if delivery.state not in (Delivery.State.DEAD, Delivery.State.DROPPED):
            raise Conflict("Only what was given up is sent again.", code="delivery_not_dead")
        delivery.state, delivery.attempts, delivery.error = Delivery.State.WAITING, 0, ""
        delivery.due_at, delivery.lease_until = timezone.now(), None
        delivery.save(update_fields=["state", "attempts", "error", "due_at", "lease_until"])
        deliveries_wake()
    delivery.refresh_from_db()
    return delivery


def _claim(now: datetime) -> list[Delivery]:
    """Take a lease on due deliveries; each claim counts as a try, so that none is tried for ever.

    A batch is due at ``now`` at the latest: what has just failed waits for another call.
    """
    until = timezone.now() + LEASE
    free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    due = Delivery.objects.filter(free, state=Delivery.State.WAITING, due_at__lte=now)
    with transaction.atomic():
        locked = due.select_for_update(skip_locked=True).order_by("due_at", "id")
        ids = list(locked.values_list("id", flat=True)[:BATCH])
        due.filter(id__in=ids).update(lease_until=until, attempts=F("attempts") + 1)
    return list(
        Delivery.objects.filter(id__in=ids, lease_until=until)
        .select_related(
            "owner", "channel", "alert__article__source", "alert__company", "alert__assignee"
        )
        .order_by("id")
    )


def _prepare(delivery: Delivery) -> bool:
    """Compose the message at the first try; false when there is nobody to send it to any more."""
    reason = _hindrance(delivery)
    if reason:
        _leave(delivery, Delivery.State.DROPPED, reason)
        return False
    if delivery.attempts > MAX_TRIES:  # workers died with it
        _leave(delivery, Delivery.State.DEAD, "The worker ended in the middle of each try.")
        return False
    if delivery.message is None:
        delivery.message = delivery_compose(delivery=delivery)
        Delivery.objects.filter(id=delivery.pk).update(message=delivery.message)
    return True


def _hindrance(delivery: Delivery) -> str:
    channel = delivery.channel
    if channel is None:
        return "The channel was deleted."
    if not channel.enabled and delivery.kind != Delivery.Kind.TEST:
        return "The channel is switched off."
    if not delivery.owner.has_perm("market.view_news"):
        return "Its owner is no analyst any more."
    if channel.kind == Channel.Kind.EMAIL and not mail_allowed(
        owner=delivery.owner, address=channel.address
    ):
        return "Alerts may not be mailed to this address any more."
    return ""


def _parcel(delivery: Delivery) -> Parcel:
    channel = delivery.channel
    assert channel is not None
    assert delivery.message is not None
    return Parcel(
        delivery_id=delivery.pk,
        kind=channel.kind,
        address=channel.address,
        nonce=channel.nonce,
        key=delivery.key,
        message=delivery.message,
    )


def _record(delivery: Delivery, outcome: Outcome) -> None:
    """Log a try and say what comes next: nothing, a pause, or the end."""
    now = timezone.now()
    with transaction.atomic():
        DeliveryTry.objects.create(
            delivery=delivery,
            at=now,
            seconds=outcome.seconds,
            delivered=outcome.delivered,
            status=outcome.status,
            error=outcome.error[:300],
        )
        if outcome.delivered:
            delivery.delivered_at = now
            _leave(delivery, Delivery.State.DELIVERED, "")
        elif outcome.final or delivery.attempts >= MAX_TRIES:
            logger.warning("delivery given up", key=delivery.key, error=outcome.error)
            _leave(delivery, Delivery.State.DEAD, outcome.error)
        else:
            delivery.due_at = now + pause_after(delivery.attempts)
            _leave(delivery, Delivery.State.WAITING, outcome.error)


def pause_after(attempts: int) -> timedelta:
    """The pause after so many tries: tripled each time, up to an hour.

    Half of it at least and one and a half times at most, by chance, so that a receiver that comes
    back is not met by all at once.
    """
    pause = min(FIRST_PAUSE * 3 ** (attempts - 1), LONGEST_PAUSE)
    return pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing


def _leave(delivery: Delivery, state: Delivery.State, error: str) -> None:
    """Give up the lease, unless another worker has taken the delivery over by now."""
    held = Delivery.objects.filter(id=delivery.pk, lease_until=delivery.lease_until)
    held.update(
        state=state,
        error=error[:300],
        due_at=delivery.due_at,
        delivered_at=delivery.delivered_at,
        lease_until=None,
    )
