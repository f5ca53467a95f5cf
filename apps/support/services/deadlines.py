"""Writes of the desk's hours and of what is promised within them; tells what was not kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import events
from apps.core.errors import Conflict, InvalidInput
from apps.support import selectors
from apps.support.hours import hours_of
from apps.support.models import Conversation, DeskCalendar, Policy
from apps.support.payloads import conversation_payload
from apps.support.services.records import State, inbox_of, locked, publish_state

MAX_HOLIDAYS = 400
MAX_MINUTES = 60 * 24 * 90
_TIMES = ("first_minutes", "next_minutes", "resolution_minutes")


def hours_save(
    *, actor: User, zone: str, week: Mapping[str, str], holidays: Mapping[str, str]
) -> DeskCalendar:
    """Set when the desk is open; deadlines that run are reckoned anew.

    Raises ``InvalidInput`` that names the zone, the day or the date which cannot be read.
    """
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidInput(
            "There is no time zone %(zone)r.", fields={"zone": "unknown"}, zone=zone
        ) from error
    cleaned: dict[str, str] = {}
    for day, text in week.items():
        if day not in set("0123456"):
            raise InvalidInput("A weekday is 0 (Monday) to 6.", fields={"week": "no weekday"})
        try:
            spans = hours_of(text)
        except ValueError as error:
            raise InvalidInput(f"{error}.", fields={f"day_{day}": str(error)}) from error
        cleaned[day] = ", ".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in spans)
    with transaction.atomic():
        calendar, _ = DeskCalendar.objects.update_or_create(
            pk=1, defaults={"zone": zone, "week": cleaned, "holidays": _holidays(holidays)}
        )
        audit_record(actor=actor, action="hours.saved", object_type="calendar", object_id=1)
    _reckon_anew()
    return calendar


def policy_save(
    *,
    policy_id: int | None,
    actor: User,
    name: str,
    team_id: int | None = None,
    priority: int | None = None,
    **minutes: int | None,
) -> Policy:
    """Store a new policy (``policy_id`` is ``None``) or change one.

    ``minutes`` are ``first_minutes``, ``next_minutes`` and ``resolution_minutes``; those that are
    ``None`` are not promised. Raises ``Conflict`` when the name is taken.
    """
    title = " ".join(name.split())
    if not 0 < len(title) <= 60:
        raise InvalidInput("A policy has a name of at most 60 characters.", fields={"name": "?"})
    if priority is not None and priority not in Conversation.Priority.values:
        raise InvalidInput("There is no such priority.", code="priority_invalid")
    for field, value in minutes.items():
        if value is not None and not 1 <= value <= MAX_MINUTES:
            raise InvalidInput(
                "A promised time is between 1 and %(max_minutes)s minutes.",
                fields={field: "out of range"},
                max_minutes=f"{MAX_MINUTES:,}",
            )
    if not any(minutes.values()):
        raise InvalidInput("Promise at least one time.", fields={"first_minutes": "needed"})
    team = None if team_id is None else selectors.team_get(team_id=team_id)
    try:
        with transaction.atomic():
            policy = Policy() if policy_id is None else selectors.policy_get(policy_id=policy_id)
            policy.name, policy.team, policy.priority = title, team, priority
            for field in _TIMES:
                setattr(policy, field, minutes.get(field))
            policy.save()
            _record(actor, "policy.saved", policy)
    except IntegrityError as error:
        raise Conflict(
            "There is a policy called %(title)r.",
            code="policy_exists",
            fields={"name": "taken"},
            title=title,
        ) from error
    _reckon_anew()
    return policy


def policy_delete(*, policy_id: int, actor: User) -> None:
    with transaction.atomic():
        policy = selectors.policy_get(policy_id=policy_id)
        _record(actor, "policy.deleted", policy)
        policy.delete()
    _reckon_anew()


def breaches_tell() -> int:
    """Tell the operators of each promise whose time has passed, once; returns how many."""
    told = 0
    for late in selectors.deadlines_passed():
        with transaction.atomic():
            conversation = locked(late.pk)
            now = timezone.now()
            broken = [
                kind
                for kind, at in conversation.deadlines.items()
                if kind not in conversation.breached and datetime.fromisoformat(at) <= now
            ]
            if not broken:
                continue
            conversation.breached = [*conversation.breached, *broken]
            publish_state(conversation, changed=False)
            _alarm(conversation, broken)
            told += len(broken)
    return told


def _alarm(conversation: Conversation, broken: list[str]) -> None:
    row = conversation_payload(conversation)
    events.publish(inbox_of(conversation.team), "sla.breached", row | {"broken": broken})
    for kind in broken:
        audit_record(
            actor=None,
            action="sla.breached",
            object_type="conversation",
            object_id=conversation.id,
            kind=kind,
            owner=conversation.assignee_id,
        )


def _holidays(given: Mapping[str, str]) -> dict[str, str]:
    cleaned = {}
    for day, name in given.items():
        try:
            cleaned[date.fromisoformat(day).isoformat()] = " ".join(name.split())[:60]
        except ValueError as error:
            raise InvalidInput(
                "%(day)r is no date such as 2026-12-25.",
                fields={"holidays": "no date"},
                day=day[:40],
            ) from error
    if len(cleaned) > MAX_HOLIDAYS:
        raise InvalidInput(
            "At most %(max_holidays)s holidays.",
            fields={"holidays": "too many"},
            max_holidays=MAX_HOLIDAYS,
        )
    return dict(sorted(cleaned.items()))


def _reckon_anew() -> None:
    """Set the deadlines of all that is with people, one transaction each."""
    running = Conversation.objects.filter(state__in=(State.QUEUED, State.PERSON))
    for conversation_id in list(running.values_list("id", flat=True)):
        with transaction.atomic():
            publish_state(locked(conversation_id), changed=False)


def _record(actor: User, action: str, policy: Policy) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="policy",
        object_id=policy.pk,
        name=policy.name,
        **{field: getattr(policy, field) for field in _TIMES},
    )
