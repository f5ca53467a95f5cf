"""How each kind of model is measured on a file: read, answer, report, and look closer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from ml.data.columns import Columns
from ml.data.multi_label import MultiLabelText
from ml.data.pairs import PairRow
from ml.data.readers import (
    LabelledText,
    Problems,
    TaggedSentence,
    read_classification,
    read_ner,
)
from ml.evaluation.accuracy import accuracy
from ml.evaluation.bootstrap import (
    Statistic,
    accuracy_statistic,
    bootstrap_interval,
    entity_f1_statistic,
    macro_f1_statistic,
)
from ml.evaluation.details import classification_details, tagging_details
from ml.evaluation.entity_counts import entity_counts, scores_of_counts
from ml.evaluation.f1 import macro_f1
from ml.evaluation.fairness import classifier_fairness, tagger_fairness
from ml.evaluation.paired import mcnemar_exact, paired_bootstrap
from ml.evaluation.probabilities import probability_matrix
from ml.evaluation.reports import classification_report, tagging_report, unknown_types
from ml.evaluation.robustness import classifier_robustness, tagger_robustness
from ml.evaluation.slices import density_groups, language_groups, length_groups, slice_table
from ml.types import OUT_OF_SCOPE, Classification, FloatArray, ModelInfo

Report = Callable[[int, int, str], None]
CountEntities = Callable[[Sequence[str]], list[int]]
Table = tuple[dict[str, Any], dict[str, Any]]

_CHUNK = 512
_NO_SOURCE = "not given"
_PERSON_LABELS = ("PER", "PERSON", "per", "person")


class Classifier(Protocol):
    """A predictor of the kind ``classification``."""

    info: ModelInfo

    def predict(self, texts: Sequence[str]) -> list[Classification]: ...


class Tagger(Protocol):
    """A predictor of the kind ``ner``."""

    info: ModelInfo

    def tag_words(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]: ...


class ClassificationMeasure:
    """Measures a classifier. The closer looks take in-scope rows only."""

    def __init__(self, predictor: Classifier, *, temperature: float) -> None:
        self._predictor = predictor
        self._temperature = temperature
        self._labels = predictor.info.labels

    def read(
        self, file: Path, problems: Problems, columns: Columns | None = None
    ) -> list[LabelledText]:
        """The good rows; bad ones are added to ``problems``."""
        return list(read_classification(file, problems, columns))

    def answer(self, rows: Sequence[LabelledText], report: Report) -> list[Classification]:
        """The model's answers, one a row."""
        return self._answers([row.text for row in rows], report, "")

    def report(self, rows: Sequence[LabelledText], answers: Sequence[Classification]) -> Table:
        """All numbers, and the curves that only a page shows."""
        headline = classification_report(answers, [row.label for row in rows], self._labels)
        inside = self._inside(rows)
        numbers, curves = classification_details(
            [answers[i] for i in inside],
            [rows[i].label for i in inside],
            self._labels,
            temperature=self._temperature,
        )
        return headline | numbers, curves

    def slices(
        self,
        rows: Sequence[LabelledText],
        answers: Sequence[Classification],
        count_entities: CountEntities | None,
    ) -> dict[str, Any]:
        """Accuracy and macro F1 by length, language, source and number of entities.

        Without ``count_entities`` (texts to the number of entities in each) the last is left out.
        """
        kept = self._inside(rows)
        texts = [rows[i].text for i in kept]
        groups = row_groups([rows[i] for i in kept], texts)
        if count_entities is not None and texts:
            groups["entities"] = density_groups(count_entities(texts))
        predicted, gold = [answers[i].label for i in kept], [rows[i].label for i in kept]

        def measured(members: Sequence[int]) -> dict[str, Any]:
            p, g = [predicted[i] for i in members], [gold[i] for i in members]
            right = [a == b for a, b in zip(p, g, strict=True)]
            interval = bootstrap_interval(accuracy_statistic(right), len(right))
            return {"accuracy": accuracy(p, g), "interval": interval, "macro_f1": macro_f1(p, g)}

        return slice_table(groups, measured)

    def robustness(self, rows: Sequence[LabelledText], report: Report) -> list[dict[str, Any]]:
        """What typing slips, case, punctuation, negation and other names do to the answers."""
        kept = [rows[i] for i in self._inside(rows)]

        def classify(texts: Sequence[str]) -> list[str]:
            return [answer.label for answer in self._answers(texts, report, "robustness")]

        found = classifier_robustness(
            classify, [row.text for row in kept], [row.label for row in kept]
        )
        return [asdict(one) for one in found]

    def fairness(self, rows: Sequence[LabelledText], report: Report) -> list[dict[str, Any]]:
        """What the name, gender or nationality in a text does to its scores."""
        texts = [rows[i].text for i in self._inside(rows)]

        def probabilities(asked: Sequence[str]) -> FloatArray:
            return probability_matrix(self._answers(asked, report, "fairness"), self._labels)

        return [asdict(one) for one in classifier_fairness(probabilities, texts)]

    def compare(
        self,
        rows: Sequence[LabelledText],
        first: Sequence[Classification],
        second: Sequence[Classification],
    ) -> dict[str, Any]:
        """Paired tests of another model's answers (``first``) against this one's (``second``).

        Nothing without an in-scope row.
        """
        kept = self._inside(rows)
        if not kept:
            return {}
        gold = [rows[i].label for i in kept]
        old, new = [first[i].label for i in kept], [second[i].label for i in kept]
        return {
            "accuracy": accuracy(old, gold),
            "macro_f1": macro_f1(old, gold),
            "mcnemar": asdict(mcnemar_exact(_right(old, gold), _right(new, gold))),
            "accuracy_difference": _difference(
                accuracy_statistic(_right(old, gold)),
                accuracy_statistic(_right(new, gold)),
                len(gold),
            ),
            "macro_f1_difference": _difference(
                macro_f1_statistic(old, gold), macro_f1_statistic(new, gold), len(gold)
            ),
        }

    def _inside(self, rows: Sequence[LabelledText]) -> list[int]:
        own = OUT_OF_SCOPE in self._labels
        return [i for i, row in enumerate(rows) if own or row.label != OUT_OF_SCOPE]

    def _answers(self, texts: Sequence[str], report: Report, title: str) -> list[Classification]:
        answers: list[Classification] = []
        for chunk in chunks(texts):
            answers += self._predictor.predict(chunk)
            report(len(answers), len(texts), title)
        return answers


class TaggingMeasure:
    """Measures a tagger, entity by entity."""

    def __init__(self, predictor: Tagger) -> None:
        self._predictor = predictor
        self._types = {tag[2:] for tag in predictor.info.labels if tag != "O"}

    def read(
        self, file: Path, problems: Problems, columns: Columns | None = None
    ) -> list[TaggedSentence]:
        """The good sentences; bad ones are added to ``problems``."""
        return list(read_ner(file, problems, columns))

    def answer(self, rows: Sequence[TaggedSentence], report: Report) -> list[list[str]]:
        """The model's BIO tags, one list a sentence."""
        return self._tags([row.tokens for row in rows], report, "")

    def report(self, rows: Sequence[TaggedSentence], answers: Sequence[list[str]]) -> Table:
        """All numbers, and the table of types that only a page shows.

        ``unknown_labels`` are the types that the model does not have, with their entities.
        """
        gold = [row.tags for row in rows]
        numbers, curves = tagging_details(answers, gold)
        unknown = unknown_types(gold, self._types)
        return tagging_report(answers, gold) | {"unknown_labels": unknown} | numbers, curves

    def slices(
        self,
        rows: Sequence[TaggedSentence],
        answers: Sequence[list[str]],
        count_entities: CountEntities | None,
    ) -> dict[str, Any]:
        """Precision, recall and F1 by length, language, source and number of gold entities."""
        counts = entity_counts(answers, [row.tags for row in rows])
        groups = row_groups(rows, [" ".join(row.tokens) for row in rows])
        groups["entities"] = density_groups(counts[:, 2].tolist())

        def measured(members: Sequence[int]) -> dict[str, Any]:
            chosen = counts[list(members)]
            interval = bootstrap_interval(entity_f1_statistic(chosen), len(chosen))
            entities = int(chosen[:, 2].sum())
            return {**scores_of_counts(chosen), "interval": interval, "entities": entities}

        return slice_table(groups, measured)

    def robustness(self, rows: Sequence[TaggedSentence], report: Report) -> list[dict[str, Any]]:
        """What typing slips, case, punctuation, negation and other names do to the entities."""

        def tag(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
            return self._tags(sentences, report, "robustness")

        found = tagger_robustness(tag, [(row.tokens, row.tags) for row in rows])
        return [asdict(one) for one in found]

    def fairness(self, rows: Sequence[TaggedSentence], report: Report) -> list[dict[str, Any]]:
        """The recall of persons by the gender and the origin of their names.

        Nothing, if the model has no label for persons.
        """
        label = next((name for name in _PERSON_LABELS if name in self._types), None)
        if label is None:
            return []

        def tag(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
            return self._tags(sentences, report, "fairness")

        return [asdict(one) for one in tagger_fairness(tag, label=label)]

    def compare(
        self,
        rows: Sequence[TaggedSentence],
        first: Sequence[list[str]],
        second: Sequence[list[str]],
    ) -> dict[str, Any]:
        """A paired test of another model's tags (``first``) against this one's (``second``)."""
        gold = [row.tags for row in rows]
        old, new = entity_counts(first, gold), entity_counts(second, gold)
        same = [list(a) == list(b) for a, b in zip(first, second, strict=True)]
        return {
            **scores_of_counts(old),
            "changed_sentences": len(same) - sum(same),
            "f1_difference": _difference(
                entity_f1_statistic(old), entity_f1_statistic(new), len(gold)
            ),
        }

    def _tags(
        self, sentences: Sequence[Sequence[str]], report: Report, title: str
    ) -> list[list[str]]:
        tags: list[list[str]] = []
        for chunk in chunks(sentences):
            tags += self._predictor.tag_words(chunk)
            report(len(tags), len(sentences), title)
        return tags


def row_groups(
    rows: Sequence[LabelledText]
    | Sequence[MultiLabelText]
    | Sequence[TaggedSentence]
    | Sequence[PairRow],
    texts: Sequence[str],
) -> dict[str, list[str]]:
    """By slice (length, language and, if rows have it, source) the group of each row."""
    groups = {"length": length_groups(texts), "language": language_groups(texts)}
    if any(row.source for row in rows):
        groups["source"] = [row.source or _NO_SOURCE for row in rows]
    return groups


def _right(predicted: Sequence[str], gold: Sequence[str]) -> list[bool]:
    return [p == g for p, g in zip(predicted, gold, strict=True)]


def _difference(first: Statistic, second: Statistic, n: int) -> dict[str, Any]:
    return asdict(paired_bootstrap(first, second, n))


def chunks(rows: Sequence[Any]) -> list[Sequence[Any]]:
    """The rows in pieces that are answered at a time."""
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
