"""What the desk did in a period: volumes, automation, times, promises kept, who and which article.

Conversations count by when they began. A conversation is automated when no person was asked to help
with it, by the bot, the customer or an operator.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median, quantiles

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core.errors import InvalidInput
from apps.support.bot import RULE_PERSON
from apps.support.models import Conversation, Message, Policy, Rating
from apps.support.selectors.teams import in_sight

LONGEST = 370  # days
ASKED = RULE_PERSON
TAKEN = "an operator took over"
_RESOLVED, _BREACHED = "conversation.resolved", "sla.breached"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the last included."""

    first: date
    last: date

    @classmethod
    def of(cls, first: str, last: str) -> Period:
        """The period between two dates as they are written, by default the last 30 days; raises
        ``InvalidInput``."""
        today = timezone.localdate()
        try:
            end = date.fromisoformat(last) if last else today
            begin = date.fromisoformat(first) if first else end - timedelta(days=29)
        except ValueError as error:
            raise InvalidInput(
                "A date is written as 2026-05-31.", fields={"from": "no date", "to": "no date"}
            ) from error
        if not 0 <= (end - begin).days < LONGEST:
            raise InvalidInput(
                f"A report is about 1 to {LONGEST} days.", fields={"from": "out of range"}
            )
        return cls(begin, end)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=at) for at in range((self.last - self.first).days + 1)]

    def bounds(self) -> tuple[datetime, datetime]:
        zone = timezone.get_current_timezone()
        start = datetime.combine(self.first, datetime.min.time(), zone)
        end = datetime.combine(self.last + timedelta(days=1), datetime.min.time(), zone)
        return start, end


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: how many were measured, their median and 90th percentile."""

    number: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A team, an operator or an article, with its numbers by name."""

    name: str
    values: dict[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told of a period. ``promises`` are conversations under a promise of time
    and those of them that broke one; ``ratings`` how many said yes and no."""

    period: Period
    conversations: int
    messages: int
    automated: int
    by_day: list[tuple[date, int, int]]
    reasons: list[tuple[str, int]]
    first_response: Times
    resolution: Times
    promises: tuple[int, int]
    ratings: tuple[int, int]
    teams: list[Row]
    operators: list[Row]
    articles: list[Row]

    @property
    def automation(self) -> float | None:
        return self.automated / self.conversations if self.conversations else None

    @property
    def kept(self) -> float | None:
        under, broken = self.promises
        return 1 - broken / under if under else None

    @property
    def satisfied(self) -> float | None:
        yes, no = self.ratings
        return yes / (yes + no) if yes + no else None


@dataclass(slots=True)
class _Case:
    """One conversation as it is read for a report."""

    began: datetime
    team: str | None
    reason: str = ""
    passed_at: datetime | None = None
    replied_at: datetime | None = None
    operators: Counter[int] = field(default_factory=Counter)
    cited: set[str] = field(default_factory=set)
    resolved_at: datetime | None = None
    broken: bool = False
    rating: bool | None = None

    @property
    def waited(self) -> float | None:
        if self.replied_at is None or self.passed_at is None:
            return None
        return (self.replied_at - self.passed_at).total_seconds()

    @property
    def took(self) -> float | None:
        if self.resolved_at is None or self.passed_at is None or self.resolved_at < self.passed_at:
            return None
        return (self.resolved_at - self.passed_at).total_seconds()


def report_get(*, operator: User, period: Period, team_id: int | None = None) -> Report:
    """The report of a period: of what ``operator`` may see and, where one is named, of a team."""
    wanted = in_sight(operator)
    if team_id is not None:
        wanted &= Q(team=team_id)
    start, end = period.bounds()
    found = Conversation.objects.filter(wanted, created_at__gte=start, created_at__lt=end)
    columns = found.values_list("pk", "created_at", "team__name")
    cases = {str(pk): _Case(began, team) for pk, began, team in columns}
    _read_messages(cases, found)
    _read_audit(cases, start)
    for pk, good in Rating.objects.filter(conversation__in=found).values_list(
        "conversation", "good"
    ):
        cases[str(pk)].rating = good
    rows = list(cases.values())
    helped = [case for case in rows if case.reason]
    days = Counter(timezone.localtime(case.began).date() for case in rows)
    by_bot = Counter(timezone.localtime(case.began).date() for case in rows if not case.reason)
    promised = Policy.objects.exists()
    under = [case for case in helped if promised or case.broken]
    return Report(
        period=period,
        conversations=len(rows),
        messages=Message.objects.filter(
            conversation__in=found, author=Message.Author.VISITOR
        ).count(),
        automated=len(rows) - len(helped),
        by_day=[(day, days[day], by_bot[day]) for day in period.days],
        reasons=Counter(case.reason for case in helped).most_common(),
        first_response=_times(case.waited for case in helped),
        resolution=_times(case.took for case in helped),
        promises=(len(under), sum(case.broken for case in under)),
        ratings=_ratings(rows),
        teams=_by_team(rows),
        operators=_by_operator(rows),
        articles=_by_article(rows),
    )


def _read_messages(cases: dict[str, _Case], found: QuerySet[Conversation]) -> None:
    """In order: when a person was asked, and why; who answered first; what was cited."""
    rows = Message.objects.filter(conversation__in=found).exclude(author=Message.Author.VISITOR)
    columns = (
        *("conversation", "author", "operator", "created_at", "citations"),
        *("analysis__action", "analysis__rule"),
    )
    before: dict[str, tuple[str, datetime]] = {}
    ordered = rows.order_by("conversation", "seq").values_list(*columns)
    for pk, author, operator, at, citations, action, rule in ordered.iterator():
        case = cases[str(pk)]
        if author == Message.Author.BOT:
            case.cited.update(one.get("slug", "") for one in citations)
            if action == "hand_over" and not case.reason:
                case.reason, case.passed_at = str(rule or ""), at
        elif author == Message.Author.SYSTEM and not case.reason:
            before.setdefault(str(pk), (ASKED, at))
        elif author == Message.Author.OPERATOR and operator is not None:
            case.operators[operator] += 1
            if case.replied_at is None:
                case.replied_at = at
                if not case.reason:
                    case.reason, case.passed_at = before.get(str(pk), (TAKEN, case.began))


def _read_audit(cases: dict[str, _Case], start: datetime) -> None:
    entries = AuditEntry.objects.filter(
        action__in=(_RESOLVED, _BREACHED), object_type="conversation", created_at__gte=start
    )
    for pk, action, at in entries.order_by("pk").values_list("object_id", "action", "created_at"):
        case = cases.get(pk)
        if case is None:
            continue
        if action == _RESOLVED:
            case.resolved_at = at
        else:
            case.broken = True


def _times(values: Iterable[float | None]) -> Times:
    known = sorted(value for value in values if value is not None)
    if not known:
        return Times(0, None, None)
    high = quantiles(known, n=10, method="inclusive")[-1] if len(known) > 1 else known[0]
    return Times(len(known), median(known), high)


def _ratings(cases: Sequence[_Case]) -> tuple[int, int]:
    return sum(case.rating is True for case in cases), sum(case.rating is False for case in cases)


def _by_team(cases: Sequence[_Case]) -> list[Row]:
    groups: dict[str, list[_Case]] = defaultdict(list)
    for case in cases:
        if case.reason:
            groups[case.team or "no team"].append(case)
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


def _by_operator(cases: Sequence[_Case]) -> list[Row]:
    groups: dict[int, list[_Case]] = defaultdict(list)
    for case in cases:
        for operator in case.operators:
            groups[operator].append(case)
    names = {user.pk: user.display_name for user in User.objects.filter(pk__in=groups)}
    return _sorted(
        Row(
            names.get(operator, "–"),
            {
                "conversations": len(rows),
                "replies": sum(case.operators[operator] for case in rows),
                "first response": _times(case.waited for case in rows).median,
                "resolution": _times(case.took for case in rows).median,
            },
        )
        for operator, rows in groups.items()
    )


def _by_article(cases: Sequence[_Case]) -> list[Row]:
    groups: dict[str, list[_Case]] = defaultdict(list)
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
