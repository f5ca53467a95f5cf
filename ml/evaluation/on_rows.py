"""What a predictor, as it serves, reaches on labelled rows of its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ml.data.pairs import Pair
from ml.evaluation.measures import chunks
from ml.evaluation.multi_label_report import multi_label_report
from ml.evaluation.pair_measure import PairMeasure, asked_by
from ml.evaluation.pair_ranking import rank_numbers
from ml.evaluation.reports import classification_report, tagging_report
from ml.types import Kind


def rows_report(
    predictor: Any, kind: Kind, labels: Sequence[str], rows: Sequence[Any]
) -> dict[str, Any]:
    """The measures of the kind, by name, on rows as its reader gives them.

    They are answered in the same pieces as ``evaluate`` has them: activations in 8 bits are scaled
    by what stands in a batch, so that other pieces may turn an answer in a thousand.

    Of a sentence encoder the rows are pairs (:class:`ml.data.pairs.Pair`), and the measures say how
    well each text finds what belongs to it among all that belongs to any.
    """
    if kind == "ner":
        tags = _answers(predictor.tag_words, [row.tokens for row in rows])
        return {"n": len(rows), **tagging_report(tags, [row.tags for row in rows])}
    if kind == "embedding":
        return _pairs_report(predictor, rows)
    answers = _answers(predictor.predict, [row.text for row in rows])
    if kind == "multi_label":
        return multi_label_report(answers, [row.labels for row in rows], labels)
    return classification_report(answers, [row.label for row in rows], labels)


def _answers(answer: Callable[[Sequence[Any]], list[Any]], asked: Sequence[Any]) -> list[Any]:
    return [one for chunk in chunks(asked) for one in answer(chunk)]


def _pairs_report(predictor: Any, pairs: Sequence[Pair]) -> dict[str, float]:
    asked = asked_by(pairs)
    answers = PairMeasure(predictor, asked).answer(asked.rows, lambda done, total, title: None)
    return {"n": float(len(answers)), **rank_numbers([one.rank for one in answers])}
