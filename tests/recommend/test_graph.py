"""The graph of nearest items: what it finds, live changes, building, bad files, changeover."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.jobs import Cancelled, NoProgress, job_cancel
from apps.core.models import Job
from apps.recommend import candidates, graph, index, scoring
from apps.recommend import search as search_module
from apps.recommend.explain import similar_items
from apps.recommend.graph_build import BUILD, graph_build, graph_due, graph_follow
from apps.recommend.health import index_health
from apps.recommend.meaning import query_vector
from apps.recommend.page import page_inputs, plainly_ranked
from apps.recommend.rows import item_row
from apps.recommend.scoring import as_history
from apps.recommend.search import search
from apps.recommend.services.catalogue import (
    item_delete,
    items_add,
    items_embed,
    items_upsert,
)
from apps.recommend.services.readers import wish_set
from ml.ranking import texts
from ml.retrieval.dense import VectorIndex
from ml.serving.fakes import FakeEngine
from tests.recommend.factories import ReaderFactory, did

pytestmark = pytest.mark.django_db
ITEMS = 300
WORDS = ("sea", "ship", "ghost", "castle", "rocket", "moon", "garden", "storm", "letter", "clock")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of 300 items, which here counts as large."""
    monkeypatch.setattr(graph, "FROM", 100)
    monkeypatch.setattr(texts, "LARGE", 100)
    rng = np.random.default_rng(5)
    rows = [
        {
            "item_id": f"item-{number}",
            "title": f"Number {number}",
            "text": " ".join(rng.choice(WORDS, 6)),
            "tags": str(rng.choice(WORDS)),
        }
        for number in range(ITEMS)
    ]
    items_upsert(rows=[item_row(row) for row in rows])
    items_embed(progress=NoProgress())


def built() -> graph.Graph:
    """The graph as a server process has it after the worker built it."""
    graph_build(NoProgress())
    graph.graph_refresh()
    found = graph.graph_of(index.snapshot())
    assert found is not None
    return found


def restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process as it is after a start: it has read no graph."""
    monkeypatch.setattr(graph, "_held", None)
    graph.graph_refresh()


def exactly(catalogue: index.Snapshot, vector: Any, count: int) -> list[int]:
    scores = np.where(catalogue.shown, catalogue.matrix @ vector, -np.inf)
    return np.argsort(-scores, kind="stable")[:count].tolist()


def nearest_ids(text: str, count: int = 5) -> list[str]:
    catalogue = index.snapshot()
    vector = query_vector(catalogue, text)
    at, _ = graph.nearest(catalogue, vector, count, catalogue.shown)
    return [catalogue.entries[one].external_id for one in at]


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
    alike = similar_items(catalogue, 7, 8)
    built()
    by_graph = search(catalogue, "a ghost in the castle garden", vector, limit=10)
    assert [one.score for one in by_graph] == pytest.approx([one.score for one in exact], abs=1e-5)
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


def test_what_has_changed_is_built_in_and_the_rest_kept() -> None:
    built()
    assert not graph_due()
    for number in range(8):
        row = {"item_id": f"item-{number}", "title": "Anew", "text": f"zebra {number}"}
        items_add(rows=[item_row(row)])
    item_delete(external_id="item-100")
    assert graph_due()
    assert graph_build(NoProgress()) == {"kept": ITEMS - 9, "added": 8}
    graph.graph_refresh()
    health = index_health().graph
    assert (health.state, health.vectors, health.beside) == ("ready", ITEMS - 1, 0)
    assert health.tombstones == 9
    assert not graph_due()
    assert set(nearest_ids("zebra", 8)) == {f"item-{number}" for number in range(8)}


def test_a_graph_of_which_much_is_gone_is_begun_anew() -> None:
    built()
    for number in range(40):
        item_delete(external_id=f"item-{number}")
    assert graph_build(NoProgress()) == {"kept": 0, "added": ITEMS - 40}
    graph.graph_refresh()
    assert index_health().graph.tombstones == 0


def test_too_much_beside_the_graph_is_searched_exactly() -> None:
    built()
    rows = [{"item_id": f"new-{n}", "title": "New", "text": f"zebra {n}"} for n in range(40)]
    items_upsert(rows=[item_row(row) for row in rows])
    items_embed(progress=NoProgress())
    assert graph.graph_of(index.snapshot()) is None
    assert index_health().graph.state == "outdated"
    assert nearest_ids("zebra 7")[0].startswith("new-")
    assert graph_due()


def test_nothing_is_due_while_vectors_are_still_to_be_made() -> None:
    assert graph_due()
    rows = [{"item_id": f"new-{n}", "title": "New", "text": f"zebra {n}"} for n in range(40)]
    items_upsert(rows=[item_row(row) for row in rows])
    assert not graph_due()
    items_embed(progress=NoProgress())
    assert graph_due()


def test_a_file_cut_in_half_is_refused_and_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    built()
    path = graph.graph_path(index.snapshot().key)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    restarted(monkeypatch)
    assert graph.graph_of(index.snapshot()) is None
    health = index_health().graph
    assert (health.state, health.problem != "") == ("refused", True)
    assert nearest_ids("ghost castle") == [
        index.snapshot().entries[at].external_id
        for at in exactly(index.snapshot(), query_vector(index.snapshot(), "ghost castle"), 5)
    ]
    assert graph_due()
    built()
    assert index_health().graph.state == "ready"


def test_an_altered_file_is_refused_and_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    built()
    path = graph.graph_path(index.snapshot().key)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + b"x" * 40)
    restarted(monkeypatch)
    assert "checksum" in index_health().graph.problem
    assert graph.graph_of(index.snapshot()) is None
    assert graph_due()


def test_the_file_of_another_catalogue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    built()
    catalogue = index.snapshot()
    path = graph.graph_path(catalogue.key)
    foreign = VectorIndex(catalogue.matrix.shape[1], exact_below=0)
    turned = np.roll(catalogue.matrix, 1, axis=1)
    foreign.put([str(entry.pk) for entry in catalogue.entries], turned)
    foreign.save(path)
    note = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(note | {"size": path.stat().st_size}))
    restarted(monkeypatch)
    assert graph.graph_of(catalogue) is None
    assert "another catalogue" in index_health().graph.problem
    assert graph_due()


def test_vectors_of_two_encoders_are_never_compared(engine: FakeEngine) -> None:
    built()
    engine.models.promote("encoder", "fake-2")
    items_embed(progress=NoProgress())
    catalogue = index.snapshot()
    assert catalogue.encoder == "fake-2"
    assert graph.graph_of(catalogue) is None
    assert index_health().graph.state == "outdated"
    assert graph_due()
    assert graph_build(NoProgress())["kept"] == 0
    graph.graph_refresh()
    assert graph.graph_of(catalogue) is not None


def test_the_job_is_started_once_and_not_again_at_once_when_cancelled() -> None:
    assert graph_follow()
    assert not graph_follow()
    job_cancel(job=Job.objects.get(kind=BUILD))
    assert not graph_follow()
    assert Job.objects.filter(kind=BUILD).count() == 1


def test_the_job_builds_the_graph(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert graph_follow()
    job = Job.objects.get(kind=BUILD)
    assert (job.status, job.result) == ("succeeded", {"kept": 0, "added": ITEMS})
    graph.graph_refresh()
    assert index_health().graph.state == "ready"
    assert not graph_follow()


def test_a_cancelled_build_leaves_the_graph_as_it_was() -> None:
    built()
    before = graph.graph_path(index.snapshot().key).read_bytes()
    items_add(rows=[item_row({"item_id": "new", "title": "Zebra", "text": "zebra"})])

    class Stop:
        def update(self, done: int, total: int, message: str = "") -> None:
            if message == "placing vectors":
                raise Cancelled

    with pytest.raises(Cancelled):
        graph_build(Stop())
    assert graph.graph_path(index.snapshot().key).read_bytes() == before


def test_a_catalogue_that_became_small_has_no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    built()
    monkeypatch.setattr(graph, "FROM", 1000)
    graph.graph_refresh()
    assert graph.graph_of(index.snapshot()) is None
    assert graph_build(NoProgress()) == {"kept": 0, "added": 0}
    assert not graph.graph_path(index.snapshot().key).exists()
    assert index_health().graph.state == "small"


def test_the_team_sees_the_state_on_its_page_and_in_the_api(keeper_client: Client) -> None:
    told = keeper_client.get("/api/v1/recommend/index/").json()
    assert (told["graph"]["state"], told["items"]) == ("none", ITEMS)
    assert "none yet" in keeper_client.get(reverse("recommend:index")).content.decode()
    built()
    told = keeper_client.get("/api/v1/recommend/index/").json()
    assert (told["graph"]["state"], told["graph"]["vectors"]) == ("ready", ITEMS)
    assert (
        "by the graph of nearest items"
        in keeper_client.get(reverse("recommend:index")).content.decode()
    )
    started = keeper_client.post("/api/v1/recommend/index/")
    assert started.status_code == 202
    assert Job.objects.filter(id=started.json()["job"]).exists()


def test_others_see_nothing_of_it(client: Client, mei: User) -> None:
    client.force_login(mei)
    for asked in (client.get, client.post):
        refused = asked("/api/v1/recommend/index/")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert not Job.objects.exists()
