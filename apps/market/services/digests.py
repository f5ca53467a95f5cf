"""Digests: one message for the alerts of an hour or a day, made when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.market.hours import time_zones
from apps.market.models import Digest
from apps.market.selectors.digests import digest_alerts
from apps.market.services.channels import channel_own
from apps.market.services.deliveries import deliveries_wake
from apps.market.services.packing import digest_deliver

SETTLED = timedelta(seconds=15)
"""How long after its end a period is closed: what was raised in it is committed by then."""


def digest_create(
    *, actor: Any, channel_id: int, every: str, hour: int = 8, time_zone: str = "UTC"
) -> Digest:
    """Have a channel of the actor's told of the alerts from now on, by the hour or the day.

    Raises ``NotFound``, ``InvalidInput`` naming the field, ``Conflict`` when it has a digest.
    """
    problems: dict[str, str] = {}
    if every not in Digest.Every.values:
        problems["every"] = f"One of {', '.join(Digest.Every.values)}."
    if not 0 <= hour <= 23:
        problems["hour"] = "Between 0 and 23."
    if time_zone not in time_zones():
        problems["time_zone"] = "There is no such time zone."
    if problems:
        told = " ".join(f"{field}: {problem}" for field, problem in problems.items())
        raise InvalidInput("The digest is not usable. %(told)s", fields=problems, told=told)
    now = timezone.now()
    channel = channel_own(actor=actor, channel_id=channel_id)
    digest = Digest(
        owner=actor,
        channel=channel,
        every=every,
        hour=hour,
        time_zone=time_zone,
        covered_until=now,
    )
    digest.next_at = next_time(digest, now)
    try:
        with transaction.atomic():
            digest.save()
            _audit(actor, "digest.added", digest)
    except IntegrityError as error:
        raise Conflict("This channel has a digest.", code="digest_exists") from error
    return digest


def digest_delete(*, actor: Any, digest_id: int) -> None:
    """End a digest of the actor's. Raises ``NotFound``."""
    with transaction.atomic():
        digest = Digest.objects.filter(id=digest_id).first()
        if digest is None or not actor.has_perm("market.change_digest", digest):
            raise NotFound("There is no such digest.")
        _audit(actor, "digest.deleted", digest)
        digest.delete()


def next_time(digest: Digest, after: datetime) -> datetime:
    """The first time after ``after`` at which a digest ends: a full hour, or its hour of a day."""
    if digest.every == Digest.Every.HOUR:
        return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    zone = ZoneInfo(digest.time_zone)
    day = after.astimezone(zone).date()
    while True:
        at = datetime.combine(day, time(digest.hour), tzinfo=zone).astimezone(UTC)
        if at > after:
            return at
        day += timedelta(days=1)


def digests_make() -> int:
    """Close the digests whose time has come; returns how many have something to tell."""
    settled, made = timezone.now() - SETTLED, 0
    due = Digest.objects.filter(next_at__lte=settled)
    for digest_id in list(due.order_by("next_at").values_list("id", flat=True)):
        with transaction.atomic():
            locked = Digest.objects.select_for_update(of=("self",), skip_locked=True)
            digest = (
                locked.select_related("channel").filter(id=digest_id, next_at__lte=settled).first()
            )
            if digest is not None:
                made += _close(digest, settled)
    return made


def _close(digest: Digest, settled: datetime) -> int:
    """Close a digest's period, and those that the server slept through with it."""
    until, following = digest.next_at, next_time(digest, digest.next_at)
    while following <= settled:
        until, following = following, next_time(digest, following)
    alerts = digest_alerts(digest=digest, until=until).values_list("id", flat=True)
    made = digest_deliver(digest=digest, until=until, alert_ids=list(alerts))
    digest.covered_until, digest.next_at = until, following
    digest.save(update_fields=["covered_until", "next_at"])
    if made:
        deliveries_wake()
    return made


def _audit(actor: Any, action: str, digest: Digest) -> None:
    audit_record(actor=actor, action=action, object_type="digest", object_id=digest.pk)
