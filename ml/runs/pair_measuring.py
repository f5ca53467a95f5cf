"""How a sentence encoder is measured: how well a text finds what belongs to it among the others."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ml.data.columns import Columns
from ml.data.pairs import Pair, PairRow, candidates_of, make_pairs, read_pairs
from ml.data.readers import Problems
from ml.data.splits import text_key
from ml.evaluation.bootstrap import Statistic, bootstrap_interval, mean_statistic
from ml.evaluation.pair_ranking import ranked
from ml.evaluation.paired import mcnemar_exact, paired_bootstrap
from ml.evaluation.perturbations import typos
from ml.runs.answers import Answer
from ml.types import Embedding, FloatArray

Report = Callable[[int, int, str], None]
_CHUNK = 128
_CUTS = (1, 3)
_DEPTH = 10


class Encoder(Protocol):
    """A predictor of the kind ``embedding``."""

    def predict(self, texts: Sequence[str]) -> list[Embedding]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a file asks: ``rows``, one for each text with a pair, and what is found by it.

    ``candidates`` are all texts that could be; ``belongs`` lists, for each row, the columns of
    those that are right, ``left_out`` those that are the text itself.
    """

    rows: list[PairRow]
    candidates: list[str]
    belongs: list[list[int]]
    left_out: list[list[int]]


def read_asked(
    file: Path, problems: Problems | None = None, columns: Columns | None = None
) -> Asked:
    """What a file of held-out rows asks: each text once, however many texts belong to it.

    Bad rows go to ``problems``, or are passed over.
    """
    found = list(read_pairs(file, Problems() if problems is None else problems, columns))
    sources = {text_key(row.text): row.source for row in found}
    pairs = make_pairs(found, seed=0)
    candidates, belongs, left_out = candidates_of(pairs)
    first: dict[str, int] = {}
    for index, pair in enumerate(pairs):
        if belongs[index]:
            first.setdefault(text_key(pair.text), index)
    kept = list(first.values())
    return Asked(
        [_row(pairs[i], sources[text_key(pairs[i].text)]) for i in kept],
        candidates,
        [belongs[i] for i in kept],
        [left_out[i] for i in kept],
    )


def _row(pair: Pair, source: str) -> PairRow:
    return PairRow(pair.text, pair.positive, pair.negative, None, source=source)


class PairMeasure:
    """Measures a sentence encoder on what a file asks: what was ``asked``, or what is read."""

    def __init__(self, predictor: Encoder, asked: Asked | None = None) -> None:
        self._predictor = predictor
        self._asked = asked or Asked([], [], [], [])
        self._candidates: FloatArray | None = None

    def read(self, file: Path, problems: Problems, columns: Columns | None = None) -> list[PairRow]:
        """The rows of a file, which is measured by from now on; bad ones go to ``problems``."""
        self._asked, self._candidates = read_asked(file, problems, columns), None
        return self._asked.rows

    def answer(self, rows: Sequence[PairRow], report: Report) -> list[Answer]:
        """What each row's text finds first, and at which place what belongs to it stands."""
        return self._answers([row.text for row in rows], range(len(rows)), report)

    def report(
        self, rows: Sequence[PairRow], answers: Sequence[Answer]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """All numbers with their intervals; there are no curves."""
        statistics = pair_statistics(answers)
        everything = np.arange(len(rows))
        numbers = {name: statistic(everything) for name, statistic in statistics.items()}
        intervals = {
            name: bootstrap_interval(statistic, len(rows)) for name, statistic in statistics.items()
        }
        candidates = len(self._asked.candidates)
        return {"n": len(rows), **numbers, "intervals": intervals, "candidates": candidates}, {}

    def slips(self, report: Report, *, most: int) -> dict[str, float]:
        """The first and the last number with a typing slip in each of up to ``most`` texts that
        can have one; empty where none can."""
        step = -(-len(self._asked.rows) // most) or 1
        generator = random.Random("slips")  # noqa: S311 - the same for every version
        made = [
            (index, changed)
            for index in range(0, len(self._asked.rows), step)
            if (changed := typos(self._asked.rows[index].text, generator)) is not None
        ]
        if not made:
            return {}
        answers = self._answers([text for _, text in made], [index for index, _ in made], report)
        found = pair_statistics(answers)
        everything = np.arange(len(answers))
        return {f"slips_{name}": found[name](everything) for name in ("recall@1", "mrr@10")}

    def compare(
        self, rows: Sequence[PairRow], first: Sequence[Answer], second: Sequence[Answer]
    ) -> dict[str, Any]:
        """Paired tests of another version's answers (``first``) against this one's."""
        old, new = pair_statistics(first), pair_statistics(second)
        right = [[one.rank == 1 for one in answers] for answers in (first, second)]
        differences = {
            f"{name}_difference": asdict(paired_bootstrap(old[name], new[name], len(rows)))
            for name in old
        }
        return differences | {"mcnemar": asdict(mcnemar_exact(*right))}

    def _answers(self, texts: Sequence[str], asked: Sequence[int], report: Report) -> list[Answer]:
        if self._candidates is None:
            self._candidates = self._vectors(self._asked.candidates, report)
        belongs = [self._asked.belongs[i] for i in asked]
        left_out = [self._asked.left_out[i] for i in asked]
        places = ranked(self._vectors(texts, report), self._candidates, belongs, left_out)
        return [
            Answer(
                self._asked.candidates[one.first]
                if one.rank > 1
                else str(self._asked.rows[i].positive),
                round(one.cosine, 5),
                rank=one.rank,
            )
            for i, one in zip(asked, places, strict=True)
        ]

    def _vectors(self, texts: Sequence[str], report: Report) -> FloatArray:
        found: list[FloatArray] = []
        for start in range(0, len(texts), _CHUNK):
            found += [one.vector for one in self._predictor.predict(texts[start : start + _CHUNK])]
            report(len(found), len(texts), "vectors")
        return np.stack(found)


def pair_statistics(answers: Sequence[Answer]) -> dict[str, Statistic]:
    """The numbers of an encoder on drawn rows: how often what belongs is among the first, and the
    mean of its reciprocal place."""
    ranks = np.array([one.rank or np.inf for one in answers], dtype=np.float64)
    found = {f"recall@{cut}": mean_statistic(ranks <= cut) for cut in _CUTS}
    reciprocal = np.where(ranks <= _DEPTH, 1.0 / ranks, 0.0)
    return found | {f"mrr@{_DEPTH}": mean_statistic(reciprocal)}
