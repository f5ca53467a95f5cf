"""A power cut between storing and scoring: a real server, killed and started again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.made_up_news import articles
from bench.server import ROOT, RunningServer
from tests.conftest import require

pytestmark = pytest.mark.models

SIGN_IN = """
from apps.accounts.models import User
from apps.accounts.services import token_create
user = User.objects.create_user("kill", password=None, role="analyst")
print(token_create(user=user, name="kill")[1])
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    for task in ("sentiment", "topic", "ner"):
        built = ROOT / "var" / "models" / task / "active.json"
        require(built.exists(), f"the model {task} is not built: make setup")
    with RunningServer(tmp_path / "var") as server:
        server.prepare("load_companies --file demo/news/companies.csv")
        yield server


def test_nothing_is_lost_and_nobody_is_alerted_twice(server: RunningServer) -> None:
    token = server.manage("shell", "-v", "0", "-c", SIGN_IN).split()[-1]
    news = list(articles(240, seed=3))
    server.start()
    with httpx.Client(
        base_url=f"{server.url}/api/v1/market",
        headers={"Authorization": f"Token {token}"},
        timeout=60,
    ) as api:
        rule = {"sentiment": "negative", "threshold": 0.34}
        api.post("/rules/", json=rule).raise_for_status()
        for start in range(0, len(news), 80):
            api.post("/articles/", json=news[start : start + 80]).raise_for_status()
        assert api.get("/status/").json()["waiting"] > 0
        server.kill()
        server.start()
        again = api.post("/articles/", json=news).json()  # the wire was not sure and repeats
        assert (again["unchanged"], again["created"]) == (len(news), 0)
        deadline = time.monotonic() + 120
        while api.get("/status/").json()["waiting"]:
            assert time.monotonic() < deadline, "articles still wait to be scored"
            time.sleep(0.5)
        page = api.get("/articles/", params={"limit": 200}).json()["results"]
        assert page
        assert all(article["status"] == "scored" for article in page)
        assert all(len(_wholes(article)) == 1 for article in page)
        alerts = api.get("/alerts/", params={"page_size": 200}).json()["results"]
        about = [
            (row["article"]["title"], row["company"] and row["company"]["id"]) for row in alerts
        ]
        assert about
        assert len(about) == len(set(about))


def _wholes(article: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    return [score for score in article["scores"] if score["company"] is None]
