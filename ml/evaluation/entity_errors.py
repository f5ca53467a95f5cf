"""What is wrong with wrong entities: their boundaries, their type, or that they are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ml.evaluation.decoding import spans_of

Span = tuple[int, int, str]
Outcome = Literal["correct", "type", "boundary", "boundary_and_type", "missed", "spurious"]
OUTCOMES: tuple[Outcome, ...] = (
    "correct",
    "type",
    "boundary",
    "boundary_and_type",
    "missed",
    "spurious",
)
SCHEMES = ("strict", "exact", "partial", "type")


@dataclass(frozen=True, slots=True)
class Alignment:
    """A gold entity with the predicted one that was meant for it; ``None`` where there is none."""

    outcome: Outcome
    gold: Span | None
    predicted: Span | None


def align(predicted: Sequence[str], gold: Sequence[str]) -> list[Alignment]:
    """Pair the entities of two BIO sequences of one sentence, each at most once.

    Equal entities first, then the same words with another type, then overlaps, the longest first
    and of the same type before others; what is left is missed or spurious. The outcomes are those
    of MUC-5 (Chinchor and Sundheim 1993), with boundary and type errors told apart.
    """
    asked, given = spans_of(gold), spans_of(predicted)
    candidates = sorted(
        (rank, g, p)
        for g in range(len(asked))
        for p in range(len(given))
        if (rank := _rank(asked[g], given[p])) is not None
    )
    free_gold, free_given = set(range(len(asked))), set(range(len(given)))
    found: list[Alignment] = []
    for _, g, p in candidates:
        if g in free_gold and p in free_given:
            free_gold.remove(g)
            free_given.remove(p)
            found.append(Alignment(_outcome(asked[g], given[p]), asked[g], given[p]))
    found += [Alignment("missed", asked[g], None) for g in sorted(free_gold)]
    found += [Alignment("spurious", None, given[p]) for p in sorted(free_given)]
    return found


def outcome_table(alignments: Sequence[Alignment]) -> dict[str, dict[str, int]]:
    """How often each outcome befell each type, by the gold type (the predicted, if spurious)."""
    table: dict[str, Counter[str]] = {}
    for pair in alignments:
        span = pair.gold or pair.predicted
        assert span is not None
        table.setdefault(span[2], Counter())[pair.outcome] += 1
    return {
        label: {outcome: table[label][outcome] for outcome in OUTCOMES} for label in sorted(table)
    }


def type_pairs(alignments: Sequence[Alignment]) -> Counter[tuple[str | None, str | None]]:
    """How often which gold type was given which type; ``None`` is the given one of those that are
    missed, and the gold one of spurious ones."""
    return Counter(
        (pair.gold[2] if pair.gold else None, pair.predicted[2] if pair.predicted else None)
        for pair in alignments
    )


def scheme_scores(alignments: Sequence[Alignment]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 by the four schemes of SemEval-2013 task 9 (Segura-Bedmar et al.).

    ``strict``: boundaries and type; ``exact``: boundaries alone; ``partial``: an overlap counts
    half; ``type``: some overlap of the right type.
    """
    count = Counter(pair.outcome for pair in alignments)
    overlaps = count["boundary"] + count["boundary_and_type"]
    same_words = count["correct"] + count["type"]
    credit = {
        "strict": float(count["correct"]),
        "exact": float(same_words),
        "partial": same_words + 0.5 * overlaps,
        "type": float(count["correct"] + count["boundary"]),
    }
    given = len(alignments) - count["missed"]
    asked = len(alignments) - count["spurious"]
    return {
        scheme: {
            "precision": credit[scheme] / given if given else 0.0,
            "recall": credit[scheme] / asked if asked else 0.0,
            "f1": 2 * credit[scheme] / (given + asked) if given + asked else 0.0,
        }
        for scheme in SCHEMES
    }


def _rank(gold: Span, predicted: Span) -> tuple[int, int, int] | None:
    """What makes a pair better than another; ``None`` without a common word."""
    common = min(gold[1], predicted[1]) - max(gold[0], predicted[0]) + 1
    if common <= 0:
        return None
    other_type = int(gold[2] != predicted[2])
    return (int(gold[:2] != predicted[:2]), -common, other_type)


def _outcome(gold: Span, predicted: Span) -> Outcome:
    same_words, same_type = gold[:2] == predicted[:2], gold[2] == predicted[2]
    if same_words:
        return "correct" if same_type else "type"
    return "boundary" if same_type else "boundary_and_type"
