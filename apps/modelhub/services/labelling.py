"""Labelling: a queue is made, rows are claimed by one person each, labelled, skipped, undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core import events
from apps.core.errors import Conflict, FieldNames, InvalidInput, unusable
from apps.modelhub.answers import Answer, answer_of
from apps.modelhub.models import LabelledExample, LabelQueue, LabelRow
from apps.modelhub.prelabels import STRATEGIES, prelabel
from apps.modelhub.services.adjudication import row_settle
from apps.modelhub.services.examples import MAX_TEXT
from ml.data.splits import text_key

MAX_ROWS = 1_000
MAX_GUIDELINES = 5_000
MAX_PEOPLE = 2
CLAIM = timedelta(minutes=10)
_ATTEMPTS = 50
State = LabelRow.State


def stream_of(queue_id: int) -> str:
    """The stream that tells of a queue's rows as they are labelled."""
    return f"modelhub.queue.{queue_id}"


def queue_create(
    *,
    actor: Any,
    name: str,
    task: str,
    texts: Sequence[str],
    strategy: str = "margin",
    guidelines: str = "",
    people: int = 1,
) -> LabelQueue:
    """A queue of the distinct ``texts`` that have no example yet, ordered by ``strategy``.

    ``people``: 1, or 2 that label each text apart. Raises ``InvalidInput`` for an unknown strategy,
    a task that is no classifier and no tagger, too many texts or none that are new, ``Conflict``
    for a name that is taken.
    """
    wanted = _new_texts(task, texts)
    problems = {
        "name": not 0 < len(name.strip()) <= 80,
        "strategy": strategy not in STRATEGIES,
        "guidelines": len(guidelines) > MAX_GUIDELINES,
        "people": not 1 <= people <= MAX_PEOPLE,
        "texts": not 0 < len(wanted) <= MAX_ROWS or any(len(text) > MAX_TEXT for text in wanted),
    }
    if bad := unusable(problems, "missing, too long or unknown"):
        raise InvalidInput(
            (
                "The queue's %(bad)s cannot be used; it takes 1 to %(max_rows)s texts that "
                "have no label yet."
            ),
            fields=bad,
            bad=FieldNames(bad),
            max_rows=f"{MAX_ROWS:,}",
        )
    found = prelabel(task, wanted, strategy)
    try:
        with transaction.atomic():
            queue = LabelQueue.objects.create(
                name=name.strip(),
                task=task,
                kind=found.kind,
                people=people,
                labels=found.labels,
                strategy=strategy,
                guidelines=guidelines.strip(),
                version=found.version,
                actor=actor,
            )
            LabelRow.objects.bulk_create(
                LabelRow(
                    queue=queue,
                    position=position,
                    copy=copy,
                    text=wanted[index],
                    suggestions=found.suggestions[index],
                )
                for position, index in enumerate(found.order)
                for copy in range(people)
            )
            audit_record(actor=actor, action="queue.made", object_type="queue", object_id=queue.pk)
    except IntegrityError as error:
        raise Conflict("A queue of this name exists.", code="name_taken") from error
    return queue


def row_claim(*, queue: LabelQueue, person: Any) -> LabelRow | None:
    """The row that the person has, or else the next that nobody has; ``None`` when none is left.

    What was claimed ten minutes ago and not labelled is free again, and goes first to the person
    who had it. Of a text that two people label nobody gets both rows.
    """
    now = timezone.now()
    # With what has run out: of its text the person cannot have the other row.
    mine = queue.rows.filter(state=State.CLAIMED, person=person).order_by("-until")
    free = queue.rows.filter(Q(state=State.OPEN) | Q(state=State.CLAIMED, until__lt=now))
    if queue.people > 1:
        theirs = queue.rows.filter(person=person).exclude(state=State.CLAIMED)
        free = free.exclude(position__in=theirs.values("position"))
    for _ in range(_ATTEMPTS):
        row = mine.first() or free.first()
        if row is None or (row.until is not None and row.until >= now):
            return row
        if _taken(row, person, now + CLAIM):
            row.refresh_from_db()
            return row
    raise Conflict("Many people take rows at this moment; try again.", code="row_taken")


def row_label(
    *,
    row_id: int,
    person: Any,
    label: str = "",
    labels: Sequence[str] | None = None,
    spans: Sequence[Mapping[str, Any]] | None = None,
) -> LabelRow:
    """Store what the person who has the row says of it, by the queue's kind.

    A class that is settled (of two people, that both gave) becomes an example. Raises ``Conflict``
    if another has the row, ``InvalidInput`` as :func:`apps.modelhub.answers.answer_of`.
    """
    row = LabelRow.objects.select_related("queue").filter(pk=row_id).first()
    if row is None:
        raise Conflict("This row is gone; the next one is shown.", code="row_taken")
    given = answer_of(row.queue, row.text, label=label, labels=labels, spans=spans)
    with transaction.atomic():
        row = _finish(row_id, person, state=State.LABELLED, given=given)
        row_settle(row=row, actor=person)
    return row


def row_skip(*, row_id: int, person: Any) -> LabelRow:
    """Put the row aside that the person has."""
    with transaction.atomic():
        return _finish(row_id, person, state=State.SKIPPED, given=Answer())


def row_undo(*, queue: LabelQueue, person: Any) -> LabelRow:
    """Take back the person's last label or skip and show that row again.

    Raises ``Conflict`` when there is nothing to take back, or a team lead has decided it since.
    """
    with transaction.atomic():
        done = queue.rows.filter(person=person, state__in=(State.LABELLED, State.SKIPPED))
        row = done.order_by("-done_at", "-pk").first()
        if row is None:
            raise Conflict("There is nothing to take back.", code="nothing_before")
        if queue.verdicts.filter(position=row.position).exists():
            raise Conflict("A team lead has decided this text since.", code="row_decided")
        queue.rows.filter(person=person, state=State.CLAIMED).update(
            state=State.OPEN, person=None, until=None
        )
        row.state, row.label, row.answer, row.done_at = State.CLAIMED, "", [], None
        row.until = timezone.now() + CLAIM
        row.save()
        _tell(row)  # before the turn is taken that settling takes, as when a row is labelled
        row_settle(row=row, actor=person)
    return row


def _taken(row: LabelRow, person: Any, until: Any) -> bool:
    """Whether the person got the row; its state was read before: of two one changes it.

    A person who asks from two windows at once is kept from the other row of the same text by the
    database.
    """
    as_read = LabelRow.objects.filter(pk=row.pk, state=row.state, until=row.until)
    try:
        with transaction.atomic():
            return bool(as_read.update(state=State.CLAIMED, person=person, until=until))
    except IntegrityError:
        return False


def _finish(row_id: int, person: Any, *, state: str, given: Answer) -> LabelRow:
    mine = LabelRow.objects.filter(pk=row_id, state=State.CLAIMED, person=person)
    done = {"label": given.label, "answer": given.answer, "done_at": timezone.now()}
    if not mine.update(state=state, until=None, **done):
        raise Conflict("This row is not yours any more; the next one is shown.", code="row_taken")
    row = LabelRow.objects.select_related("queue").get(pk=row_id)
    _tell(row)
    return row


def _tell(row: LabelRow) -> None:
    rows = LabelRow.objects.filter(queue_id=row.queue_id)
    done = rows.filter(state__in=(State.LABELLED, State.SKIPPED)).count()
    events.publish(stream_of(row.queue_id), "queue.progress", {"done": done, "total": rows.count()})


def _new_texts(task: str, texts: Sequence[str]) -> list[str]:
    """The distinct texts, in order, that nobody has labelled for the task."""
    examples = LabelledExample.objects.filter(task=task).values_list("text", flat=True)
    seen = {text_key(text) for text in examples}
    found = []
    for text in texts:
        if text.strip() and (key := text_key(text)) not in seen:
            seen.add(key)
            found.append(text.strip())
    return found
