"""What promises cost, whether they are kept, and what puts them in danger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from apps.core import gateway
from apps.core.errors import NotFound
from apps.modelhub.held_out import held_out_of
from apps.modelhub.models import DriftAlarm, LabelledExample
from apps.support.bot import RULE_SURE
from apps.support.models import IntentGroup, Message, PromiseNotice
from apps.support.promises import TASK, kept_by
from ml.evaluation.promises import Promise, least_error
from ml.evaluation.wilson import wilson
from ml.monitoring.held_out import HeldOut

ERRORS = (0.01, 0.02, 0.03, 0.05, 0.1)
"""Errors whose cost is shown beside the chosen one."""
WEEKS = 8
_JUDGED = 4  # weeks that tell whether a promise is broken
_SUBJECT = "support.message."
_Counts = dict[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of the answers on an intent's word in a week that begins on ``week``.

    ``checked`` are those of which an operator has said what they were about, ``wrong`` those of
    them that the bot had taken for something else. Operators look at what seems wrong first, so the
    share of all answers (``low`` to ``high``, 95%) is the least that the error can be, and that of
    the checked ones the most.
    """

    week: date | None
    answered: int
    checked: int
    wrong: int

    @property
    def of_answered(self) -> tuple[float, float] | None:
        return wilson(self.wrong, self.answered) if self.answered else None

    @property
    def of_checked(self) -> tuple[float, float] | None:
        return wilson(self.wrong, self.checked) if self.checked else None


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A group with what its promise, and others, come to."""

    group: IntentGroup
    rows: int
    least: float
    kept: Promise | None
    choices: tuple[Promise, ...]
    total: Measured
    weeks: tuple[Measured, ...]


def group_get(*, group_id: int) -> IntentGroup:
    group = IntentGroup.objects.filter(pk=group_id).first()
    if group is None:
        raise NotFound("There is no such group.", code="group_not_found")
    return group


def held_out_live() -> HeldOut | None:
    """What the live intent model answered on held-out rows; ``None`` while that is not known."""
    info = next((info for info in gateway.models() if info.task == TASK), None)
    return held_out_of(task=TASK, version=info.version) if info else None


def promise_list() -> list[GroupReport]:
    """Every group with its rows, its promise, the cost of others, and what was measured."""
    groups = list(IntentGroup.objects.all())
    held_out = held_out_live()
    measured = _measured(_monday(timezone.now()) - timedelta(weeks=WEEKS - 1))
    return [_report(group, held_out, measured) for group in groups]


def notice_list() -> list[PromiseNotice]:
    """The notices that are not over, the last first."""
    return list(PromiseNotice.objects.filter(ended_at=None).select_related("group"))


def intents_free() -> list[str]:
    """The intents of the live model that no group has."""
    taken = {intent for group in IntentGroup.objects.all() for intent in group.intents}
    info = next((info for info in gateway.models() if info.task == TASK), None)
    return sorted(set(info.labels) - taken) if info else []


def dangers() -> dict[tuple[int | None, str], str]:
    """What puts promises in danger now, by group and kind."""
    found: dict[tuple[int | None, str], str] = {}
    promised = [row for row in promise_list() if row.group.error is not None]
    for row in promised:
        name, error = row.group.name, row.group.error or 0.0
        if row.kept is None or not row.kept.can_be_kept:
            found[row.group.pk, PromiseNotice.Kind.UNKEPT] = (
                f"{name}: {error:.2%} cannot be promised of the live model ({row.rows} held-out "
                "rows); the bot answers none of it by itself."
            )
        recent = _sum(row.weeks[-_JUDGED:])
        interval = recent.of_answered
        if interval and interval[0] > error:
            found[row.group.pk, PromiseNotice.Kind.BROKEN] = (
                f"{name}: {recent.wrong} of {recent.answered} answers of the last {_JUDGED} weeks "
                f"were corrected, {interval[0]:.1%} at least; {error:.2%} was promised."
            )
    alarm = DriftAlarm.objects.filter(task=TASK, ended_at=None).first()
    if promised and alarm is not None:
        found[None, PromiseNotice.Kind.DRIFT] = (
            f"Customers write otherwise than what the model learned from "
            f"({alarm.get_kind_display().lower()}); what is promised may not hold for them."
        )
    return found


def _report(
    group: IntentGroup, held_out: HeldOut | None, measured: dict[date, _Counts]
) -> GroupReport:
    choices = tuple(kept_by(held_out, group.intents, error) for error in ERRORS)
    weeks = tuple(
        Measured(
            week,
            *(
                sum(counts.get(intent, Counter())[what] for intent in group.intents)
                for what in ("answered", "checked", "wrong")
            ),
        )
        for week, counts in sorted(measured.items())
    )
    rows = choices[0].rows
    return GroupReport(
        group=group,
        rows=rows,
        least=least_error(rows),
        kept=kept_by(held_out, group.intents, group.error) if group.error else None,
        choices=choices,
        total=_sum(weeks),
        weeks=weeks,
    )


def _measured(since: datetime) -> dict[date, _Counts]:
    """By week and intent: how many answers, how many checked, how many of those wrong."""
    answers = Message.objects.filter(
        created_at__gte=since, author=Message.Author.VISITOR, analysis__rule=RULE_SURE
    ).values_list("pk", "created_at", "analysis__intents__0__label")
    examples = LabelledExample.objects.filter(
        task=TASK, subject__startswith=_SUBJECT, updated_at__gte=since
    )
    said = dict(examples.order_by("updated_at").values_list("subject", "new_label"))
    first = since.date()
    weeks: dict[date, _Counts] = {first + timedelta(weeks=at): {} for at in range(WEEKS)}
    for pk, at, label in answers.iterator():
        counts = weeks[_monday(at).date()].setdefault(str(label), Counter())
        counts["answered"] += 1
        given = said.get(f"{_SUBJECT}{pk}")
        if given is not None:
            counts["checked"] += 1
            counts["wrong"] += given != label
    return weeks


def _sum(weeks: tuple[Measured, ...]) -> Measured:
    return Measured(
        None,
        sum(one.answered for one in weeks),
        sum(one.checked for one in weeks),
        sum(one.wrong for one in weeks),
    )


def _monday(at: datetime) -> datetime:
    day = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())
