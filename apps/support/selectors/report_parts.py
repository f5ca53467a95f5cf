"""The conversations behind a number of a report."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.support.models import Conversation
from apps.support.selectors.report_cases import NO_TEAM, Case, Period, cases_of

MOST = 500
"""Conversations of a part that are listed, the latest first."""

_PARTS: dict[str, Callable[[Case, str], bool]] = {
    "automated": lambda case, _: not case.reason,
    "deflected": lambda case, _: case.deflected,
    "answered": lambda case, _: case.waited is not None,
    "resolved": lambda case, _: case.took is not None,
    "late": lambda case, _: case.broken and bool(case.reason),
    "helped": lambda case, name: case.rating is (name == "yes"),
    "days": lambda case, name: timezone.localtime(case.began).date().isoformat() == name,
    "reasons": lambda case, name: case.reason == name,
    "teams": lambda case, name: bool(case.reason) and (case.team or NO_TEAM) == name,
    "operators": lambda case, name: name in map(str, case.operators),
    "articles": lambda case, name: name in case.cited,
    "matters": lambda case, name: any(one.matter == name for one in case.asked),
    "wrong": lambda case, name: any(
        one.matter == name and one.right is False for one in case.asked
    ),
}
PARTS = tuple(_PARTS)


def part_list(
    *, operator: User, period: Period, part: str, name: str = "", team_id: int | None = None
) -> list[Conversation]:
    """The conversations that a report counts in ``part``, of those the row called ``name``.

    As many as the report says, up to :data:`MOST`. Raises ``InvalidInput`` for an unknown part.
    """
    if part not in _PARTS:
        raise InvalidInput(
            "A report has the parts %(parts)s.", fields={"part": "unknown"}, parts=", ".join(PARTS)
        )
    cases = cases_of(operator=operator, period=period, team_id=team_id)
    wanted = [(case.began, pk) for pk, case in cases.items() if _PARTS[part](case, name)]
    ids = [pk for _, pk in sorted(wanted, reverse=True)[:MOST]]
    found = Conversation.objects.select_related("assignee", "team").in_bulk(ids)
    by_id = {str(pk): row for pk, row in found.items()}
    return [by_id[pk] for pk in ids if pk in by_id]
