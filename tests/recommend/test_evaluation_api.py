from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import NotAllowed
from apps.core.models import Job
from apps.recommend.evaluation_job import evaluation_start
from apps.recommend.services.readers import reader_for_user
from tests.recommend.factories import ReaderFactory, did

pytestmark = pytest.mark.usefixtures("books")
REPORT = {
    "at": "2026-01-02T03:04:05+00:00",
    "items": 12,
    "interactions": 60,
    "readers": 5,
    "protocol": "temporal",
    "k": 10,
    "rows": [{"name": "trefoil", "metrics": {}}],
}


def test_reports_are_listed_and_read(keeper_client: Client, settings: Any) -> None:
    folder = Path(settings.VAR_DIR) / "recommend" / "evaluations"
    folder.mkdir(parents=True)
    (folder / "b.json").write_text(json.dumps(REPORT))
    (folder / "a.json").write_text(json.dumps(REPORT)[:40])
    url = reverse("api-recommend-evaluations")
    good, bad = keeper_client.get(url).json()
    assert (good["name"], good["protocol"], good["problem"]) == ("b", "temporal", "")
    assert (bad["name"], bad["at"]) == ("a", None)
    assert "damaged" in bad["problem"]
    one = keeper_client.get(reverse("api-recommend-evaluation", args=["b"])).json()
    assert one["body"] == REPORT
    missing = keeper_client.get(reverse("api-recommend-evaluation", args=["none"]))
    assert (missing.status_code, missing.json()["code"]) == (404, "report_not_found")


def test_measuring_needs_behaviour_a_protocol_and_an_administrator(
    keeper_client: Client, mei: User
) -> None:
    url = reverse("api-recommend-evaluations")
    body = {"protocol": "temporal"}
    few = keeper_client.post(url, body, content_type="application/json")
    assert (few.status_code, few.json()["code"]) == (422, "too_little_behaviour")
    odd = keeper_client.post(url, {"protocol": "odd"}, content_type="application/json")
    assert odd.status_code == 400
    with pytest.raises(NotAllowed):
        evaluation_start(actor=mei, protocol="temporal")
    assert not Job.objects.exists()


def test_a_readers_page_is_taken_apart(keeper_client: Client, mei: User) -> None:
    did(reader_for_user(user=mei), "save", "sea-1")
    url = reverse("api-recommend-playground")
    found = keeper_client.get(url, {"reader": mei.username}).json()
    assert found["deeds"] == 1
    first = found["shown"][0]
    assert first["item_id"].startswith("sea")
    assert first["parts"][0]["words"] == "You saved The Salt Road"
    assert sum(part["amount"] for part in first["parts"]) == pytest.approx(first["score"], abs=0.01)
    assert any(source["candidates"] for source in found["sources"])
    assert keeper_client.get(url).json()["deeds"] == 0
    unknown = keeper_client.get(url, {"reader": "nobody"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_reader")


def test_an_outside_id_goes_before_a_user_name(keeper_client: Client, mei: User) -> None:
    reader_for_user(user=mei)
    did(ReaderFactory(external_id=mei.username), "save", "sea-1", "sea-2")
    found = keeper_client.get(reverse("api-recommend-playground"), {"reader": mei.username}).json()
    assert found["deeds"] == 2


@pytest.mark.parametrize("name", ["evaluations", "playground"])
def test_the_team_alone_reads_it(client: Client, mei: User, name: str) -> None:
    client.force_login(mei)
    assert client.get(reverse(f"api-recommend-{name}")).status_code == 403
