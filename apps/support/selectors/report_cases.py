"""The conversations of a period as reports read them: each with what became of it.

Conversations count by when they began.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core.errors import InvalidInput
from apps.support.bot import RULE_PERSON
from apps.support.models import Conversation, Message, Rating
from apps.support.selectors.matters import Asked, asked_in
from apps.support.selectors.teams import in_sight

LONGEST = 370  # days
ASKED = RULE_PERSON
TAKEN = "an operator took over"
NO_TEAM = "no team"
_ANSWERS = ("answer", "done")  # an article, or a flow at its end
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
                "A report is about 1 to %(longest)s days.",
                fields={"from": "out of range"},
                longest=LONGEST,
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


@dataclass(slots=True)
class Case:
    """One conversation as it is read for a report."""

    began: datetime
    team: str | None
    messages: int = 0
    reason: str = ""
    passed_at: datetime | None = None
    replied_at: datetime | None = None
    operators: Counter[int] = field(default_factory=Counter)
    cited: set[str] = field(default_factory=set)
    answered: bool = False  # by an article or a flow of the bot
    resolved_at: datetime | None = None
    broken: bool = False
    rating: bool | None = None
    asked: list[Asked] = field(default_factory=list)

    @property
    def deflected(self) -> bool:
        """Whether the bot's answer was enough: no person was asked, nor does the customer say that
        it did not help."""
        return self.answered and not self.reason and self.rating is not False

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


def cases_of(*, operator: User, period: Period, team_id: int | None = None) -> dict[str, Case]:
    """By id: what ``operator`` may see of the period and, where one is named, of a team."""
    found = _conversations(operator, period, team_id)
    columns = found.values_list("pk", "created_at", "team__name")
    cases = {str(pk): Case(began, team) for pk, began, team in columns}
    written = Message.objects.filter(conversation__in=found, author=Message.Author.VISITOR)
    counted = written.values_list("conversation").annotate(number=Count("pk")).order_by()
    for pk, number in counted:
        cases[str(pk)].messages = number
    _read_messages(cases, found)
    _read_audit(cases, period.bounds()[0])
    rated = Rating.objects.filter(conversation__in=found)
    for pk, good in rated.values_list("conversation", "good"):
        cases[str(pk)].rating = good
    for pk, asked in asked_in(found):
        cases[str(pk)].asked.append(asked)
    return cases


def _conversations(operator: User, period: Period, team_id: int | None) -> QuerySet[Conversation]:
    wanted = in_sight(operator)
    if team_id is not None:
        wanted &= Q(team=team_id)
    start, end = period.bounds()
    return Conversation.objects.filter(wanted, created_at__gte=start, created_at__lt=end)


def _read_messages(cases: dict[str, Case], found: QuerySet[Conversation]) -> None:
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
            case.answered |= bool(citations) or action in _ANSWERS
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


def _read_audit(cases: dict[str, Case], start: datetime) -> None:
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
