"""What analysts say about a source: how much it counts, its licence, language and time zone."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed
from apps.market.models import Source
from apps.market.services.sources import INTERVALS, pause_of

WEIGHTS = (0.0, 5.0)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?\Z")


def source_update(*, actor: Any, source: Source, **wanted: Any) -> Source:
    """Change ``weight``, ``licence``, ``language``, ``time_zone`` or ``interval_seconds``.

    A changed weight counts for what is scored from now on: the past of an index stays. A changed
    interval counts from the last poll. Raises ``NotAllowed``, and ``InvalidInput`` naming each
    field that is off.
    """
    if not actor.has_perm("market.manage_sources"):
        raise NotAllowed("Only analysts change sources.")
    problems = {name: told for name, value in wanted.items() if (told := _problem(name, value))}
    if problems:
        told = " ".join(f"{name}: {problem}" for name, problem in problems.items())
        raise InvalidInput("The source is not changed. %(told)s", fields=problems, told=told)
    with transaction.atomic():
        for name, value in wanted.items():
            setattr(source, name, value)
        changed = list(wanted)
        if "interval_seconds" in wanted and source.next_poll_at is not None:
            since = source.polled_at or timezone.now()
            source.next_poll_at = since + pause_of(source)
            changed.append("next_poll_at")
        source.save(update_fields=changed)
        audit_record(
            actor=actor,
            action="source.changed",
            object_type="source",
            object_id=source.pk,
            **wanted,
        )
    return source


def _problem(name: str, value: Any) -> str:
    """What is wrong with a value, empty if nothing."""
    match name:
        case "weight":
            low, high = WEIGHTS
            return "" if low <= value <= high else f"between {low:.0f} and {high:.0f}."
        case "licence":
            return "" if len(value) <= 200 else "at most 200 characters."
        case "language":
            return "" if _LANGUAGE.match(value) else "a code such as en or zh-CN."
        case "time_zone":
            return "" if value in available_timezones() else "a name such as Europe/London."
        case "interval_seconds":
            low, high = INTERVALS
            return "" if low <= value <= high else f"between {low} and {high} seconds."
    raise TypeError(f"a source has no setting {name!r}")
