"""Who is at the desk: told by the sockets, by the operators themselves, and by silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import events
from apps.core.errors import InvalidInput
from apps.support import selectors
from apps.support.models import Duty
from apps.support.streams import DESK

MAX_CAPACITY = 100
MAX_SKILLS = 40
_TOUCH_EVERY = timedelta(seconds=15)


def duty_touch(*, operator: User) -> bool:
    """Note a sign of life; true if the operator has just come on duty.

    Written at most once in a quarter of a minute, however many sockets give signs.
    """
    now = timezone.now()
    duty = Duty.objects.filter(operator=operator).first()
    if duty and duty.present and duty.seen_at and duty.seen_at > now - _TOUCH_EVERY:
        return False
    with transaction.atomic():
        duty, _ = Duty.objects.select_for_update().get_or_create(operator=operator)
        arrived = not duty.present
        duty.present, duty.seen_at = True, now
        duty.save(update_fields=["present", "seen_at"])
        if arrived:
            _tell(operator, "away" if duty.away else "online")
    return arrived and not duty.away


def presence_set(*, operator: User, away: bool) -> Duty:
    """An operator's own word: away is given nothing, but keeps what they have."""
    with transaction.atomic():
        duty, _ = Duty.objects.select_for_update().get_or_create(operator=operator)
        duty.away, duty.present, duty.seen_at = away, True, timezone.now()
        duty.save(update_fields=["away", "present", "seen_at"])
        _tell(operator, "away" if away else "online")
    return duty


def duty_set(*, operator: User, actor: User, capacity: int, skills: Sequence[str]) -> Duty:
    """Set how many conversations an operator is dealt at a time, and which matters they know."""
    if not 0 <= capacity <= MAX_CAPACITY:
        raise InvalidInput(
            "A capacity is between 0 and %(max_capacity)s.",
            fields={"capacity": "out of range"},
            max_capacity=MAX_CAPACITY,
        )
    cleaned = words(skills)
    if len(cleaned) > MAX_SKILLS:
        raise InvalidInput(
            "At most %(max_skills)s skills.", fields={"skills": "too many"}, max_skills=MAX_SKILLS
        )
    with transaction.atomic():
        duty, _ = Duty.objects.select_for_update().get_or_create(operator=operator)
        duty.capacity, duty.skills = capacity, cleaned
        duty.save(update_fields=["capacity", "skills"])
        audit_record(
            actor=actor,
            action="duty.changed",
            object_type="user",
            object_id=operator.pk,
            capacity=capacity,
            skills=cleaned,
        )
    return duty


def presence_expire() -> int:
    """Tell of those whose sockets have been silent for too long; returns how many."""
    gone = 0
    stale = Duty.objects.filter(present=True, seen_at__lt=selectors.fresh_since())
    for duty in stale.select_related("operator"):
        with transaction.atomic():
            left = Duty.objects.filter(pk=duty.pk, present=True, seen_at=duty.seen_at)
            if left.update(present=False):
                _tell(duty.operator, "offline")
                gone += 1
    return gone


def words(given: Sequence[str]) -> list[str]:
    """Tags, skills and matters as they are compared: lower case, one space, no repeats."""
    return list(dict.fromkeys(filter(None, (" ".join(one.lower().split())[:120] for one in given))))


def _tell(operator: User, presence: str) -> None:
    payload = {"operator": operator.pk, "name": operator.display_name, "presence": presence}
    events.publish(DESK, "presence.changed", payload)
