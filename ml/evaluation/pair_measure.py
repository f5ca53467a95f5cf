"""How a sentence encoder is measured: how well a text finds what belongs to it among the others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ml.data.columns import Columns
from ml.data.pairs import Pair, PairRow, candidates_of, make_pairs, read_pairs
from ml.data.readers import Problems
from ml.data.splits import text_key
from ml.evaluation.auc import thinned
from ml.evaluation.bootstrap import bootstrap_interval
from ml.evaluation.measures import CountEntities, Report, Table, row_groups
from ml.evaluation.pair_ranking import DEPTH, rank_numbers, rank_statistics, ranked
from ml.evaluation.paired import mcnemar_exact, paired_bootstrap
from ml.evaluation.perturbations import typos
from ml.evaluation.risk_coverage import risk_coverage
from ml.evaluation.slices import density_groups, slice_table
from ml.types import Embedding, FloatArray

_CHUNK = 128
_MISSED = 100


class Encoder(Protocol):
    """A predictor of the kind ``embedding``."""

    def predict(self, texts: Sequence[str]) -> list[Embedding]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a text finds first, how near that is, and at which place from 1 what belongs to the
    text stands."""

    text: str
    cosine: float
    rank: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What pairs ask: ``rows``, each with a text, and what is to be found by it.

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
    everything = asked_by(make_pairs(found, seed=0))
    first: dict[str, int] = {}
    for index, row in enumerate(everything.rows):
        first.setdefault(text_key(row.text), index)
    kept = list(first.values())
    return Asked(
        [replace(everything.rows[i], source=sources[key]) for key, i in first.items()],
        everything.candidates,
        [everything.belongs[i] for i in kept],
        [everything.left_out[i] for i in kept],
    )


def asked_by(pairs: Sequence[Pair]) -> Asked:
    """What ``pairs`` ask, each in its own row."""
    rows = [PairRow(pair.text, pair.positive, pair.negative, None) for pair in pairs]
    return Asked(rows, *candidates_of(pairs))


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

    def answer(self, rows: Sequence[PairRow], report: Report) -> list[Found]:
        """What each row's text finds first, and at which place what belongs to it stands."""
        return self._answers([row.text for row in rows], range(len(rows)), report)

    def report(self, rows: Sequence[PairRow], answers: Sequence[Found]) -> Table:
        """All numbers with their intervals; and for a page how many texts find what belongs to
        them among the first, and those that find something else first, the farthest off first."""
        ranks = _ranks(answers)
        intervals = {
            name: bootstrap_interval(statistic, len(rows))
            for name, statistic in rank_statistics(ranks).items()
        }
        places = np.array(ranks)
        numbers = {
            "n": len(rows),
            **rank_numbers(ranks),
            "intervals": intervals,
            "candidates": len(self._asked.candidates),
        }
        kept = risk_coverage([one.cosine for one in answers], [rank == 1 for rank in ranks])
        missed = sorted(
            (pair for pair in zip(rows, answers, strict=True) if pair[1].rank > 1),
            key=lambda pair: -pair[1].rank,
        )
        curves = {
            "found": [
                (cut / (DEPTH - 1), float((places <= cut + 1).mean())) for cut in range(DEPTH)
            ],
            "ticks": [str(cut + 1) for cut in range(DEPTH)],
            "risk_coverage": thinned(kept.coverage, kept.risk),
            "wrong": len(missed),
            "missed": [
                {"text": row.text, "belongs": row.positive, "found": asdict(found)}
                for row, found in missed[:_MISSED]
            ],
        }
        return numbers, curves

    def slices(
        self,
        rows: Sequence[PairRow],
        answers: Sequence[Found],
        count_entities: CountEntities | None,
    ) -> dict[str, Any]:
        """Recall at 1 and the mean reciprocal rank by length, language and source of the texts
        that are asked about and, with ``count_entities``, their number of entities."""
        texts = [row.text for row in rows]
        groups = row_groups(rows, texts)
        if count_entities is not None:
            groups["entities"] = density_groups(count_entities(texts))
        ranks = _ranks(answers)

        def measured(members: Sequence[int]) -> dict[str, Any]:
            own = [ranks[i] for i in members]
            interval = bootstrap_interval(rank_statistics(own)["recall@1"], len(own))
            return {**rank_numbers(own), "interval": interval}

        return slice_table(groups, measured)

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
        found = rank_numbers(_ranks(answers))
        return {f"slips_{name}": found[name] for name in ("recall@1", "mrr@10")}

    def compare(
        self, rows: Sequence[PairRow], first: Sequence[Found], second: Sequence[Found]
    ) -> dict[str, Any]:
        """Paired tests of another version's answers (``first``) against this one's."""
        old, new = rank_statistics(_ranks(first)), rank_statistics(_ranks(second))
        right = [[one.rank == 1 for one in answers] for answers in (first, second)]
        differences = {
            f"{name}_difference": asdict(paired_bootstrap(old[name], new[name], len(rows)))
            for name in old
        }
        return differences | {"mcnemar": asdict(mcnemar_exact(*right))}

    def _answers(self, texts: Sequence[str], asked: Sequence[int], report: Report) -> list[Found]:
        if self._candidates is None:
            self._candidates = self._vectors(self._asked.candidates, report)
        belongs = [self._asked.belongs[i] for i in asked]
        left_out = [self._asked.left_out[i] for i in asked]
        places = ranked(self._vectors(texts, report), self._candidates, belongs, left_out)
        return [
            Found(
                self._asked.candidates[one.first]
                if one.rank > 1
                else str(self._asked.rows[i].positive),
                round(one.cosine, 5),
                one.rank,
            )
            for i, one in zip(asked, places, strict=True)
        ]

    def _vectors(self, texts: Sequence[str], report: Report) -> FloatArray:
        found: list[FloatArray] = []
        for start in range(0, len(texts), _CHUNK):
            found += [one.vector for one in self._predictor.predict(texts[start : start + _CHUNK])]
            report(len(found), len(texts), "vectors")
        return np.stack(found)


def _ranks(answers: Sequence[Found]) -> list[int]:
    return [one.rank for one in answers]
