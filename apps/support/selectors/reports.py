"""What the desk did in a period: volumes, automation, times, promises kept, who and which article.

Conversations count by when they began. A conversation is automated (contained) when no person was
asked to help with it, by the bot, the customer or an operator; it is deflected when moreover the
bot answered by an article or a flow and the customer does not say that it did not help.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median, quantiles

from django.db.models import Count
from django.utils import timezone

from apps.accounts.models import User
from apps.support.models import Conversation, Policy
from apps.support.selectors.report_cases import NO_TEAM, Case, Period, cases_of
from apps.support.selectors.teams import in_sight

_SLICES = 12
"""Parts of the period over which the number of questions about a matter is told."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: how many were measured, their median and 90th percentile."""

    number: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A team, an operator, an article or a matter, with its numbers by name.

    ``key`` names it where its name may be another's too; ``over_time`` are numbers for each of
    :attr:`Report.slices`.
    """

    name: str
    values: dict[str, float | int | None]
    key: str = ""
    over_time: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told of a period. ``promises`` are conversations under a promise of time
    and those of them that broke one; ``ratings`` how many said yes and no."""

    period: Period
    conversations: int
    messages: int
    automated: int
    deflected: int
    by_day: list[tuple[date, int, int]]
    reasons: list[tuple[str, int]]
    first_response: Times
    resolution: Times
    promises: tuple[int, int]
    ratings: tuple[int, int]
    teams: list[Row]
    operators: list[Row]
    articles: list[Row]
    matters: list[Row]

    @property
    def slices(self) -> list[date]:
        """The first days of the parts of the period, at most twelve of equal length."""
        return self.period.days[:: _step(self.period)]

    @property
    def automation(self) -> float | None:
        return self.automated / self.conversations if self.conversations else None

    @property
    def deflection(self) -> float | None:
        return self.deflected / self.conversations if self.conversations else None

    @property
    def kept(self) -> float | None:
        under, broken = self.promises
        return 1 - broken / under if under else None

    @property
    def satisfied(self) -> float | None:
        yes, no = self.ratings
        return yes / (yes + no) if yes + no else None


def report_get(*, operator: User, period: Period, team_id: int | None = None) -> Report:
    """The report of a period: of what ``operator`` may see and, where one is named, of a team."""
    cases = cases_of(operator=operator, period=period, team_id=team_id)
    rows = list(cases.values())
    helped = [case for case in rows if case.reason]
    days = Counter(timezone.localtime(case.began).date() for case in rows)
    by_bot = Counter(timezone.localtime(case.began).date() for case in rows if not case.reason)
    promised = Policy.objects.exists()
    under = [case for case in helped if promised or case.broken]
    return Report(
        period=period,
        conversations=len(rows),
        messages=sum(case.messages for case in rows),
        automated=len(rows) - len(helped),
        deflected=sum(case.deflected for case in rows),
        by_day=[(day, days[day], by_bot[day]) for day in period.days],
        reasons=Counter(case.reason for case in helped).most_common(),
        first_response=_times(case.waited for case in helped),
        resolution=_times(case.took for case in helped),
        promises=(len(under), sum(case.broken for case in under)),
        ratings=_ratings(rows),
        teams=_by_team(rows),
        operators=_by_operator(rows, operator),
        articles=_by_article(rows),
        matters=_by_matter(rows, period),
    )


def _times(values: Iterable[float | None]) -> Times:
    known = sorted(value for value in values if value is not None)
    if not known:
        return Times(0, None, None)
    high = quantiles(known, n=10, method="inclusive")[-1] if len(known) > 1 else known[0]
    return Times(len(known), median(known), high)


def _ratings(cases: Sequence[Case]) -> tuple[int, int]:
    return sum(case.rating is True for case in cases), sum(case.rating is False for case in cases)


def _by_team(cases: Sequence[Case]) -> list[Row]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.reason:
            groups[case.team or NO_TEAM].append(case)
    return _sorted(
        Row(
            name,
            {
                "conversations": len(rows),
                "first response": _times(case.waited for case in rows).median,
                "resolution": _times(case.took for case in rows).median,
                "late": sum(case.broken for case in rows),
            },
        )
        for name, rows in groups.items()
    )


def _by_operator(cases: Sequence[Case], reader: User) -> list[Row]:
    """Who wrote in the period, with what they have in hand now, of what ``reader`` may see."""
    groups: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        for operator in case.operators:
            groups[operator].append(case)
    people = User.objects.filter(pk__in=groups).select_related("duty")
    names = {user.pk: user.display_name for user in people}
    room = {user.pk: user.duty.capacity for user in people if hasattr(user, "duty")}
    open_now = _open_now(reader)
    return _sorted(
        Row(
            names.get(operator, "–"),
            {
                "conversations": len(rows),
                "replies": sum(case.operators[operator] for case in rows),
                "first response": _times(case.waited for case in rows).median,
                "resolution": _times(case.took for case in rows).median,
                "open now": open_now.get(operator, 0),
                "capacity": room.get(operator),
            },
            key=str(operator),
        )
        for operator, rows in groups.items()
    )


def _open_now(reader: User) -> dict[int, int]:
    """By operator: conversations in their hands at this moment."""
    rows = Conversation.objects.filter(in_sight(reader), state=Conversation.State.PERSON)
    return dict(rows.values_list("assignee").annotate(number=Count("pk")).order_by())


def _by_matter(cases: Sequence[Case], period: Period) -> list[Row]:
    """What was asked about, how often the bot answered it, and how often it was taken rightly, as
    far as operators have said."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for matter in {one.matter for one in case.asked}:
            groups[matter].append(case)
    return _sorted(_matter(matter, rows, period) for matter, rows in groups.items())


def _matter(matter: str, cases: Sequence[Case], period: Period) -> Row:
    asked = [one for case in cases for one in case.asked if one.matter == matter]
    checked = [one for one in asked if one.right is not None]
    begun = [timezone.localtime(case.began).date() for case in cases]
    over_time = Counter((day - period.first).days // _step(period) for day in begun)
    return Row(
        matter,
        {
            "conversations": len(cases),
            "questions": len(asked),
            "answered": sum(one.answered for one in asked),
            "passed on": sum(bool(case.reason) for case in cases),
            "checked": len(checked),
            "right": sum(bool(one.right) for one in checked),
        },
        over_time=tuple(over_time[at] for at in range(len(period.days[:: _step(period)]))),
    )


def _step(period: Period) -> int:
    """Days of a part of the period."""
    return -(-len(period.days) // _SLICES)


def _by_article(cases: Sequence[Case]) -> list[Row]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for slug in case.cited - {""}:
            groups[slug].append(case)
    return _sorted(
        Row(
            slug,
            {
                "conversations": len(rows),
                "passed on": sum(bool(case.reason) for case in rows),
                "helped": sum(case.rating is True for case in rows),
                "did not help": sum(case.rating is False for case in rows),
            },
        )
        for slug, rows in groups.items()
    )


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-(row.values["conversations"] or 0), row.name))
