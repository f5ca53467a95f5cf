"""What happens to the alerts of a rule, as its owner sets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput
from apps.market.hours import time_zones
from apps.market.models import Channel, Handling
from apps.market.selectors.people import colleague_list
from apps.market.services.rules import rule_own

MAX_AN_HOUR = 1000
MAX_ESCALATE = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class HandlingInput:
    """The handling of a rule as a form or the API gives it (see :class:`Handling`)."""

    channel_ids: tuple[int, ...] = ()
    days: str = ""
    opens: time | None = None
    closes: time | None = None
    time_zone: str = "UTC"
    outside: str = Handling.Outside.WAIT
    max_an_hour: int = 0
    escalate_minutes: int = 0
    escalate_to_id: int | None = None
    escalate_channel_id: int | None = None


def handling_own(*, actor: Any, rule_id: int) -> Handling:
    """The handling of a rule of the actor's, unsaved when it was never set; raises ``NotFound``."""
    rule = rule_own(actor=actor, rule_id=rule_id)
    found: Handling | None = getattr(rule, "handling", None)
    return found or Handling(rule=rule)


def handling_input(handling: Handling) -> HandlingInput:
    """The handling as it stands, to be changed in part."""
    return HandlingInput(
        channel_ids=channel_ids(handling),
        days=handling.days,
        opens=handling.opens,
        closes=handling.closes,
        time_zone=handling.time_zone,
        outside=handling.outside,
        max_an_hour=handling.max_an_hour,
        escalate_minutes=handling.escalate_minutes,
        escalate_to_id=handling.escalate_to_id,
        escalate_channel_id=handling.escalate_channel_id,
    )


def channel_ids(handling: Handling) -> tuple[int, ...]:
    """The channels of a handling, which has none before it is saved."""
    if handling.pk is None:
        return ()
    return tuple(handling.channels.values_list("id", flat=True))


def handling_set(*, actor: Any, rule_id: int, wanted: HandlingInput) -> Handling:
    """Set what happens to the alerts of a rule of the actor's, from now on.

    Raises ``NotFound``, and ``InvalidInput`` naming each field that is off.
    """
    with transaction.atomic():
        handling = handling_own(actor=actor, rule_id=rule_id)
        problems: dict[str, str] = {}
        channels = list(Channel.objects.filter(owner=actor, id__in=wanted.channel_ids))
        if len(channels) != len(set(wanted.channel_ids)):
            problems["channels"] = "Not one of your channels."
        _set_hours(handling, wanted, problems)
        if not 0 <= wanted.max_an_hour <= MAX_AN_HOUR:
            problems["max_an_hour"] = f"Between 0, for no limit, and {MAX_AN_HOUR}."
        handling.max_an_hour = wanted.max_an_hour
        _set_escalation(handling, wanted, problems, actor)
        if problems:
            told = " ".join(f"{field}: {problem}" for field, problem in problems.items())
            raise InvalidInput("This is not usable. %(told)s", fields=problems, told=told)
        handling.save()
        handling.channels.set(channels)
        audit_record(actor=actor, action="rule.handling_set", object_type="rule", object_id=rule_id)
    return handling


def _set_hours(handling: Handling, wanted: HandlingInput, problems: dict[str, str]) -> None:
    if set(wanted.days) - set("0123456"):
        problems["days"] = "Digits from 0, Monday, to 6, Sunday."
    if (wanted.opens is None) != (wanted.closes is None):
        problems["closes"] = "Give both hours or neither."
    if wanted.time_zone not in time_zones():
        problems["time_zone"] = "There is no such time zone."
    if wanted.outside not in Handling.Outside.values:
        problems["outside"] = f"One of {', '.join(Handling.Outside.values)}."
    handling.days = "".join(sorted(set(wanted.days)))
    handling.opens, handling.closes = wanted.opens, wanted.closes
    handling.time_zone, handling.outside = wanted.time_zone, wanted.outside


def _set_escalation(
    handling: Handling, wanted: HandlingInput, problems: dict[str, str], actor: Any
) -> None:
    person = channel = None
    if wanted.escalate_to_id is not None:
        person = colleague_list(of=actor).filter(id=wanted.escalate_to_id).first()
        if person is None:
            problems["escalate_to"] = "Not one of the other analysts."
    if wanted.escalate_channel_id is not None:
        own = Channel.objects.filter(owner=actor)
        channel = own.filter(id=wanted.escalate_channel_id).first()
        if channel is None:
            problems["escalate_channel"] = "Not one of your channels."
    if not 0 <= wanted.escalate_minutes <= MAX_ESCALATE:
        problems["escalate_minutes"] = f"Between 0, for never, and {MAX_ESCALATE}."
    elif wanted.escalate_minutes and not (
        wanted.escalate_to_id is not None or wanted.escalate_channel_id is not None
    ):
        problems["escalate_to"] = "Name a person or a channel to escalate to."
    handling.escalate_minutes = wanted.escalate_minutes
    handling.escalate_to, handling.escalate_channel = person, channel
