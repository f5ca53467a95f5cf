from __future__ import annotations

import numpy as np
import pytest

from ml.ranking.places import LEAST_CLICKS, MOST, places_of

CURVE = 1.0 / np.arange(1, 13) ** 0.7


def by_lot(pages: int, seen: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clicks on items by lot, which are liked by a third of those who see them."""
    random = np.random.default_rng(seed)
    shown = random.binomial(pages, 0.3, len(seen))
    return shown, random.binomial(shown, seen / 3)


def test_a_known_curve_is_found_from_what_was_shown_by_lot() -> None:
    found = places_of(*by_lot(6000, CURVE, 1))
    assert found.finding == "used"
    np.testing.assert_allclose(found.seen, CURVE, rtol=0.2)
    assert (np.diff(found.seen) <= 0).all()


def test_weights_undo_the_places_in_the_clicks_of_the_ranked() -> None:
    random = np.random.default_rng(2)
    places = places_of(*by_lot(20_000, CURVE, 2))
    liked = np.array([0.15, 0.2, 0.25, 0.3])  # the better an item, the lower it stood
    at = np.array([0, 3, 6, 11])
    clicks = random.binomial(8000, liked * CURVE[at])
    weights = places.weights(np.repeat(at, clicks))
    corrected = np.array([own.sum() for own in np.split(weights, clicks.cumsum()[:-1])])
    assert (np.diff(clicks) < 0).any()
    np.testing.assert_allclose(corrected / corrected.sum(), liked / liked.sum(), rtol=0.1)
    assert weights.mean() == pytest.approx(1.0)


def test_a_place_that_is_hardly_seen_does_not_rule() -> None:
    places = places_of(np.full(3, 100_000), np.array([30_000, 10_000, 10]))
    rare = places.weights(np.array([0, 2]))
    assert rare[1] / rare[0] == pytest.approx(MOST)


def test_nothing_is_corrected_by_too_few_clicks_or_without_a_difference() -> None:
    few = places_of(np.full(12, 40), np.r_[np.full(11, 16), LEAST_CLICKS - 1 - 11 * 16])
    assert few.finding == "too few"
    level = [places_of(*by_lot(2000, np.ones(12), seed)).finding for seed in range(100)]
    assert level.count("used") <= 12  # five of a hundred by chance
    assert np.ptp(few.seen) == 0
    assert places_of(np.zeros(0, np.int64), np.zeros(0, np.int64)).finding == "too few"
