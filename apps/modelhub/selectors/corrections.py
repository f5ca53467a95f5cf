"""What people said of texts, as rows that a version of a data set is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.modelhub.labelling_models import LabelQueue
from apps.modelhub.models import DataKind, LabelledExample
from apps.modelhub.origins import mark_of
from apps.modelhub.pair_sources import judged, refused, rows_of
from apps.modelhub.selectors.agreement import queue_settled
from apps.modelhub.selectors.disputes import outvoted
from ml.data.multi_label import MultiLabelText
from ml.data.pairs import PairRow
from ml.data.readers import LabelledText, TaggedSentence
from ml.data.row_kinds import Row, names_of
from ml.data.splits import text_key
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

    Of one label it is what they corrected and labelled, of several what they labelled in queues, of
    entities both. Where people disagree it is what a lead decided, and nothing before that.
    Pairs are made of what they said of two texts.
    """
    if kind == DataKind.EMBEDDING:
        return [*rows_of(judged(task, list(examples_settled(task=task))))]
    if kind == Kind.CLASSIFICATION:
        return [*_examples(task)]
    queues = LabelQueue.objects.filter(task=task, kind=kind).order_by("id")
    labelled = [
        _labelled(kind, text, said) for queue in queues for text, said in queue_settled(queue=queue)
    ]
    return [*labelled, *_entities(task)] if kind == Kind.NER else labelled


def without_refused(task: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of pairs without those of which people said that they do not belong together."""
    wrong = refused(judged(task, list(examples_settled(task=task))))
    return [
        row
        for row in rows
        if not (
            isinstance(row, PairRow) and (text_key(row.text), text_key(row.positive or "")) in wrong
        )
    ]


def corrections_count(*, task: str, kind: str) -> Corrections:
    """The numbers of what people said."""
    rows = corrections_of(task, kind)
    counts = Counter(name for row in rows for name in names_of(row))
    return Corrections(
        len(rows), dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    )


def examples_settled(*, task: str | None = None) -> QuerySet[LabelledExample]:
    """The examples that models learn from, oldest first."""
    examples = LabelledExample.objects.order_by("updated_at", "id")
    examples = examples.filter(task=task) if task else examples
    return examples.exclude(pk__in=outvoted(task=task or ""))


def entity_row(example: LabelledExample) -> TaggedSentence:
    """An example of entities as the row that a tagger learns from."""
    spans = [(start, end, label) for start, end, label in example.spans or []]
    tokens, tags = tagged(example.text, spans)
    group = mark_of(example.app, example.provenance)
    return TaggedSentence(tuple(tokens), tuple(tags), source=example.app, group=group)


def _entities(task: str) -> list[TaggedSentence]:
    return [entity_row(one) for one in examples_settled(task=task).filter(spans__isnull=False)]


def _examples(task: str) -> list[LabelledText]:
    examples = examples_settled(task=task).filter(spans__isnull=True)
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
