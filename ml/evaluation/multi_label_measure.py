"""How a model that gives several labels is measured on a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ml.data.columns import Columns
from ml.data.multi_label import SEPARATOR, MultiLabelText, indicators, read_multi_label
from ml.data.readers import Problems
from ml.data.row_kinds import NOTHING
from ml.evaluation.auc import thinned
from ml.evaluation.bootstrap import accuracy_statistic, bootstrap_interval, entity_f1_statistic
from ml.evaluation.calibration import reliability_bins
from ml.evaluation.entity_counts import scores_of_counts
from ml.evaluation.fairness import classifier_fairness
from ml.evaluation.measures import CountEntities, Report, Table, chunks, row_groups
from ml.evaluation.multi_label import without_label_temperature
from ml.evaluation.multi_label_report import (
    exact_matches,
    label_counts,
    multi_label_report,
)
from ml.evaluation.paired import mcnemar_exact, paired_bootstrap
from ml.evaluation.probabilities import probability_matrix
from ml.evaluation.robustness import Robustness, classifier_robustness
from ml.evaluation.slices import density_groups, slice_table
from ml.types import FloatArray, ModelInfo, MultiLabel


class LabelPredictor(Protocol):
    """A predictor of the kind ``multi_label``."""

    info: ModelInfo

    def predict(self, texts: Sequence[str]) -> list[MultiLabel]: ...


class MultiLabelMeasure:
    """Measures a predictor of several labels; an answer is right where all its labels are."""

    def __init__(self, predictor: LabelPredictor, *, temperature: float) -> None:
        self._predictor = predictor
        self._temperature = temperature
        self._labels = predictor.info.labels

    def read(
        self, file: Path, problems: Problems, columns: Columns | None = None
    ) -> list[MultiLabelText]:
        """The good rows; bad ones are added to ``problems``."""
        return list(read_multi_label(file, problems, columns))

    def answer(self, rows: Sequence[MultiLabelText], report: Report) -> list[MultiLabel]:
        """The model's answers, one a row."""
        return self._answers([row.text for row in rows], report, "")

    def report(self, rows: Sequence[MultiLabelText], answers: Sequence[MultiLabel]) -> Table:
        """All numbers, and the curves that only a page shows."""
        gold = [row.labels for row in rows]
        numbers = multi_label_report(answers, gold, self._labels)
        right = exact_matches(answers, gold)
        statistics = {
            "micro_f1": entity_f1_statistic(label_counts(answers, gold)),
            "exact_match": accuracy_statistic(right),
        }
        numbers["intervals"] = {
            name: bootstrap_interval(statistic, len(rows)) for name, statistic in statistics.items()
        }
        return numbers, self._curves(answers, gold)

    def slices(
        self,
        rows: Sequence[MultiLabelText],
        answers: Sequence[MultiLabel],
        count_entities: CountEntities | None,
    ) -> dict[str, Any]:
        """Micro F1 and exact matches by set of labels, length, language, source and entities.

        Without ``count_entities`` (texts to the number of entities in each) the last is left out.
        """
        texts = [row.text for row in rows]
        groups = {"labels": [_joined(row.labels) for row in rows], **row_groups(rows, texts)}
        if count_entities is not None and texts:
            groups["entities"] = density_groups(count_entities(texts))
        gold = [row.labels for row in rows]
        counts, right = label_counts(answers, gold), exact_matches(answers, gold)

        def measured(members: Sequence[int]) -> dict[str, Any]:
            chosen = [right[i] for i in members]
            return {
                "exact_match": sum(chosen) / len(chosen),
                "interval": bootstrap_interval(accuracy_statistic(chosen), len(chosen)),
                "micro_f1": scores_of_counts(counts[list(members)])["f1"],
            }

        tables = slice_table(groups, measured)
        named = [{**one, "group": one["group"] or NOTHING} for one in tables["labels"]]
        return tables | {"labels": named}

    def robustness(self, rows: Sequence[MultiLabelText], report: Report) -> list[dict[str, Any]]:
        """What typing slips, case, punctuation, negation and other names do to the answers."""

        def classify(texts: Sequence[str]) -> list[str]:
            answers = self._answers(texts, report, "robustness")
            return [_joined(sorted(answer.labels)) for answer in answers]

        gold = [_joined(row.labels) for row in rows]
        found = classifier_robustness(classify, [row.text for row in rows], gold)
        return [asdict(_in_words(one)) for one in found]

    def fairness(self, rows: Sequence[MultiLabelText], report: Report) -> list[dict[str, Any]]:
        """What the name, gender or nationality in a text does to its scores."""
        thresholds = [self._predictor.info.thresholds.get(label, 0.5) for label in self._labels]

        def scores(asked: Sequence[str]) -> FloatArray:
            return probability_matrix(self._answers(asked, report, "fairness"), self._labels)

        found = classifier_fairness(
            scores,
            [row.text for row in rows],
            thresholds=np.array(thresholds, dtype=np.float32),
        )
        return [asdict(one) for one in found]

    def compare(
        self,
        rows: Sequence[MultiLabelText],
        first: Sequence[MultiLabel],
        second: Sequence[MultiLabel],
    ) -> dict[str, Any]:
        """Paired tests of another model's answers (``first``) against this one's (``second``)."""
        gold = [row.labels for row in rows]
        old, new = label_counts(first, gold), label_counts(second, gold)
        before, after = exact_matches(first, gold), exact_matches(second, gold)
        return {
            "micro_f1": scores_of_counts(old)["f1"],
            "exact_match": sum(before) / len(before),
            "mcnemar": asdict(mcnemar_exact(before, after)),
            "exact_match_difference": asdict(
                paired_bootstrap(accuracy_statistic(before), accuracy_statistic(after), len(gold))
            ),
            "micro_f1_difference": asdict(
                paired_bootstrap(entity_f1_statistic(old), entity_f1_statistic(new), len(gold))
            ),
        }

    def _curves(
        self, answers: Sequence[MultiLabel], gold: Sequence[tuple[str, ...]]
    ) -> dict[str, Any]:
        """Over all pairs of text and label: reliability, precision and recall; the thresholds."""
        from sklearn.metrics import precision_recall_curve

        scores = probability_matrix(answers, self._labels).ravel()
        columns = {label: index for index, label in enumerate(self._labels)}
        truth = indicators(gold, columns, strict=False).ravel() > 0
        curve: list[tuple[float, float]] = []
        if truth.any():
            precision, recall, _ = precision_recall_curve(truth, scores)
            curve = thinned(recall[::-1], precision[::-1])
        plain = without_label_temperature(scores, self._temperature)
        reliability = {
            when: [asdict(one) for one in reliability_bins(found.tolist(), truth.tolist())]
            for when, found in (("before", plain), ("after", scores))
        }
        return {
            "reliability": reliability,
            "pr": curve,
            "thresholds": dict(self._predictor.info.thresholds),
        }

    def _answers(self, texts: Sequence[str], report: Report, title: str) -> list[MultiLabel]:
        answers: list[MultiLabel] = []
        for chunk in chunks(texts):
            answers += self._predictor.predict(chunk)
            report(len(answers), len(texts), title)
        return answers


def _joined(labels: Sequence[str]) -> str:
    """The labels as one; of none of them "", which no label is called."""
    return SEPARATOR.join(labels)


def _in_words(found: Robustness) -> Robustness:
    examples = [
        replace(
            one,
            gold=one.gold or NOTHING,
            answer_before=one.answer_before or NOTHING,
            answer_after=one.answer_after or NOTHING,
        )
        for one in found.examples
    ]
    return replace(found, examples=tuple(examples))
