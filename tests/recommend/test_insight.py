from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import InvalidInput, Problem
from apps.core.jobs import Cancelled, NoProgress
from apps.core.models import Job
from apps.recommend import evaluation_job, index
from apps.recommend.behaviour import behaviour_path
from apps.recommend.health import index_health
from apps.recommend.models import Item, Reader
from apps.recommend.playground import play
from apps.recommend.services.business_rules import rule_save
from apps.recommend.services.catalogue import item_delete
from tests.recommend.factories import did

pytestmark = pytest.mark.django_db
PAGES = ("playground", "index", "evaluation", "rules", "experiments", "other-sites")


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_open_for_administrators_alone_and_without_anything(
    keeper_client: Client, client: Client, mei: User, name: str
) -> None:
    url = reverse(f"recommend:{name}")
    assert keeper_client.get(url).status_code == 200
    client.force_login(mei)
    assert client.get(url).status_code == 403
    assert client.post(url).status_code in (403, 405)


def test_the_playground_takes_a_page_apart(
    keeper: User, keeper_client: Client, reader: Reader, books: None
) -> None:
    did(reader, "save", "sea-1")
    conditions = {"item_ids": ["ghost-3"]}
    given = {"name": "Lift <it>", "action": "boost", "amount": 5, "conditions": conditions}
    rule_save(actor=keeper, given=given)
    given = {"name": "No moon", "action": "hide", "conditions": {"tags": ["science fiction"]}}
    rule_save(actor=keeper, given=given)
    found = play(reader)
    lifted = next(item for item in found.shown if item.item_id == "ghost-3")
    assert lifted.rules == ["Lift <it>"]
    assert dict(lifted.parts)["The rule “Lift <it>”"] == pytest.approx(0.2)
    assert lifted.before is not None
    assert lifted.before > lifted.place
    assert {rule for _, rules in found.hidden for rule in rules} == {"No moon"}
    sources = {source.name: source for source in found.sources}
    assert sources["rule"].candidates[0].item_id == "ghost-3"
    assert sources["text"].candidates[0].item_id.startswith("sea")
    content = keeper_client.get(reverse("recommend:playground")).content
    assert b"by the rule" in content
    assert b"Lift <it>" not in content
    url = reverse("recommend:playground")
    assert keeper_client.get(url, {"reader": "new"}).status_code == 200
    unknown = keeper_client.get(url, {"reader": "nobody"})
    assert unknown.status_code == 404
    assert "There is no reader “nobody”." in unknown.content.decode()


def test_the_index_page_tells_its_state_and_rebuilds_a_file_that_was_cut(
    keeper_client: Client, books: None, django_capture_on_commit_callbacks: Any
) -> None:
    item_delete(external_id="sea-1")
    Item.objects.filter(external_id="sea-2").update(text_hash="changed")
    health = index_health()
    assert (health.items, health.shown, health.tombstones, health.stale) == (12, 11, 1, 1)
    assert health.links.state == "none"
    path = behaviour_path(index.snapshot())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PK\x03\x04 cut in half")
    assert index_health().links.state == "damaged"
    url = reverse("recommend:index")
    assert b"is damaged" in keeper_client.get(url).content
    with django_capture_on_commit_callbacks(execute=True):
        keeper_client.post(url)
    job = Job.objects.get()
    assert (job.status, job.result["embedded"]) == ("succeeded", 1)
    assert index_health().links.state == "none"  # too little behaviour for a new one
    assert b"is damaged" not in keeper_client.get(url).content


def _figure(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def _write(folder: Path, name: str, **more: Any) -> None:
    rows = [
        {
            "name": who,
            "metrics": {"ndcg@10": _figure(value), "recall@20": _figure(value)},
            "cold_items": {"items": 3, "recall@20": _figure(value / 2)} if value > 0.1 else None,
            "cold_readers": {"readers": 5, "likes": 3, "ndcg@10": _figure(value)},
            "slices": [
                {"slice": "1-4 likes", "readers": 8, "metrics": {"ndcg@10": _figure(value)}}
            ],
        }
        for who, value in (("trefoil", 0.15), ("ease", 0.12), ("<i>popular</i>", 0.05))
    ]
    body = {
        "at": "2026-01-02T03:04:05+00:00",
        "items": 1700,
        "interactions": 91954,
        "readers": 589,
        "protocol": "temporal",
        "k": 10,
        "seconds": 531.0,
        "rows": rows,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(body | more))


def test_the_evaluation_page_shows_a_report_beside_the_baselines(
    keeper_client: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "recommend" / "evaluations"
    _write(folder, "20260102T030405Z")
    _write(folder, "20260103T030405Z", protocol="leave-last-out")
    (folder / "20260101T000000Z.json").write_text('{"at": "2026-01-01T0')
    content = keeper_client.get(reverse("recommend:evaluation")).content.decode()
    assert "leave-last-out" in content
    assert "0.150" in content
    assert "0.140–0.160" in content
    assert "1-4 likes" in content
    assert "the file is damaged" in content
    assert "<i>popular" not in content
    for name, status in (("20260101T000000Z", 200), ("nothing", 404), ("..%2Fx", 404)):
        answer = keeper_client.get(f"/discover/evaluation/{name}/")
        assert answer.status_code == status


class _Stop(NoProgress):
    """Cancels the job at its second report."""

    reports = 0

    def update(self, done: int, total: int, message: str = "") -> None:
        self.reports += 1
        if self.reports > 2:
            raise Cancelled


def test_an_evaluation_runs_apart_and_is_stopped_with_its_job(
    books: None, tmp_path: Path, reader: Reader
) -> None:
    did(reader, "save", "sea-1", "sea-2")
    code = "import sys; print(sys.argv[1:]); print('report: /var/x/20260101Z.json')"
    log = tmp_path / "log.txt"
    done = evaluation_job._run([sys.executable, "-c", code], log, NoProgress())
    assert done == {"report": "20260101Z"}
    with pytest.raises(Problem, match="no such data"):
        evaluation_job._run([sys.executable, "-c", "exit('no such data')"], log, NoProgress())
    with pytest.raises(Cancelled):
        evaluation_job._run([sys.executable, "-c", "import time; time.sleep(60)"], log, _Stop())
    evaluation_job._write_items(tmp_path / "i.csv")
    evaluation_job._write_interactions(tmp_path / "d.csv")
    assert len((tmp_path / "i.csv").read_text().splitlines()) == 13
    assert str(reader.key) not in (tmp_path / "d.csv").read_text()


def test_too_little_behaviour_is_not_measured(keeper: User, keeper_client: Client) -> None:
    with pytest.raises(InvalidInput, match="0 interactions"):
        evaluation_job.evaluation_start(actor=keeper, protocol="temporal")
    url = reverse("recommend:evaluation")
    assert keeper_client.post(url, {"protocol": "temporal"}).status_code == 422
    assert keeper_client.post(url, {"protocol": "sampled"}).status_code == 422
    assert not Job.objects.exists()
