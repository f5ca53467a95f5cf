"""Labelling: a queue is made, rows are claimed by one person each, labelled, skipped, undone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub.models import LabelledExample, LabelQueue, LabelRow
from apps.modelhub.services.examples import MAX_LABEL, MAX_TEXT, example_add, example_undo
from ml.data.splits import text_key
from ml.evaluation.probabilities import probability_matrix
from ml.labelling.queries import queries
from ml.types import Classification

STRATEGIES = ("margin", "entropy", "mixed", "random")
MAX_ROWS = 1_000
MAX_GUIDELINES = 5_000
CLAIM = timedelta(minutes=10)
_SUGGESTED = 9  # one a digit of the keyboard
_CHUNK = 64
_ATTEMPTS = 50
State = LabelRow.State


def queue_create(
    *,
    actor: Any,
    name: str,
    task: str,
    texts: Sequence[str],
    strategy: str = "margin",
    guidelines: str = "",
) -> LabelQueue:
    """A queue of the distinct ``texts`` that have no example yet, ordered by ``strategy``.

    Raises ``InvalidInput`` for an unknown strategy, a task that is no classifier, too many texts
    or none that are new, ``Conflict`` for a name that is taken.
    """
    wanted = _new_texts(task, texts)
    problems = {
        "name": not 0 < len(name.strip()) <= 80,
        "strategy": strategy not in STRATEGIES,
        "guidelines": len(guidelines) > MAX_GUIDELINES,
        "texts": not 0 < len(wanted) <= MAX_ROWS or any(len(text) > MAX_TEXT for text in wanted),
    }
    bad = [field for field, is_bad in problems.items() if is_bad]
    if bad:
        raise InvalidInput(
            f"The queue's {', '.join(bad)} cannot be used; it takes 1 to {MAX_ROWS:,} texts that "
            "have no label yet.",
            fields=dict.fromkeys(bad, "missing, too long or unknown"),
        )
    found = _answers(task, wanted)
    labels = sorted({score.label for one in found for score in one.scores})
    order = _order(strategy, wanted, found, labels)
    try:
        with transaction.atomic():
            queue = LabelQueue.objects.create(
                name=name.strip(),
                task=task,
                labels=labels,
                strategy=strategy,
                guidelines=guidelines.strip(),
                version=found[0].version,
                actor=actor,
            )
            LabelRow.objects.bulk_create(
                LabelRow(
                    queue=queue,
                    position=position,
                    text=wanted[index],
                    suggestions=_suggestions(found[index]),
                )
                for position, index in enumerate(order)
            )
            audit_record(actor=actor, action="queue.made", object_type="queue", object_id=queue.pk)
    except IntegrityError as error:
        raise Conflict("A queue of this name exists.", code="name_taken") from error
    return queue


def row_claim(*, queue: LabelQueue, person: Any) -> LabelRow | None:
    """The row that the person has, or else the next that nobody has; ``None`` when none is left.

    What was claimed ten minutes ago and not labelled is free again.
    """
    now = timezone.now()
    mine = queue.rows.filter(state=State.CLAIMED, person=person, until__gte=now).first()
    if mine is not None:
        return mine
    for _ in range(_ATTEMPTS):
        free = queue.rows.filter(
            Q(state=State.OPEN) | Q(state=State.CLAIMED, until__lt=now)
        ).first()
        if free is None:
            return None
        # The state that was read in the filter: of two people one changes it, the other reads on.
        taken = queue.rows.filter(pk=free.pk, state=free.state, until=free.until).update(
            state=State.CLAIMED, person=person, until=now + CLAIM
        )
        if taken:
            free.refresh_from_db()
            return free
    raise Conflict("Many people take rows at this moment; try again.", code="row_taken")


def row_label(*, row_id: int, person: Any, label: str) -> LabelRow:
    """Label the row that the person has; it becomes an example. ``Conflict`` if another has it."""
    label = label.strip()
    if not 0 < len(label) <= MAX_LABEL:
        raise InvalidInput("Choose a label.", fields={"label": "missing or too long"})
    with transaction.atomic():
        row = _finish(row_id, person, state=State.LABELLED, label=label)
        guessed, sure = row.suggestions[0]
        example_add(
            app=LabelledExample.App.LABELLING,
            task=row.queue.task,
            text=row.text,
            new_label=label,
            old_label=guessed,
            confidence=sure,
            model_version=row.queue.version,
            actor=person,
            subject=_subject(row),
            provenance={"queue": row.queue_id},
        )
    return row


def row_skip(*, row_id: int, person: Any) -> LabelRow:
    """Put the row aside that the person has."""
    return _finish(row_id, person, state=State.SKIPPED, label="")


def row_undo(*, queue: LabelQueue, person: Any) -> LabelRow:
    """Take back the person's last label or skip and show that row again.

    Raises ``Conflict`` when there is nothing to take back.
    """
    with transaction.atomic():
        done = queue.rows.filter(person=person, state__in=(State.LABELLED, State.SKIPPED))
        row = done.order_by("-done_at", "-pk").first()
        if row is None:
            raise Conflict("There is nothing to take back.", code="nothing_before")
        queue.rows.filter(person=person, state=State.CLAIMED).update(
            state=State.OPEN, person=None, until=None
        )
        if row.state == State.LABELLED:
            example_undo(task=queue.task, subject=_subject(row), actor=person)
        row.state, row.label, row.done_at = State.CLAIMED, "", None
        row.until = timezone.now() + CLAIM
        row.save()
    return row


def _finish(row_id: int, person: Any, *, state: str, label: str) -> LabelRow:
    mine = LabelRow.objects.filter(pk=row_id, state=State.CLAIMED, person=person)
    if not mine.update(state=state, label=label, done_at=timezone.now(), until=None):
        raise Conflict("This row is not yours any more; the next one is shown.", code="row_taken")
    return LabelRow.objects.select_related("queue").get(pk=row_id)


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


def _answers(task: str, texts: Sequence[str]) -> list[Classification]:
    found = [
        one
        for at in range(0, len(texts), _CHUNK)
        for one in gateway.predict(task, texts[at : at + _CHUNK], observed=False)
    ]
    if not all(isinstance(one, Classification) for one in found):
        raise InvalidInput(f"{task} is no classifier of one label.", fields={"task": "unusable"})
    return cast(list[Classification], found)


def _order(
    strategy: str, texts: list[str], found: list[Classification], labels: list[str]
) -> list[int]:
    if strategy == "random":
        order = list(range(len(texts)))
        random.shuffle(order)
        return order
    vectors = None
    if strategy == "mixed":
        parts = [gateway.embed(texts[at : at + _CHUNK]) for at in range(0, len(texts), _CHUNK)]
        vectors = np.stack([vector for part in parts for vector in part])
    return list(queries(strategy, probability_matrix(found, labels), vectors))


def _suggestions(one: Classification) -> list[list[Any]]:
    return [[score.label, round(score.score, 4)] for score in one.scores[:_SUGGESTED]]


def _subject(row: LabelRow) -> str:
    return f"label-row:{row.pk}"
