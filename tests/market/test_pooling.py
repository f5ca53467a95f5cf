from __future__ import annotations

import pytest

from apps.market.pooling import pool
from ml.types import Classification, ScoredLabel


def verdict(**scores: float) -> Classification:
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    return Classification(
        tuple(ScoredLabel(label, score) for label, score in ranked), None, True, True, "v1"
    )


def test_a_headline_alone_keeps_its_verdict() -> None:
    headline = verdict(positive=0.9, negative=0.1)
    assert pool(headline, [], weight=0.8) is headline


def test_probabilities_are_weighed_and_sum_to_one() -> None:
    pooled = pool(
        verdict(positive=0.6, negative=0.4),
        [verdict(positive=0.0, negative=1.0), verdict(positive=0.2, negative=0.8)],
        weight=0.5,
    )
    assert pooled.label == "negative"
    assert pooled.confidence == pytest.approx(0.65)
    assert sum(scored.score for scored in pooled.scores) == pytest.approx(1.0)


def test_contradiction_leaves_the_verdict_unsure() -> None:
    flipped = pool(verdict(a=0.55, b=0.45), [verdict(a=0.0, b=1.0)], weight=0.8)
    assert (flipped.label, flipped.confident) == ("b", False)
    assert pool(verdict(a=0.9, b=0.1), [verdict(a=0.5, b=0.5)], weight=0.8).confident
