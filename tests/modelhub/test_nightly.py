"""The nightly loop: off by default, begun by enough corrections, waits for a click, survives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput
from apps.core.models import Job
from apps.modelhub import selectors
from apps.modelhub.models import (
    DataSetVersion,
    LabelQueue,
    LabelRow,
    Night,
    NightlyLoop,
    Run,
)
from apps.modelhub.selectors.nightly import is_due, new_corrections
from apps.modelhub.services import runs
from apps.modelhub.services.adjudication import row_decide
from apps.modelhub.services.datasets import dataset_create, version_extend
from apps.modelhub.services.examples import example_add
from apps.modelhub.services.labelling import queue_create, row_claim, row_label
from apps.modelhub.services.nightly import (
    loop_set,
    loops_step,
    night_begin,
    night_dismiss,
    night_promote,
)
from ml.data.readers import LabelledText
from ml.errors import TrainingError
from ml.serving.fakes import FakeEngine
from tests.conftest import AtOnce, ClientFor
from tests.ml.serving.tiny_models import build_model
from tests.ml.training.tiny_encoder import make_encoder, texts
from tests.modelhub.run_process import Followed, measured, stored

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/models/nightly/"
JSON = "application/json"
PERSON = {"start": 0, "end": 3, "label": "PER"}


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Followed:
    stand_in = Followed()
    monkeypatch.setattr(runs, "follow_run", stand_in)
    return stand_in


@pytest.fixture
def data(models: Path, lead: User) -> DataSetVersion:
    rows = [*texts(), *texts(ending="and"), *texts(ending="of")]
    return stored([LabelledText(row["text"], row["label"]) for row in rows])


@pytest.fixture
def loop(data: DataSetVersion, lead: User) -> NightlyLoop:
    """On, for two corrections or more, and set two days ago."""
    loop = loop_set(actor=lead, dataset=data.dataset, enabled=True, least_new=2)
    NightlyLoop.objects.update(updated_at=timezone.now() - timedelta(days=2))
    loop.refresh_from_db()
    return loop


def correct(number: int = 2) -> None:
    label = texts()[0]["label"]
    for _ in range(number):
        text = f"corrected {Night.objects.count()} {selectors.example_list().count()}"
        example_add(app="market", task="intent", text=text, new_label=label)


def state(night_id: int | None = None) -> str:
    return (Night.objects.get(pk=night_id) if night_id else Night.objects.latest("pk")).state


def test_it_is_off_until_it_is_set_and_waits_for_enough(
    data: DataSetVersion, lead: User, followed: Followed
) -> None:
    correct(5)
    assert loops_step() == 0
    loop = loop_set(actor=lead, dataset=data.dataset, enabled=False, least_new=6)
    NightlyLoop.objects.update(updated_at=timezone.now() - timedelta(days=2))
    assert loops_step() == 0
    NightlyLoop.objects.update(enabled=True)
    assert loops_step() == 0
    correct(1)
    assert loops_step() == 1
    assert loops_step() == 0
    (night,) = Night.objects.all()
    assert (night.state, night.corrections) == ("waiting", 6)
    assert new_corrections(dataset=loop.dataset) == 0


@pytest.mark.parametrize(
    ("task", "texts", "first", "second"),
    [
        ("toxicity", ["you fool", "how kind"], {"labels": ["insult"]}, {"labels": []}),
        ("ner", ["Ann met", "Bob left"], {"spans": [PERSON]}, {"spans": []}),
    ],
    ids=["several-labels", "entities"],
)
def test_what_is_settled_in_queues_counts_once_and_only_while_it_is_new(
    lead: User, operator: User, task: str, texts: list[str], first: Any, second: Any
) -> None:
    gateway.use_engine(FakeEngine())

    def queue(name: str, people: int = 1) -> LabelQueue:
        return queue_create(actor=lead, name=name, task=task, texts=texts, people=people)

    def label(queue: LabelQueue, person: User, given: dict[str, Any]) -> LabelRow:
        row = row_claim(queue=queue, person=person)
        assert row is not None
        return row_label(row_id=row.pk, person=person, **given)

    dataset = dataset_create(actor=lead, name=task, task=task)
    for one in (queue("one"), queue("again")):
        label(one, operator, first)
    assert new_corrections(dataset=dataset) == 1
    version_extend(actor=lead, dataset=dataset, base="none")
    assert new_corrections(dataset=dataset) == 0
    two = queue("two", people=2)
    row = label(two, operator, first)
    assert new_corrections(dataset=dataset) == 0
    label(two, lead, second)
    row_decide(queue=two, position=row.position, actor=lead, **second)
    assert new_corrections(dataset=dataset) == 1
    version_extend(actor=lead, dataset=dataset)
    assert new_corrections(dataset=dataset) == 0
    row_decide(queue=two, position=row.position, actor=lead, **first)
    assert new_corrections(dataset=dataset) == 1


def test_the_hour_must_strike_after_it_was_set_and_since_the_last_night(loop: NightlyLoop) -> None:
    zone = timezone.get_current_timezone()
    loop.updated_at = timezone.datetime(2026, 3, 1, 12, tzinfo=zone)
    for day, hour, due in ((1, 23, False), (2, 1, False), (2, 2, True), (9, 0, True)):
        now = timezone.datetime(2026, 3, day, hour, 30, tzinfo=zone)
        assert is_due(loop=loop, now=now) is due, (day, hour)
    night = Night.objects.create(loop=loop, state="failed")
    Night.objects.update(started_at=timezone.datetime(2026, 3, 2, 2, 31, tzinfo=zone))
    night.refresh_from_db()
    for day, hour, due in ((2, 3, False), (3, 1, False), (3, 2, True)):
        now = timezone.datetime(2026, 3, day, hour, 30, tzinfo=zone)
        assert is_due(loop=loop, now=now) is due, (day, hour)


def test_what_passes_waits_for_a_click_and_no_other_night_begins(
    loop: NightlyLoop, lead: User, followed: Followed, models: Path
) -> None:
    live = gateway.model_store().active_version("intent")
    built = build_model(models, "intent", "classification", created_at="2026-02-01T00:00:00+00:00")
    gateway.model_store().activate("intent", live)
    followed.outcome = measured() | {"version": built}
    correct()
    assert loops_step() == 1
    loops_step()
    assert state() == "waiting"
    assert gateway.model_store().active_version("intent") == live
    correct()
    with pytest.raises(Conflict, match="already"):
        night_begin(loop=loop)
    night = night_promote(night=Night.objects.get(), actor=lead)
    assert (night.state, night.actor) == ("promoted", None)
    assert gateway.model_store().active_version("intent") == built
    assert AuditEntry.objects.filter(action="nightly.promoted", actor=lead).exists()
    with pytest.raises(Conflict, match="does not wait"):
        night_dismiss(night=night, actor=lead)


@pytest.mark.parametrize(
    ("more", "told"),
    [({}, "is live by now; look"), ({"live_problem": "it is damaged"}, "could not be measured")],
    ids=["nothing was live", "it could not be measured"],
)
def test_what_was_compared_with_nothing_replaces_nothing_by_one_click(
    loop: NightlyLoop,
    lead: User,
    followed: Followed,
    models: Path,
    client_for: ClientFor,
    more: dict[str, Any],
    told: str,
) -> None:
    live = gateway.model_store().active_version("intent")
    built = build_model(models, "intent", "classification", created_at="2026-02-01T00:00:00+00:00")
    gateway.model_store().activate("intent", live)
    followed.outcome = measured() | {"version": built, "live": None, **more}
    correct()
    loops_step()
    loops_step()
    night = Night.objects.get()
    assert night.state == "waiting"
    page = client_for(lead).get("/models/nightly/").content.decode()
    assert ("Promote</button>" in page) is not bool(more)
    with pytest.raises(Conflict, match=told):
        night_promote(night=night, actor=lead)
    assert gateway.model_store().active_version("intent") == live
    assert state() == "waiting"


@pytest.mark.parametrize(
    ("outcome", "expected", "told"),
    [
        (measured(0.5), "refused", ""),
        (TrainingError("the loss is no number"), "failed", "the loss is no number"),
    ],
    ids=["gate", "training"],
)
def test_what_fails_says_so_and_the_next_night_begins_anew(
    loop: NightlyLoop, followed: Followed, outcome: Any, expected: str, told: str
) -> None:
    followed.outcome = outcome
    correct()
    night_begin(loop=loop)
    loops_step()
    night = Night.objects.get()
    assert night.state == expected
    assert told in night.problem
    assert AuditEntry.objects.filter(action=f"nightly.{expected}").exists()
    followed.outcome = measured()
    correct()
    night_begin(loop=loop)
    loops_step()
    assert state() == "waiting"


def test_a_data_set_that_cannot_be_built_is_a_night_that_failed(
    loop: NightlyLoop, followed: Followed, settings: Any
) -> None:
    path = next((settings.VAR_DIR / "datasets").glob("*.jsonl"))
    path.write_text("{}", encoding="utf-8")
    correct()
    assert loops_step() == 1
    night = Night.objects.get()
    assert (night.state, night.run) == ("failed", None)
    assert "was changed" in night.problem
    assert not Run.objects.exists()
    assert loop.dataset.versions.count() == 1


def test_a_killed_process_leaves_a_night_whole_or_none(
    loop: NightlyLoop, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(**_: Any) -> None:
        raise KeyboardInterrupt

    correct()
    monkeypatch.setattr("apps.modelhub.services.nightly._audit", lambda *a, **k: killed())
    with pytest.raises(KeyboardInterrupt):
        night_begin(loop=loop)
    assert (Night.objects.count(), Run.objects.count(), Job.objects.count()) == (0, 0, 0)
    assert loop.dataset.versions.count() == 1
    monkeypatch.undo()
    # The worker dies in the middle: the job is as it was left, the night goes on with it.
    run = Run.objects.create(
        dataset_version=loop.dataset.versions.get(),
        task="intent",
        base="b",
        method="lora",
        job=Job.objects.create(kind=runs.RUN_JOB, title="t", status="running"),
    )
    night = Night.objects.create(loop=loop, run=run)
    assert loops_step() == 0
    assert state() == "training"
    Job.objects.update(status="failed", message="The worker died 3 times.")
    loops_step()
    night.refresh_from_db()
    assert (night.state, night.problem) == ("failed", "The worker died 3 times.")


def test_two_servers_begin_one_night(
    loop: NightlyLoop, followed: Followed, at_once: AtOnce
) -> None:
    correct()
    assert sorted(at_once(loops_step, loops_step)) == [0, 1]
    assert Night.objects.count() == 1


def test_the_page_and_the_endpoints(
    data: DataSetVersion,
    lead: User,
    operator: User,
    client_for: ClientFor,
    followed: Followed,
) -> None:
    client, other = client_for(lead), client_for(operator)
    assert "Set a loop" in client.get("/models/nightly/").content.decode()
    form = {"dataset": data.dataset_id, "least_new": "1", "hour": "3", "method": "lora"}
    for wrong, told in (
        ({"hour": "25"}, "&#x27;25&#x27; is no whole number from 0 to 23."),
        ({"least_new": "-1"}, "&#x27;-1&#x27; is no whole number from 1 to 100000."),
        ({"least_new": "9" * 19}, "is no whole number from 1 to 100000."),
    ):
        bad = client.post("/models/nightly/", form | {"recipe": "plain", "epochs": "7"} | wrong)
        assert bad.status_code == 422
        assert told in bad.content.decode()
        typed = next(iter(wrong.values()))
        assert f'value="{typed}" required' in bad.content.decode()
        assert 'placeholder="as in the recipe" value="7"' in bad.content.decode()
    client.post("/models/nightly/", form | {"recipe": "plain", "enabled": "1"})
    body = {"dataset": data.dataset_id, "enabled": True, "least_new": 4}
    assert client.put(API, body, content_type=JSON).json()["least_new"] == 4
    page = client.get("/models/nightly/", {"change": "intent"}).content.decode()
    assert 'value="4" required' in page  # what it is set to, not what a new one begins with
    assert client.get("/models/nightly/", {"change": "unset"}).status_code == 404
    correct()
    assert client.get(API).json()[0]["new_corrections"] == 2
    client.post("/models/nightly/intent/begin/")
    loops_step()
    page = client.get("/models/nightly/").content.decode()
    assert "A new version of intent waits" in page
    (night,) = client.get(f"{API}nights/").json()
    assert night["state"] == "waiting"
    for path in ("/models/nightly/", API, f"{API}nights/"):
        assert other.get(path).status_code == 403, path
    for path in (
        *("/models/nightly/", "/models/nightly/intent/begin/", f"{API}intent/begin/"),
        f"/models/nightly/nights/{night['id']}/",
        f"{API}nights/{night['id']}/promote/",
        f"{API}nights/{night['id']}/dismiss/",
    ):
        assert other.post(path, form).status_code == 403, path
    assert other.put(API, body, content_type=JSON).status_code == 403
    dismissed = client.post(f"{API}nights/{night['id']}/dismiss/").json()
    assert dismissed["state"] == "dismissed"
    assert client.post(f"{API}intent/begin/").status_code == 409
    with pytest.raises(InvalidInput, match="method, recipe"):
        loop_set(actor=lead, dataset=data.dataset, enabled=True, method="x", recipe="y")


def test_a_real_night_makes_a_version_that_is_not_live(
    loop: NightlyLoop, models: Path, tmp_path: Path, settings: Any
) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    settings.ML_ENCODER = str(encoder)
    settings.MODEL_RUN_NICENESS = 0
    settings.MODEL_RECIPES_DIR = tmp_path
    recipe = 'max_length = 16\nbf16 = false\nfew_shot = "off"\n'
    (tmp_path / "intent.toml").write_text(recipe, encoding="utf-8")
    NightlyLoop.objects.update(recipe="shipped", epochs=2)
    live = gateway.model_store().active_version("intent")
    correct()
    assert loops_step() == 1
    loops_step()
    night = Night.objects.select_related("run__job").get()
    run = night.run
    assert run is not None
    assert run.state == "succeeded", (run.job.message, selectors.run_log(run=run))
    assert night.state == ("waiting" if run.gate["passed"] else "refused")
    assert run.version in gateway.model_store().versions("intent")
    assert gateway.model_store().active_version("intent") == live
    assert run.result["candidate"]["n"] == run.result["live"]["n"] > 0
    assert selectors.run_readings(run=run)
    assert {check["name"] for check in run.gate["checks"]} >= {"rows", "accuracy", "ece"}
