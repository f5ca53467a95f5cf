"""Which texts are asked for first, and that each is asked for once."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from ml.labelling.queries import STRATEGIES, doubts, queries

CHANCES = np.array([[0.9, 0.05, 0.05], [0.5, 0.49, 0.01], [0.4, 0.3, 0.3], [1.0, 0.0, 0.0]])
_ANGLES = np.array([0.0, 0.02, 1.5, 3.0])
VECTORS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1).astype(np.float32)


def test_doubt_is_measured_in_three_ways() -> None:
    assert doubts(CHANCES, "margin") == pytest.approx([0.15, 0.99, 0.9, 0.0])
    assert doubts(CHANCES, "least_confident") == pytest.approx([0.1, 0.5, 0.6, 0.0])
    entropy = doubts(np.vstack([CHANCES, np.full(3, 1 / 3)]), "entropy")
    assert entropy[-1] == pytest.approx(1.0)
    assert entropy[3] == 0.0
    assert entropy[2] > entropy[1] > entropy[0]


def test_the_most_doubtful_come_first_and_the_measures_differ() -> None:
    assert list(queries("margin", CHANCES)) == [1, 2, 0, 3]
    assert list(queries("least_confident", CHANCES)) == [2, 1, 0, 3]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_row_is_asked_for_once(strategy: str) -> None:
    assert sorted(queries(strategy, CHANCES, VECTORS)) == [0, 1, 2, 3]


def test_diversity_goes_away_from_what_is_known() -> None:
    known = VECTORS[:1]
    assert list(queries("diversity", vectors=VECTORS, labelled=known))[:2] == [3, 2]
    first = next(queries("diversity", vectors=VECTORS, labelled=VECTORS[3:]))
    assert first == 0


def test_mixed_passes_over_what_the_model_is_sure_of() -> None:
    assert next(queries("mixed", CHANCES, VECTORS, labelled=VECTORS[:1])) == 2


def test_rows_are_found_one_at_a_time_and_nothing_has_none() -> None:
    many = np.random.default_rng(0).normal(size=(2000, 8)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    assert len(set(islice(queries("diversity", vectors=many), 5))) == 5
    assert list(queries("diversity", vectors=many[:0])) == []


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [("random", "no strategy"), ("margin", "probabilities"), ("mixed", "vectors")],
)
def test_what_is_missing_is_named(strategy: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        queries(strategy)
