"""What people said of texts, as rows that a version of a data set is made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from apps.modelhub.labelling_models import LabelQueue
from apps.modelhub.models import LabelledExample
from apps.modelhub.origins import mark_of
from apps.modelhub.selectors.agreement import queue_settled
from ml.data.multi_label import MultiLabelText
from ml.data.readers import LabelledText, TaggedSentence
from ml.data.row_kinds import Row, names_of
from ml.labelling.spans import tagged

Kind = LabelQueue.Kind


@dataclass(frozen=True, slots=True)
class Corrections:
    """How many rows there are, and how often each label or type of entity is said, the most
    first."""

    rows: int
    counts: dict[str, int]


def corrections_of(task: str, kind: str = Kind.CLASSIFICATION) -> list[Row]:
    """What people said, oldest first; of equal texts the last is what counts.

    Of one label it is what they corrected and labelled, of several and of entities what they
    labelled in queues, of two people what both said or a lead decided.
    """
    if kind == Kind.CLASSIFICATION:
        return [*_examples(task)]
    queues = LabelQueue.objects.filter(task=task, kind=kind).order_by("id")
    return [
        _labelled(kind, text, said) for queue in queues for text, said in queue_settled(queue=queue)
    ]


def corrections_count(*, task: str, kind: str) -> Corrections:
    """The numbers of what people said."""
    rows = corrections_of(task, kind)
    counts = Counter(name for row in rows for name in names_of(row))
    return Corrections(
        len(rows), dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    )


def _examples(task: str) -> list[LabelledText]:
    examples = LabelledExample.objects.filter(task=task).order_by("updated_at", "id")
    return [
        LabelledText(
            example.text,
            example.new_label,
            source=example.app,
            group=mark_of(example.app, example.provenance),
        )
        for example in examples.only("text", "new_label", "app", "provenance")
    ]


def _labelled(kind: str, text: str, said: Any) -> Row:
    source = LabelledExample.App.LABELLING.value
    if kind == Kind.MULTI_LABEL:
        return MultiLabelText(text, tuple(sorted(said)), source=source)
    tokens, tags = tagged(text, [(start, end, label) for start, end, label in said])
    return TaggedSentence(tuple(tokens), tuple(tags), source=source)
