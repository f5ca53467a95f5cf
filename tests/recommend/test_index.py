from __future__ import annotations

import numpy as np
import pytest

from apps.core.jobs import NoProgress
from apps.recommend import index, rankers
from apps.recommend.models import Item
from apps.recommend.rankers import ranker_of
from apps.recommend.rows import item_row
from apps.recommend.services.catalogue import (
    item_delete,
    items_add,
    items_embed,
    items_upsert,
    next_revision,
)
from ml.ranking.history import History
from ml.serving.fakes import FakeEngine
from tests.recommend.factories import load_books

pytestmark = pytest.mark.usefixtures("books")


def test_an_unchanged_catalogue_is_not_read_again() -> None:
    assert index.snapshot() is index.snapshot()


def test_an_advanced_snapshot_equals_a_fresh_one() -> None:
    index.snapshot()
    load_books({"item_id": "new", "title": "New", "text": "ocean", "tags": "sea", "year": "1901"})
    index.snapshot()
    items_add(rows=[item_row({"item_id": "sea-1", "title": "Changed", "text": "castle"})])
    row = {"item_id": "moon-1", "title": "Moon", "tags": "sea|quite new", "authors": "A. Writer"}
    items_add(rows=[item_row(row)])
    item_delete(external_id="ghost-1")
    advanced = index.snapshot()
    index.reset()
    fresh = index.snapshot()
    assert advanced.entries == fresh.entries
    assert np.array_equal(advanced.matrix, fresh.matrix)
    assert np.array_equal(advanced.shown, fresh.shown)
    assert np.array_equal(advanced.years, fresh.years)
    assert np.array_equal(advanced.changed_at, fresh.changed_at)
    assert (advanced.positions, advanced.by_external) == (fresh.positions, fresh.by_external)
    assert {author: list(at) for author, at in advanced.with_author.items()} == {
        author: list(at) for author, at in fresh.with_author.items()
    }
    assert {tag: list(at) for tag, at in advanced.with_tag.items()} == {
        tag: list(at) for tag, at in fresh.with_tag.items()
    }


def test_what_changes_neither_text_nor_tags_leaves_the_ranker_as_it_is() -> None:
    before = index.snapshot()
    ranker, read = ranker_of(before), before.matrix.copy()
    item_delete(external_id="ghost-1")
    assert ranker_of(index.snapshot()) is ranker
    Item.objects.filter(external_id="sea-2").update(title="Lights", revision=next_revision())
    after = index.snapshot()
    assert after.entries[after.by_external["sea-2"]].title == "Lights"
    assert ranker_of(after) is ranker
    row = {"item_id": "sea-1", "title": "The Salt Road", "text": "A castle.", "tags": "sea|salt"}
    items_add(rows=[item_row(row)])
    anew = ranker_of(index.snapshot())
    assert anew is not ranker
    at = after.by_external["sea-1"]
    assert not np.array_equal(index.snapshot().matrix[at], read[at])
    assert list(index.snapshot().with_tag["salt"]) == [at]


def test_the_ranker_of_many_items_follows_and_one_of_few_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = index.snapshot()
    few = ranker_of(before)
    items_add(rows=[item_row({"item_id": "new", "title": "New", "text": "ocean", "tags": "sea"})])
    assert not np.shares_memory(ranker_of(index.snapshot()).vectors, few.vectors)
    monkeypatch.setattr(rankers, "FOLLOWED_FROM", 1)
    monkeypatch.setattr(rankers, "MOST_FOLLOWED", 0.5)
    held = ranker_of(index.snapshot())
    items_add(rows=[item_row({"item_id": "newer", "title": "New", "text": "ocean", "tags": "sea"})])
    followed, snapshot = ranker_of(index.snapshot()), index.snapshot()
    assert np.shares_memory(followed.vectors, held.vectors)
    at, like = snapshot.by_external["newer"], snapshot.by_external["new"]
    scores = followed.scores(History(np.array([0]), np.ones(1, np.float32)))
    assert scores[at] == pytest.approx(scores[like], abs=1e-5)
    assert len(ranker_of(before)) == len(before)
    assert ranker_of(snapshot) is followed
    monkeypatch.setattr(rankers, "MOST_FOLLOWED", 0.0)
    items_add(rows=[item_row({"item_id": "newest", "title": "New", "text": "ocean"})])
    assert not np.shares_memory(ranker_of(index.snapshot()).vectors, held.vectors)


def test_a_deleted_item_is_hidden_and_a_new_import_brings_it_back() -> None:
    item_delete(external_id="sea-1")
    hidden = index.snapshot()
    assert not hidden.shown[hidden.by_external["sea-1"]]
    items_add(rows=[item_row({"item_id": "sea-1", "title": "Back"})])
    back = index.snapshot()
    assert back.shown[back.by_external["sea-1"]]


def test_an_item_without_a_vector_is_held_with_a_zero_row() -> None:
    items_upsert(rows=[item_row({"item_id": "bare", "title": "Bare"})])
    snapshot = index.snapshot()
    assert not snapshot.matrix[snapshot.by_external["bare"]].any()


def test_a_new_encoder_version_makes_all_vectors_stale_once(engine: FakeEngine) -> None:
    engine.models.promote("encoder", "fake-2")
    assert items_embed(progress=NoProgress()) == Item.objects.count()
    assert items_embed(progress=NoProgress()) == 0
    assert index.snapshot().encoder == "fake-2"


def test_a_failing_encoder_leaves_the_item_for_later(engine: FakeEngine) -> None:
    engine.gate.fail_on("unlucky")
    items_add(rows=[item_row({"item_id": "u", "title": "unlucky"})])
    assert Item.objects.get(external_id="u").vector is None
    engine.gate.fail_on()
    assert items_embed(progress=NoProgress()) == 1


def test_a_page_of_a_snapshot_in_between_has_a_ranker_of_its_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rankers, "FOLLOWED_FROM", 1)
    monkeypatch.setattr(rankers, "MOST_FOLLOWED", 0.5)
    held = [index.snapshot()]
    for name in ("one", "two"):
        items_add(rows=[item_row({"item_id": name, "title": name, "text": "ocean", "tags": "sea"})])
        held.append(index.snapshot())
    first, second, third = held
    ranker_of(first)
    newest = ranker_of(third)
    between = ranker_of(second)
    assert (len(ranker_of(first)), len(between), len(newest)) == tuple(map(len, held))
    at = second.by_external["one"]
    history = History(np.array([0]), np.ones(1, np.float32))
    assert between.scores(history)[at] == pytest.approx(newest.scores(history)[at], rel=0.1)
    assert ranker_of(third) is newest
