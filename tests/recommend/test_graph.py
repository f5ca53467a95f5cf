"""The graph of nearest items: what it finds, and that live changes are found at once."""

from __future__ import annotations

import numpy as np
import pytest

from apps.core.jobs import NoProgress
from apps.recommend import candidates, graph, index, scoring
from apps.recommend import search as search_module
from apps.recommend.explain import similar_items
from apps.recommend.graph_build import graph_build
from apps.recommend.health import index_health
from apps.recommend.meaning import query_vector
from apps.recommend.page import page_inputs, plainly_ranked
from apps.recommend.rows import item_row
from apps.recommend.scoring import as_history
from apps.recommend.search import search
from apps.recommend.services.catalogue import (
    item_delete,
    items_add,
)
from apps.recommend.services.readers import wish_set
from tests.recommend.factories import ReaderFactory, did
from tests.recommend.large_catalogue import ITEMS, built, nearest_ids

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("large")]


def test_the_graph_finds_what_exact_search_finds() -> None:
    found, catalogue = built(), index.snapshot()
    vectors = catalogue.matrix[::10] + 0.3 * catalogue.matrix[5::10][:30]
    answers = found.nearest(catalogue, vectors, 20, catalogue.shown)
    shares = []
    for vector, (at, cosines) in zip(vectors, answers, strict=True):
        assert np.all(np.diff(cosines) <= 0)
        assert cosines == pytest.approx(catalogue.matrix[at] @ vector, abs=1e-5)
        least = np.sort(catalogue.matrix @ vector)[-20]
        shares.append(float((cosines >= least - 1e-6).mean()))  # many texts are equal here
    assert np.mean(shares) >= 0.95


def test_search_and_similar_items_are_those_of_exact_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search_module, "CANDIDATES", 60)
    catalogue = index.snapshot()
    vector = query_vector(catalogue, "a ghost in the castle garden")
    exact = search(catalogue, "a ghost in the castle garden", vector, limit=10)
    wanted = catalogue.shown.copy()
    wanted[[one.position for one in exact[:4]]] = False  # as if a rule hid them
    rest = search(catalogue, "a ghost in the castle garden", vector, limit=6, wanted=wanted)
    assert [one.position for one in rest] == [one.position for one in exact[4:]]
    alike = similar_items(catalogue, 7, 8)
    built()
    by_graph = search(catalogue, "a ghost in the castle garden", vector, limit=10)
    assert [one.score for one in by_graph] == pytest.approx([one.score for one in exact], abs=1e-5)
    others = search(catalogue, "a ghost in the castle garden", vector, limit=6, wanted=wanted)
    assert [one.score for one in others] == pytest.approx([one.score for one in rest], abs=1e-5)
    assert all(wanted[one.position] for one in others)
    near = similar_items(catalogue, 7, 8)
    assert [cosine for _, cosine in near] == pytest.approx(
        [cosine for _, cosine in alike], abs=1e-5
    )
    assert 7 not in dict(near)


def test_a_page_is_ranked_as_without_the_graph() -> None:
    reader = ReaderFactory()
    did(reader, "save", "item-3", "item-50", "item-120")
    built()
    ranked = plainly_ranked(page_inputs(reader))
    scored = np.isfinite(ranked.scores)
    every = ranked.ranker.scores(as_history(ranked.history))
    for _, amounts in ranked.stated:
        every = every + amounts
    assert ranked.scores[scored] == pytest.approx(every[scored], rel=1e-4, abs=1e-6)
    best = np.where(ranked.eligible, every, -np.inf)
    top = np.argsort(-best, kind="stable")[:50]
    assert scored[top].mean() >= 0.95


def test_the_best_are_climbed_to_from_a_poor_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MOST_POPULAR", 3)
    monkeypatch.setattr(candidates, "NEAREST_OF", 1)
    monkeypatch.setattr(candidates, "NEAREST", 3)
    reader = ReaderFactory()
    did(reader, "save", "item-3", "item-50", "item-120")
    built()

    def found(climbs: tuple[int, ...]) -> float:
        monkeypatch.setattr(candidates, "CLIMBS", climbs)
        ranked = plainly_ranked(page_inputs(reader))
        every = ranked.ranker.scores(as_history(ranked.history))
        top = np.argsort(-np.where(ranked.eligible, every, -np.inf), kind="stable")[:20]
        scored = np.isfinite(ranked.scores)
        return float(scored[top].mean())

    assert found(()) < 0.5
    assert found((5, 10, 20, 40)) >= 0.95
    monkeypatch.setattr(candidates, "MOST_CLIMBED", 1)
    assert found((5, 10, 20, 40)) < 0.95


def test_a_graph_from_a_newer_catalogue_waits_until_that_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = index.snapshot()
    items_add(rows=[item_row({"item_id": "new", "title": "Zebra", "text": "zebra savanna"})])
    graph_build(NoProgress())
    with monkeypatch.context() as older:
        older.setattr(graph, "snapshot", lambda: before)
        graph.graph_refresh()
    assert graph.graph_of(before) is None
    assert graph.graph_refused(before.key) == ""
    graph.graph_refresh()
    held = graph.graph_of(index.snapshot())
    assert held is not None
    assert len(held.beside) == 0
    assert nearest_ids("zebra savanna")[0] == "new"


def test_a_wish_and_what_it_refuses_count_as_without_the_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "SAID", 100)
    monkeypatch.setattr(scoring, "MOST_STATED", 50)
    reader = ReaderFactory()
    wish_set(reader=reader, sentence="a ghost in a castle, no rocket")
    did(reader, "save", "item-3")
    exact = plainly_ranked(page_inputs(reader))
    built()
    by_graph = plainly_ranked(page_inputs(reader))
    kinds = {reason.kind for reason, _ in by_graph.stated}
    assert {"wish", "unwanted"} <= kinds
    order = np.argsort(-np.where(exact.eligible, exact.scores, -np.inf), kind="stable")[:10]
    assert by_graph.scores[order] == pytest.approx(exact.scores[order], rel=1e-3)
    assert np.where(by_graph.eligible, by_graph.scores, -np.inf).max() == pytest.approx(
        exact.scores[order[0]], rel=1e-3
    )


def test_what_is_rare_among_the_nearest_is_found_exactly() -> None:
    found, catalogue = built(), index.snapshot()
    few = np.zeros(len(catalogue), dtype=bool)
    few[[4, 90, 200]] = True
    ((at, cosines),) = found.nearest(catalogue, catalogue.matrix[90], 10, few)
    assert at[0] == 90
    assert set(at.tolist()) == {4, 90, 200}
    assert cosines[0] == pytest.approx(1.0, abs=1e-5)


def test_a_new_and_a_changed_item_are_found_at_once_beside_the_graph() -> None:
    built()
    items_add(rows=[item_row({"item_id": "new", "title": "Zebra", "text": "zebra savanna"})])
    items_add(rows=[item_row({"item_id": "item-8", "title": "Violin", "text": "violin concert"})])
    assert nearest_ids("zebra savanna")[0] == "new"
    assert nearest_ids("violin concert")[0] == "item-8"
    held = graph.graph_of(index.snapshot())
    assert held is not None
    assert len(held.beside) == 2
    health = index_health().graph
    assert (health.state, health.vectors, health.beside, health.tombstones) == (
        "ready",
        ITEMS,
        2,
        1,
    )


def test_an_older_snapshot_is_searched_exactly() -> None:
    built()
    before = index.snapshot()
    items_add(rows=[item_row({"item_id": "new", "title": "Zebra", "text": "zebra savanna"})])
    assert graph.graph_of(index.snapshot()) is not None
    assert graph.graph_of(before) is None
    assert graph.nearest(before, before.matrix[5], 3, before.shown)[0].max() < len(before)


def test_a_deleted_item_is_passed_over_at_once() -> None:
    built()
    first = nearest_ids("ghost castle moon", 3)
    item_delete(external_id=first[0])
    assert first[0] not in nearest_ids("ghost castle moon", ITEMS)
    assert index_health().graph.tombstones == 1
