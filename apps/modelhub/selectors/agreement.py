"""Reads of texts that two people labelled: how far they agree, where not, what holds in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.modelhub.models import LabelQueue, LabelRow, LabelVerdict
from ml.labelling.agreement import class_agreement, label_agreement, span_agreement

State = LabelRow.State
Kind = LabelQueue.Kind


@dataclass(frozen=True, slots=True)
class Pair:
    """A text that both people have done, labelled or skipped, with the verdict if there is one."""

    first: LabelRow
    second: LabelRow
    verdict: LabelVerdict | None

    @property
    def position(self) -> int:
        return self.first.position

    @property
    def text(self) -> str:
        return self.first.text

    @property
    def labelled(self) -> bool:
        """Whether both gave a label."""
        return self.first.state == self.second.state == State.LABELLED

    @property
    def agreed(self) -> bool:
        """Whether both said the same; two who skipped a text agree that it has no label."""
        return self.first.state == self.second.state and self.first.said == self.second.said


def settled(rows: Sequence[LabelRow], verdict: LabelVerdict | None) -> Any:
    """What holds of a text, ``None`` while nothing does.

    ``rows`` are those of the text: the verdict counts before what its people agree in.
    """
    if verdict is not None:
        return verdict.said
    if any(row.state != State.LABELLED for row in rows):
        return None
    said = [row.said for row in rows]
    return said[0] if all(one == said[0] for one in said) else None


def pairs(*, queue: LabelQueue) -> list[Pair]:
    """The texts of a queue that two people have done."""
    done = queue.rows.filter(state__in=(State.LABELLED, State.SKIPPED)).select_related("person")
    verdicts = {one.position: one for one in queue.verdicts.select_related("actor")}
    by_position: dict[int, list[LabelRow]] = {}
    for row in done:
        by_position.setdefault(row.position, []).append(row)
    return [
        Pair(rows[0], rows[1], verdicts.get(position))
        for position, rows in by_position.items()
        if len(rows) == 2
    ]


def agreement(*, queue: LabelQueue, found: Sequence[Pair]) -> dict[str, Any]:
    """How far the two people agree on the texts that both labelled
    (:mod:`ml.labelling.agreement`), with ``pairs``, ``disagreed`` and ``open``, those without a
    verdict."""
    both = [pair for pair in found if pair.labelled]
    first, second = [pair.first for pair in both], [pair.second for pair in both]
    if queue.kind == Kind.CLASSIFICATION:
        numbers = class_agreement([row.label for row in first], [row.label for row in second])
    elif queue.kind == Kind.MULTI_LABEL:
        numbers = label_agreement(
            queue.labels, [row.answer for row in first], [row.answer for row in second]
        )
    else:
        numbers = span_agreement([_spans(row) for row in first], [_spans(row) for row in second])
    unlike = [pair for pair in found if not pair.agreed]
    counts = {
        "pairs": len(found),
        "disagreed": len(unlike),
        "open": sum(pair.verdict is None for pair in unlike),
    }
    return {**counts, **numbers}


def queue_settled(*, queue: LabelQueue, since: datetime | None = None) -> Iterator[tuple[str, Any]]:
    """The texts of a queue of which something holds, in order, with that; with ``since`` those of
    which a person has said something after that moment."""
    verdicts = {one.position: one for one in queue.verdicts.all()}
    waiting: list[LabelRow] = []
    for row in queue.rows.order_by("position", "copy").iterator(chunk_size=500):
        waiting.append(row)
        if len(waiting) == queue.people:
            verdict = verdicts.get(row.position)
            said = settled(waiting, verdict)
            if said is not None and (since is None or _last_word(waiting, verdict) > since):
                yield row.text, said
            waiting = []


def _last_word(rows: Sequence[LabelRow], verdict: LabelVerdict | None) -> datetime:
    moments = [row.done_at for row in rows if row.done_at]
    return max([*moments, verdict.created_at] if verdict else moments)


def _spans(row: LabelRow) -> list[tuple[int, int, str]]:
    return [(start, end, label) for start, end, label in row.answer]
