"""What a text's label is in the end: that of its one labeller, of two who agree, or a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core import locks
from apps.core.errors import Conflict, NotFound
from apps.modelhub.answers import answer_of
from apps.modelhub.models import LabelledExample, LabelQueue, LabelRow, LabelVerdict
from apps.modelhub.selectors.agreement import settled
from apps.modelhub.services.examples import example_add, example_discard

State = LabelRow.State


def row_decide(
    *,
    queue: LabelQueue,
    position: int,
    actor: Any,
    label: str = "",
    labels: Sequence[str] | None = None,
    spans: Sequence[Mapping[str, Any]] | None = None,
) -> LabelVerdict:
    """Decide a text that two people have done; a later verdict replaces the one before.

    Raises ``NotFound`` for a text that two people do not label, ``Conflict`` while one of them has
    not, ``InvalidInput`` as :func:`apps.modelhub.answers.answer_of`.
    """
    rows = list(queue.rows.filter(position=position))
    if len(rows) < 2:
        raise NotFound("Two people do not label this text.")
    if not all(row.state in (State.LABELLED, State.SKIPPED) for row in rows):
        raise Conflict("Not both people have done this text.", code="row_open")
    given = answer_of(queue, rows[0].text, label=label, labels=labels, spans=spans)
    with transaction.atomic():
        verdict, _ = LabelVerdict.objects.update_or_create(
            queue=queue,
            position=position,
            defaults={
                "label": given.label,
                "answer": given.answer,
                "actor": actor,
                "created_at": timezone.now(),  # a verdict that replaces one is said anew
            },
        )
        row_settle(row=rows[0], actor=actor)
        audit_record(
            actor=actor,
            action="queue.decided",
            object_type="queue",
            object_id=queue.pk,
            position=position,
        )
    return verdict


def row_settle(*, row: LabelRow, actor: Any) -> None:
    """Make the example of a row's text what its rows and its verdict now come to, or none.

    To be called in the transaction that changed them. Only a class is an example; other answers are
    exported from the queue.
    """
    queue = row.queue
    if queue.kind != LabelQueue.Kind.CLASSIFICATION:
        return
    # Two people who finish one text at a moment would each not see the other's label.
    locks.hold(f"modelhub.label.{queue.pk}.{row.position}")
    rows = list(queue.rows.filter(position=row.position))
    verdict = queue.verdicts.filter(position=row.position).first()
    said = settled(rows, verdict)
    subject = f"label-row:{rows[0].pk}"
    before = LabelledExample.objects.filter(task=queue.task, subject=subject)
    for example in before if said is None else before.exclude(actor=actor):
        example_discard(example_id=example.pk, actor=actor)
    if said is None:
        return
    guessed, sure = row.suggestions[0]
    people = sorted({str(one.person_id) for one in rows if one.person_id})
    example_add(
        app=LabelledExample.App.LABELLING,
        task=queue.task,
        text=row.text,
        new_label=said,
        old_label=guessed,
        confidence=sure,
        model_version=queue.version,
        actor=actor,
        subject=subject,
        provenance={"queue": queue.pk, **({"labelled_by": people} if len(rows) > 1 else {})},
    )
