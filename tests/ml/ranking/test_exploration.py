"""What is shown by chance, and the probabilities that are logged with it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ml.ranking.exploration import explored

RANKED = np.array([7, 3, 9, 4, 1])


def test_without_exploration_the_best_are_certain():
    shown = explored(RANKED, 3, epsilon=0.0, generator=np.random.default_rng(1))
    assert shown.items.tolist() == [7, 3, 9]
    assert shown.propensities.tolist() == [1.0, 1.0, 1.0]


def test_the_propensities_are_the_frequencies():
    generator = np.random.default_rng(2)
    first, told = Counter(), {}
    for _ in range(6000):
        shown = explored(RANKED, 2, epsilon=0.4, generator=generator)
        first[int(shown.items[0])] += 1
        told[int(shown.items[0])] = float(shown.propensities[0])
        assert len(set(shown.items.tolist())) == 2
    assert sum(told.values()) == pytest.approx(1.0)
    for item, propensity in told.items():
        assert first[item] / 6000 == pytest.approx(propensity, abs=0.02)


def test_weighing_by_propensity_tells_what_another_order_would_have_earned():
    """Clicks of a log, each counted for one over its propensity, estimate a uniform order's."""
    generator = np.random.default_rng(3)
    chances = dict(zip(RANKED.tolist(), (0.1, 0.8, 0.3, 0.5, 0.2), strict=True))
    earned = []
    for _ in range(8000):
        shown = explored(RANKED, 1, epsilon=0.5, generator=generator)
        clicked = generator.random() < chances[int(shown.items[0])]
        earned.append(clicked * (1 / len(RANKED)) / shown.propensities[0])
    assert np.mean(earned) == pytest.approx(np.mean(list(chances.values())), abs=0.03)


def test_there_are_no_more_than_there_are_candidates():
    assert len(explored(RANKED[:2], 9, epsilon=1.0, generator=np.random.default_rng(4)).items) == 2
    assert len(explored(RANKED[:0], 9, epsilon=1.0, generator=np.random.default_rng(4)).items) == 0


@pytest.mark.parametrize("epsilon", [-0.1, 1.1])
def test_epsilon_is_a_probability(epsilon):
    with pytest.raises(ValueError, match="from 0 to 1"):
        explored(RANKED, 1, epsilon=epsilon, generator=np.random.default_rng(5))
