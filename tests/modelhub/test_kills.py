"""A real server, worker or run is killed at each step of a change: no half of it is ever served."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from bench.server import ROOT, RunningServer
from ml.artifacts import read_artifact
from tests.ml.serving.tiny_models import build_model
from tests.ml.training.tiny_encoder import make_encoder, texts
from tests.modelhub.conftest import OLDER

KILLING = Path(__file__).parent / "killing"
PEOPLE = """
import json
from apps.accounts.models import Role, User
from apps.accounts.services import token_create
user = User.objects.create_user(username="kill", role=Role.ADMINISTRATOR)
print(json.dumps(token_create(user=user, name="kill")[1]))
"""
MADE = ("kind", "state", "before", "after")
ROWS = "".join(f"{json.dumps(row)}\n" for row in texts())


class Suite:
    """One folder of tiny models and one database: a server that is not killed, and others."""

    def __init__(self, var: Path) -> None:
        self.models = var / "models"
        versions = [build_model(self.models, "intent", "classification", **OLDER)]
        versions.append(build_model(self.models, "intent", "classification"))
        self.versions = versions
        self.settings = {
            "TREFOIL_ENCODER": str(make_encoder(var / "tiny")),
            "OMP_NUM_THREADS": "1",
            # A database of its own, also where the tests run on PostgreSQL.
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        self.watching = RunningServer(var, **self.settings)
        self.watching.prepare()
        self._database = var / "trefoil.sqlite3"
        self._var = var
        self._kills = 0
        secret = json.loads(self.watching.manage("shell", "-v", "0", "-c", PEOPLE))
        self.headers = {"Authorization": f"Token {secret}"}
        self.watching.start()
        self.api = self.client(self.watching)

    def client(self, server: RunningServer) -> httpx.Client:
        return httpx.Client(base_url=f"{server.url}/api/v1", headers=self.headers, timeout=60)

    def killed(self, point: str) -> dict[str, str]:
        """The environment in which the first process that comes to ``point`` is killed."""
        self._kills += 1
        mark = self._var / f"killed-{self._kills}"
        return {"PYTHONPATH": str(KILLING), "KILL_AT": point, "KILLED": str(mark)}

    def doomed(self, point: str) -> RunningServer:
        """Another server of the same folder and database, which has started."""
        server = RunningServer(self._var, **self.settings, **self.killed(point))
        server.start()
        return server

    def work(self, **settings: str) -> int:
        """Do the runs that wait, in a worker that ends then; returns its exit status."""
        command = [sys.executable, "manage.py", "worker", "--queue-name", "long", "--batch"]
        done = subprocess.run(
            [*command, "--no-reload", "--interval", "0.1", "--verbosity", "0"],
            cwd=ROOT,
            env=self.watching.environment | settings,
            capture_output=True,
            timeout=400,
            check=False,
        )
        return done.returncode

    def pass_half_a_minute(self) -> None:
        """After which a job whose worker says nothing is taken for abandoned."""
        with closing(sqlite3.connect(self._database, timeout=20)) as database, database:
            database.execute("UPDATE core_job SET heartbeat_at = '2026-01-01 00:00:00'")

    def answer(self, api: httpx.Client) -> tuple[str, str]:
        """What a server answers now, and the version that did."""
        asked = {"task": "intent", "texts": ["card lost"]}
        found = api.post("/ml/predict/", json=asked).raise_for_status().json()["predictions"][0]
        return found["label"], found["version"]

    def live(self) -> str:
        """The version that the folder names as live, after all its files were checked."""
        content = json.loads((self.models / "intent" / "active.json").read_text())
        version: str = content["version"]
        read_artifact(self.models / "intent" / version)
        return version


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    one = Suite(tmp_path_factory.mktemp("kills"))
    yield one
    one.api.close()
    one.watching.stop()


def promote(suite: Suite, version: str) -> None:
    """Have ``version`` live, by a promotion that ends well."""
    if suite.live() != version:
        body = {"task": "intent", "version": version, "override": True, "reason": "before"}
        suite.api.post("/models/promotions/", json=body).raise_for_status()


RECORD = "before call apps.core.gateway:prepare"
BEFORE, AFTER = (f"{moment} put */intent/active.json" for moment in ("before", "after"))


@pytest.mark.parametrize(
    ("kind", "point", "recorded", "switched", "starts_again"),
    [
        ("promote", RECORD, False, False, False),
        ("promote", BEFORE, True, False, True),
        ("promote", AFTER, True, True, False),
        ("roll_back", BEFORE, True, False, False),
        ("roll_back", AFTER, True, True, False),
    ],
    ids=[
        "promote before the record",
        "promote before the switch",
        "promote after the switch",
        "roll back before the switch",
        "roll back after the switch",
    ],
)
def test_a_server_killed_within_a_promotion_leaves_no_half_of_it(
    suite: Suite, kind: str, point: str, recorded: bool, switched: bool, starts_again: bool
) -> None:
    old, new = suite.versions
    promote(suite, old)  # so that there is something to roll back from
    promote(suite, new)
    body = {"task": "intent", "reason": "why"}
    if kind == "promote":
        path, body = "/models/promotions/", body | {"version": old, "override": True}
    else:
        path = "/models/promotions/roll-back/"
    known = suite.api.get("/models/promotions/").json()
    with suite.doomed(point) as server, suite.client(server) as api:
        with pytest.raises(httpx.TransportError):
            api.post(path, json=body)
        assert server.ended() == -9
        live = old if switched else new
        assert suite.live() == live
        assert suite.answer(suite.api) == ("card", live), "who lives answers with the same"
        made = suite.api.get("/models/promotions/").json()[: -len(known)]
        expected = [(kind, "pending", new, old)] if recorded else []
        assert [tuple(row[name] for name in MADE) for row in made] == expected
        if starts_again:
            server.start()
            assert suite.answer(api) == ("card", live), "it comes back"
    back = {"task": "intent", "version": new, "override": True, "reason": "after"}
    again = suite.api.post("/models/promotions/", json=back)
    assert again.status_code == (201 if recorded else 409), again.text
    states = {row["state"] for row in suite.api.get("/models/promotions/").json()}
    assert (suite.live(), states) == (new, {"done"})


RUN = {
    "method": "head",
    "epochs": 2,
    "advanced": 'max_length = 16\nbf16 = false\nfew_shot = "off"\nbatch_size = 8\nsave_every = 1',
}


def ordered(suite: Suite) -> str:
    """A run that waits for its worker; returns its path."""
    made = suite.api.post("/models/data/", json={"name": "rows", "task": "intent"}).json()
    versions = f"/models/data/{made['id']}/versions/"
    file = {"file": ("rows.jsonl", ROWS.encode())}
    number = suite.api.post(versions, files=file).raise_for_status().json()["number"]
    order = {"dataset": made["id"], "number": number, **RUN}
    run = suite.api.post("/models/runs/", json=order).raise_for_status().json()
    return f"/models/runs/{run['id']}/"


def whole(suite: Suite) -> set[str]:
    """The versions that could be promoted, of which each is checked in full."""
    folders = [path for path in (suite.models / "intent").iterdir() if path.is_dir()]
    return {read_artifact(folder).version for folder in folders if folder.name[0] != "."}


def staged(suite: Suite) -> set[Path]:
    """What is not in its place yet, or never came there."""
    return {*suite.models.glob(".*"), *suite.models.glob("intent/.*")}


# Where it is killed, from its first step to its last, and what then is said of it.
STEPS = {
    "before put */artifacts/intent/2*": "failed",  # trained
    "before put */trained.json": "failed",
    "before put */models/intent/2*": "failed",  # built
    "before call ml.runs.measuring:measured": "failed",
    "before call ml.runs.gate:judge": "running",  # this is the worker, the others its child
    "after call apps.modelhub.services.runs:run_execute": "running",
}


def test_a_run_killed_at_each_step_ends_as_one_that_was_not(suite: Suite) -> None:
    before, versions, hidden = suite.answer(suite.api), whole(suite), staged(suite)
    run = ordered(suite)
    for point, ends in STEPS.items():
        assert suite.work(**suite.killed(point)) == (0 if ends == "failed" else -9), point
        found = suite.api.get(run).json()
        assert found["state"] == ends, (point, found["job"])
        assert (suite.answer(suite.api), suite.live()) == (before, before[1])
        whole(suite)
        if ends == "failed":
            assert "exit status -9" in found["job"]["message"], point
            suite.api.post(f"{run}resume/").raise_for_status()
        else:
            suite.pass_half_a_minute()
    assert suite.work() == 0
    found = suite.api.get(run).json()
    assert found["state"] == "succeeded", found["job"]
    assert whole(suite) == versions | {found["version"]}
    assert staged(suite) == hidden
