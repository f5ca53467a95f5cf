"""Reads of content gaps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.support.bot import RULE_PERSON
from apps.support.models import Conversation, Gap, Message
from apps.support.selectors.teams import in_sight

_SHOWN = 5
_LISTED = 100
_ASKED = 40


@dataclass(frozen=True, slots=True)
class GapReport:
    """A gap with its size and the questions nearest to its middle, of those in sight."""

    gap: Gap
    size: int
    last: datetime
    asked: list[Message]

    @property
    def name(self) -> str:
        return self.asked[0].text

    @property
    def shown(self) -> list[Message]:
        """Examples beside the one that names it, each text once."""
        texts = {self.name: self.asked[0]}
        for one in self.asked[1:]:
            texts.setdefault(one.text, one)
        return list(texts.values())[1 : _SHOWN + 1]


def unanswered(*, since: datetime, limit: int) -> list[Message]:
    """Customers' messages that the bot could not answer and that are in no gap yet, oldest first.

    Those by which a person was asked for say nothing of a matter.
    """
    rows = Message.objects.filter(
        created_at__gte=since,
        author=Message.Author.VISITOR,
        analysis__action__in=("unsure", "hand_over"),
        gap_question=None,
    ).exclude(analysis__rule=RULE_PERSON)
    return list(rows.exclude(analysis__rule__startswith="language").order_by("pk")[:limit])


def gap_list(
    *, operator: User, state: str = Gap.State.OPEN, limit: int = _LISTED
) -> list[GapReport]:
    """The largest gaps of a state, of the questions that ``operator`` may see."""
    gaps = _sized(operator, state=state)[:limit]
    return [_report(gap, operator) for gap in gaps]


def gap_get(*, gap_id: int, operator: User) -> GapReport:
    gap = _sized(operator, pk=gap_id).first()
    if gap is None:
        raise NotFound("There is no such gap.", code="gap_not_found")
    return _report(gap, operator)


def gap_counts(*, operator: User) -> dict[str, int]:
    rows = _sized(operator).values_list("state", flat=True)
    states = list(rows)
    return {state: states.count(state) for state in Gap.State.values}


def _sized(operator: User, **wanted: Any) -> QuerySet[Gap]:
    """Gaps with questions in sight, the largest first: ``size`` of them, the ``last`` when."""
    seen = Q(questions__message__conversation__in=_in_sight(operator))
    return (
        Gap.objects.filter(**wanted)
        .select_related("article")
        .annotate(
            size=Count("questions", filter=seen, distinct=True),
            last=Max("questions__message__created_at", filter=seen),
        )
        .filter(size__gt=0)
        .order_by("-size", "-last", "pk")
    )


def _report(gap: Gap, operator: User) -> GapReport:
    rows = Message.objects.filter(conversation__in=_in_sight(operator), gap_question__gap=gap)
    asked = list(rows.order_by("-gap_question__nearness", "pk")[:_ASKED])
    return GapReport(gap, gap.size, gap.last, asked)  # type: ignore[attr-defined]


def _in_sight(operator: User) -> QuerySet[Conversation]:
    return Conversation.objects.filter(in_sight(operator))
