"""The graph of nearest items: how it is built, kept up, refused when it is bad, and shown."""

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
from apps.recommend import graph, index
from apps.recommend.graph_build import BUILD, graph_build, graph_due, graph_follow
from apps.recommend.health import index_health
from apps.recommend.meaning import query_vector
from apps.recommend.rows import item_row
from apps.recommend.services.catalogue import (
    item_delete,
    items_add,
    items_embed,
    items_upsert,
)
from ml.retrieval.dense import VectorIndex
from ml.serving.fakes import FakeEngine
from tests.recommend.large_catalogue import ITEMS, built, exactly, nearest_ids, restarted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("large")]


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
