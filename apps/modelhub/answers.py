"""What a person says of a text: a label, several, or entities; checked against the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.core.errors import InvalidInput
from apps.modelhub.labelling_models import LabelQueue
from apps.modelhub.services.examples import MAX_LABEL
from ml.data.text import label_form
from ml.labelling.spans import Span, tagged, whole_words

Kind = LabelQueue.Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """A ``label``, or what stands in ``answer``: labels in order, or spans ``[start, end,
    label]`` on whole words."""

    label: str = ""
    answer: list[Any] = field(default_factory=list)


def answer_of(
    queue: LabelQueue,
    text: str,
    *,
    label: str = "",
    labels: Sequence[str] | None = None,
    spans: Sequence[Mapping[str, Any]] | None = None,
) -> Answer:
    """The answer of the queue's kind: ``label``, ``labels`` or ``spans`` of ``start``, ``end`` and
    ``label``; no labels and no spans are answers too.

    Raises ``InvalidInput`` for an answer of another kind, an unknown label among several, and spans
    that overlap or do not lie on a word.
    """
    if queue.kind == Kind.CLASSIFICATION:
        label = label_form(label)
        if not 0 < len(label) <= MAX_LABEL:
            raise InvalidInput("Choose a label.", fields={"label": "missing or too long"})
        return Answer(label=label)
    if queue.kind == Kind.MULTI_LABEL:
        if labels is None:
            raise InvalidInput("Say which labels hold.", fields={"labels": "missing"})
        _known(queue, labels, "labels")
        return Answer(answer=sorted(set(labels)))
    if spans is None:
        raise InvalidInput("Say where the entities are.", fields={"spans": "missing"})
    given = [_span(one) for one in spans]
    _known(queue, [one[2] for one in given], "spans")
    try:
        return Answer(answer=[list(one) for one in whole_words(text, given)])
    except ValueError as error:
        raise InvalidInput(
            "Of the entities %(error)s.", fields={"spans": "unusable"}, error=error.args[0]
        ) from error


def example_row(queue: LabelQueue, text: str, said: Any) -> dict[str, Any]:
    """A text and what was said of it as a row of a file that ``finetune`` reads."""
    if queue.kind == Kind.CLASSIFICATION:
        return {"text": text, "label": said}
    if queue.kind == Kind.MULTI_LABEL:
        return {"text": text, "labels": said}
    tokens, tags = tagged(text, [(start, end, label) for start, end, label in said])
    return {"tokens": tokens, "tags": tags}


def _span(one: Mapping[str, Any]) -> Span:
    start, end, label = (one.get(name) for name in ("start", "end", "label"))
    whole = type(start) is int and type(end) is int
    if not whole or not isinstance(label, str):
        raise InvalidInput(
            "An entity has a start, an end and a label.", fields={"spans": "unusable"}
        )
    return start, end, label  # type: ignore[return-value]


def _known(queue: LabelQueue, labels: Sequence[str], field_name: str) -> None:
    unknown = sorted({label for label in labels if label not in queue.labels})
    if unknown:
        raise InvalidInput(
            "%(task)s has no label %(unknown)s.",
            fields={field_name: "unknown label"},
            task=queue.task,
            unknown=", ".join(unknown)[:120],
        )
