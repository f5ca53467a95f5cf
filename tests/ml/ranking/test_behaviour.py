"""The order of reading, lending to new items, their places, and weights fitted to readers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.ranking.behaviour import Behaviour, fit_behaviour
from ml.ranking.cases import cases_of, recent_popularity
from ml.ranking.follows import fit_follows
from ml.ranking.fresh import best_with_fresh
from ml.ranking.history import History
from ml.ranking.interactions import Interaction, Item, Log, log_of
from ml.ranking.lending import fit_lending
from ml.ranking.settings import TasteSettings
from ml.ranking.splits import held_out
from ml.ranking.tags import TagTable
from ml.ranking.taste import LEND, Ranker
from ml.ranking.tuning import Tuned, tune

ITEMS = [Item(str(number), f"item {number}", "") for number in range(60)]
SERIES = np.arange(60) // 6  # ten series of six volumes


def liked(deeds: list[tuple[str, int, float]]) -> Log:
    return log_of([Interaction(u, str(i), "like", None, t) for u, i, t in deeds], ITEMS)[0]


def readers(number: int = 80) -> Log:
    """Each reads two series, volume after volume."""
    generator = np.random.default_rng(5)
    deeds = []
    for user in range(number):
        clock = 0
        for series in generator.choice(10, 2, replace=False):
            for volume in range(6):
                deeds.append((f"u{user}", int(series) * 6 + volume, float(clock)))
                clock += 1
    return liked(deeds)


def vectors() -> np.ndarray:
    generator = np.random.default_rng(7)
    found = np.eye(10)[SERIES] + 0.1 * generator.normal(size=(60, 10))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_the_next_volume_follows_and_not_the_one_before() -> None:
    rows = fit_follows(readers(), 60, links=20).rows(np.arange(60), 60)
    assert rows[6].argmax() == 7
    assert rows[8, 9] > rows[8, 7] == 0
    assert not np.diag(rows).any()
    assert fit_follows(liked([("u", 3, 0.0)]), 60, links=20).rows(np.array([3]), 60).sum() == 0


def test_a_new_item_borrows_from_those_like_it() -> None:
    counts = np.ones(60, dtype=np.float32)
    counts[[5, 30]] = 0
    lending = fit_lending(vectors(), None, counts)
    assert lending.borrowers.tolist() == [5, 30]
    scores = (SERIES == 0).astype(np.float32)
    assert lending.of(scores)[0] > 0.5 > lending.of(scores)[1]
    assert lending.weights.sum(axis=1) == pytest.approx(1.0)
    rows = np.stack([scores, 2 * scores])
    assert lending.matrix(rows, np.array([0]))[:, 0] == pytest.approx(
        [lending.of(scores)[0], 2 * lending.of(scores)[0]]
    )


def test_tags_tell_who_lends_where_texts_do_not() -> None:
    tags = TagTable([(f"series {series}",) for series in SERIES])
    counts = np.ones(60, dtype=np.float32)
    counts[12] = 0
    lending = fit_lending(np.zeros((60, 4), np.float32), tags, counts)
    strongest = lending.lenders[0][np.argsort(-lending.weights[0])[:5]]
    assert set(SERIES[strongest]) == {2}


def test_nobody_lends_where_nobody_read() -> None:
    lending = fit_lending(vectors(), None, np.zeros(60, dtype=np.float32))
    assert len(lending.borrowers) == 60
    assert lending.of(np.ones(60, np.float32)).tolist() == [0.0] * 60


def test_what_is_borrowed_is_part_of_the_score_and_of_its_parts() -> None:
    log = readers()
    log = log.where(log.items != 5)  # nobody has read the last volume of the first series
    behaviour = fit_behaviour(log, vectors())
    history = History(np.array([0, 1, 20]), np.array([1.0, 1.0, -1.0], dtype=np.float32))
    with_lending = Ranker(vectors(), behaviour=behaviour)
    without = Ranker(vectors(), behaviour=behaviour, settings=TasteSettings(lend=0.0))
    assert with_lending.scores(history)[5] > without.scores(history)[5]
    some = np.array([5, 4, 33])
    parts = with_lending.contributions(history, some)
    assert parts.sum(axis=0) == pytest.approx(with_lending.scores(history)[some], abs=1e-6)
    assert with_lending.scores_of(history, some) == pytest.approx(parts.sum(axis=0), abs=1e-6)
    lost = with_lending.scores(history)[some] - with_lending.scores(history.without(1))[some]
    assert with_lending.removal_effects(history, some)[1] == pytest.approx(lost, abs=1e-6)


def test_untouched_items_get_places_after_the_tenth_alone() -> None:
    scores = np.linspace(1, 0, 100).astype(np.float32)
    untouched = np.zeros(100, dtype=bool)
    untouched[50:60] = True  # a tenth of the catalogue, far down
    found = best_with_fresh(scores, 20, untouched=untouched, excluded=np.array([50]))
    assert found[:11].tolist() == list(range(11))
    assert found[11:16:2].tolist() == [51, 52, 53]
    assert found[12:16:2].tolist() + found[16:].tolist() == list(range(11, 17))
    assert len(set(found.tolist())) == 20


@pytest.mark.parametrize("factors", [0.0, 0.05])
def test_new_items_vie_by_what_more_lending_makes_of_their_scores(factors: float) -> None:
    log = liked([(f"u{reader}", item, 1.0) for reader in range(12) for item in range(5)])
    behaviour = fit_behaviour(log, vectors())
    history = History(np.array([0, 1, 20]), np.array([1.0, 1.0, -1.0], dtype=np.float32))
    little, much = (
        Ranker(vectors(), behaviour=behaviour, settings=TasteSettings(factors=factors, lend=lend))
        for lend in (1.0, LEND)
    )
    scores, new = little.scores(history), np.zeros(len(little), dtype=bool)
    new[5:15] = True
    found = little.vying(history, scores, new)
    assert found[new] == pytest.approx(much.scores(history)[new], abs=1e-6)
    assert np.abs(found - scores)[new].max() > 1e-3
    assert np.isneginf(found[~new]).all()
    assert little.scores(history) == pytest.approx(scores)  # which stay as they are


def test_new_items_get_their_places_in_the_order_in_which_they_vie() -> None:
    scores = np.linspace(1, 0, 100).astype(np.float32)
    untouched = np.zeros(100, dtype=bool)
    untouched[50:60] = True
    found = best_with_fresh(scores, 20, untouched=untouched, vying=lambda fresh: -scores)
    assert found[11:16:2].tolist() == [59, 58, 57]
    assert found[:11].tolist() == list(range(11))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_nothing_untouched_is_the_plain_order(share: float) -> None:
    scores = np.linspace(1, 0, 40).astype(np.float32)
    untouched = np.full(40, share > 0)
    assert best_with_fresh(scores, 20, untouched=untouched).tolist() == list(range(20))


def test_an_untouched_item_that_earned_a_high_place_keeps_it() -> None:
    scores = np.linspace(1, 0, 40).astype(np.float32)
    untouched = np.zeros(40, dtype=bool)
    untouched[[2, 30, 31]] = True
    found = best_with_fresh(scores, 20, untouched=untouched)
    assert found[2] == 2
    assert found[11] == 30
    assert len(set(found.tolist())) == 20


def test_short_lists_stay_as_they_are() -> None:
    scores = np.arange(8, dtype=np.float32)
    untouched = scores < 4
    assert best_with_fresh(scores, 20, untouched=untouched).tolist() == list(range(7, -1, -1))


def test_recent_likes_count_more() -> None:
    old = [(f"a{number}", 1, float(number)) for number in range(8)]
    counts = recent_popularity(liked([*old, ("b", 2, 100.0), ("c", 2, 101.0)]), 60)
    assert counts[1] == pytest.approx(2.0)
    assert counts[2] == pytest.approx(2.0)
    assert recent_popularity(liked([]), 60).tolist() == [0.0] * 60


def test_cases_are_readers_with_something_new_to_come() -> None:
    log = liked([("a", 1, 0.0), ("a", 2, 1.0), ("b", 1, 0.0), ("c", 3, 5.0)])
    later = np.array([item in (2, 3) for item in log.items])
    (case,) = cases_of(log.where(~later), log.where(later))
    assert case.known.items.tolist() == [1]
    assert case.wanted.tolist() == [2]


def test_weights_are_fitted_to_the_readers() -> None:
    log = readers(120)
    tags = TagTable([()] * 60)
    tuned = tune(log, np.zeros((60, 4), np.float32), tags, max_items=100)
    # Volumes are read in order and nothing else tells: the order of reading carries the score.
    assert tuned.settings.follows > 0
    later = held_out(log, "temporal")
    known = log.where(~later)
    tuned = tune(known, np.zeros((60, 4), np.float32), tags, ridge=7.0, max_items=9)
    assert tuned.ridge == pytest.approx(7.0)


def test_few_readers_leave_the_defaults() -> None:
    tuned = tune(readers(10), vectors(), TagTable([()] * 60), max_items=100)
    assert tuned == Tuned()


def test_fitted_weights_are_stored_with_the_links(tmp_path) -> None:
    fitted = replace(
        fit_behaviour(readers(), vectors()), settings=TasteSettings(follows=0.8, lend=2.0)
    )
    fitted.save(tmp_path / "behaviour.npz")
    loaded = Behaviour.load(tmp_path / "behaviour.npz")
    assert loaded.settings == fitted.settings
    assert Ranker(vectors(), behaviour=loaded).settings == fitted.settings
    assert (loaded.follows.weights == fitted.follows.weights).all()
    assert (loaded.lending.lenders == fitted.lending.lenders).all()


def test_weights_of_short_histories_are_fitted_to_readers_who_have_such() -> None:
    """What a reader liked first tells what comes last; the newest three likes tell nothing."""
    generator = np.random.default_rng(9)
    deeds = []
    for user in range(160):
        first, last = user % 10, 10 + user % 10
        others = generator.choice(np.arange(20, 60), 4, replace=False).tolist()
        order = [first, *others, last] if user < 80 else [first, last, *others]
        deeds += [(f"u{user}", item, float(at)) for at, item in enumerate(order)]
    log = liked(deeds)
    tags, texts = TagTable([()] * 60), np.zeros((60, 4), np.float32)
    tuned = tune(log, texts, tags, max_items=100)
    assert tuned.newcomers is not None
    fitted = replace(fit_behaviour(log, texts), settings=tuned.settings, newcomers=tuned.newcomers)
    ranker = Ranker(texts, behaviour=fitted, popularity=recent_popularity(log, 60))
    history = History(np.array([3, 20, 30, 40, 50]), np.ones(5, np.float32))
    scores = ranker.scores(history)
    scores[history.items] = -np.inf
    assert scores.argmax() == 13
