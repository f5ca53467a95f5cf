"""Runs: ordered, done in a process, judged, cancelled, resumed; services, pages, API, socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from apps.accounts.models import User
from apps.core import gateway, jobs
from apps.core.errors import Conflict, InvalidInput
from apps.core.models import Event, Job
from apps.modelhub import selectors
from apps.modelhub.files import rows_store, run_folder
from apps.modelhub.models import DataSetVersion, Run
from apps.modelhub.services import runs
from ml.data.readers import LabelledText
from ml.errors import TrainingError
from ml.models.tuning.registry import method_names
from ml.runs.order import RunOrder
from ml.wording import Wording
from tests.conftest import ClientFor, SocketFor
from tests.modelhub.run_process import Followed, measured, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Followed:
    stand_in = Followed()
    monkeypatch.setattr(runs, "follow_run", stand_in)
    return stand_in


def test_the_methods_offered_are_those_there_are() -> None:
    assert set(runs.METHODS) <= set(method_names())


def test_a_run_keeps_what_was_measured_and_the_verdict(
    followed: Followed, data: DataSetVersion, lead: User
) -> None:
    followed.messages = [
        {"stage": "training"},
        {"reading": {"phase": "fit", "step": 1, "loss": 0.7, "epoch": 2.0}},
        {"step": [1, 4, "loss 0.700"]},
    ]
    run = runs.run_start(actor=lead, version=data, epochs=3, advanced="batch_size = 16")
    assert (run.state, run.version, run.gate["passed"]) == ("succeeded", "20260301-new", True)
    assert run.seconds == 25.0
    assert run.result["train_rows"] > 0
    (order,) = followed.orders
    recipe = (order.run_folder / "recipe.toml").read_text()
    for line in (
        "epochs = 3",
        "batch_size = 16",
        'method = "lora"',
        "refit = false",
        "measure_epochs = true",
    ):
        assert line in recipe
    assert order.live == gateway.model_store().active_version("intent")
    trained = {json.loads(row)["text"] for row in order.train_file.read_text().splitlines()}
    held = {json.loads(row)["text"] for row in order.held_out_file.read_text().splitlines()}
    assert trained
    assert held
    assert not trained & held
    kinds = list(
        Event.objects.filter(stream=f"modelhub.run.{run.pk}").values_list("kind", flat=True)
    )
    assert kinds == ["run.stage", "run.reading", "run.stage", "run.finished"]
    faster = selectors.run_estimate(rows=1000, epochs=3, method="lora")
    assert faster.runs == 1
    read = run.result["train_rows"] * 2.0  # it stopped early
    assert faster.seconds == pytest.approx(1000 * 3 * 20 / read + 5)


def test_a_worse_candidate_does_not_pass(
    followed: Followed, data: DataSetVersion, lead: User
) -> None:
    followed.outcome = measured(0.8)
    run = runs.run_start(actor=lead, version=data)
    failed = [check["name"] for check in run.gate["checks"] if not check["passed"]]
    kept = "in_scope_accuracy_at_threshold"
    assert failed == ["accuracy", "macro_f1", kept, "label_recall"]


def test_a_run_that_failed_says_why_and_is_resumed(
    followed: Followed, data: DataSetVersion, lead: User
) -> None:
    words = Wording(
        "the loss is %(loss)s at step %(step)s; lower the learning rate", loss="nan", step=3
    )
    followed.messages = [
        {"reading": {"phase": "fit", "step": 3, "loss": float("nan"), "learning_rate": 0.1}}
    ]
    followed.outcome = TrainingError(words)
    with translation.override("zh-hans"):
        run = runs.run_start(actor=lead, version=data)
    reading = Event.objects.get(stream=f"modelhub.run.{run.pk}", kind="run.reading")
    assert reading.payload == {"phase": "fit", "step": 3, "learning_rate": 0.1}
    assert (run.state, run.job.message) == ("failed", "第 3 步的损失是 nan；请降低学习率")
    with translation.override("en"):
        run = runs.run_resume(actor=lead, run=run)
    assert run.job.message == "the loss is nan at step 3; lower the learning rate"
    followed.outcome = measured()
    resumed = runs.run_resume(actor=lead, run=run)
    assert (resumed.pk, resumed.state) == (run.pk, "succeeded")
    assert len({order.run_folder for order in followed.orders}) == 1
    with pytest.raises(Conflict, match="ended well"):
        runs.run_resume(actor=lead, run=resumed)
    with pytest.raises(Conflict):
        runs.run_cancel(actor=lead, run=resumed)


def test_a_run_is_cancelled_at_its_next_word(
    followed: Followed, data: DataSetVersion, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(order: RunOrder, tell: Any, beat: Any) -> dict[str, Any]:
        runs.run_cancel(actor=lead, run=Run.objects.select_related("job").get())
        tell({"step": [1, 1, ""]})
        raise AssertionError("the run went on")

    monkeypatch.setattr(runs, "follow_run", cancel)
    assert runs.run_start(actor=lead, version=data).state == "cancelled"


def test_runs_wait_in_a_queue_of_their_own(
    followed: Followed, data: DataSetVersion, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues = []
    monkeypatch.setattr(
        type(jobs.run_job), "using", lambda task, queue_name: queues.append(queue_name) or task
    )
    runs.run_start(actor=lead, version=data)
    assert queues == [jobs.LONG_QUEUE]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "magic"),
        ("base", "/etc"),
        ("epochs", 0),
        ("epochs", 301),
        ("learning_rate", 2.0),
        ("recipe", "other"),
        ("epochs", float("nan")),
        ("advanced", "x ="),
        ("advanced", "epochz = 1"),
        ("advanced", "seed = -1"),
        ("advanced", 'rank = "8"'),
        ("advanced", 'encoder = "/tmp/x"'),
        ("advanced", "refit = true"),
    ],
)
def test_options_that_cannot_be_are_refused(
    data: DataSetVersion, lead: User, field: str, value: Any
) -> None:
    with pytest.raises(InvalidInput) as error:
        runs.run_start(actor=lead, version=data, **{field: value})
    assert list(error.value.fields) == [field]
    assert not Run.objects.exists()


def test_what_a_setting_may_be_is_told_in_the_reader_s_language(
    data: DataSetVersion, lead: User
) -> None:
    with translation.override("zh-hans"), pytest.raises(InvalidInput) as error:
        runs.run_start(actor=lead, version=data, epochs=0, advanced="seed = -1")
    assert error.value.fields == {
        "epochs": "大于 0，最大 300",
        "advanced": "不允许 seed = -1；须为 0 至 4294967295",
    }
    with translation.override("zh-hans"), pytest.raises(InvalidInput) as error:
        runs.run_start(actor=lead, version=data, advanced="[lora]\nrank = 0")
    assert error.value.fields == {"advanced": "不允许 lora: rank = 0；须为大于 0"}


def test_rows_that_cannot_be_trained_on_are_refused(models: Path, lead: User) -> None:
    one = stored([LabelledText(f"card {n}", "card") for n in range(40)])
    with pytest.raises(Conflict, match="one label card"):
        runs.run_start(actor=lead, version=one)
    few = stored([LabelledText("card", "card"), LabelledText("rate", "rate")])
    with pytest.raises(Conflict, match="no rows to measure by"):
        runs.run_start(actor=lead, version=few)
    few.dataset.frozen = rows_store([LabelledText("x", "other")])
    few.dataset.save()
    with pytest.raises(Conflict, match="lacks: other"):
        runs.run_start(actor=lead, version=few)
    few.dataset.frozen = rows_store([LabelledText("card", "card"), LabelledText("rate", "rate")])
    few.dataset.save()
    with pytest.raises(Conflict, match="never trained on"):
        runs.run_start(actor=lead, version=few)


def test_labels_that_the_candidate_lacks_are_noted(
    followed: Followed, data: DataSetVersion, lead: User
) -> None:
    followed.outcome["live"]["labels"] = ["card", "fee", "rate"]
    followed.outcome["candidate"]["labels"] = ["card", "rate"]
    run = runs.run_start(actor=lead, version=data)
    (note,) = run.gate["notes"]
    assert "1 of the labels that the live version knows, since no row has them: fee." in note
    with translation.override("zh-hans"):
        assert "线上版本认识的标签中有 1 个" in run.notes[0]
    del run.gate["notes_parts"]  # as runs were kept before
    assert run.notes == [note]


def test_a_file_that_the_live_version_knows_is_noted(
    followed: Followed, data: DataSetVersion, lead: User
) -> None:
    version = gateway.model_store().active_version("intent")
    known = gateway.model_store().artifact("intent", version).data
    data.origin = {"file_sha256": known[0].sha256 if known else "none"}
    data.save()
    run = runs.run_start(actor=lead, version=data)
    assert bool(run.gate["notes"]) is bool(known)


def test_the_pages_start_a_run_and_show_what_came_of_it(
    followed: Followed, data: DataSetVersion, lead: User, client_for: ClientFor
) -> None:
    client = client_for(lead)
    assert "Nothing was trained" in client.get("/models/runs/").content.decode()
    form = f"/models/data/{data.dataset_id}/v/1/run/"
    assert "Start the run" in client.get(form).content.decode()
    assert "About" in client.post(form, {"estimate": "1", "epochs": "2"}).content.decode()
    for epochs in ("many", "nan", "inf"):
        wrong = client.post(form, {"start": "1", "epochs": epochs})
        assert (wrong.status_code, "not a number" in wrong.content.decode()) == (422, True)
    started = client.post(form, {"start": "1", "epochs": "2", "method": "head"})
    here = started.headers["Location"]
    (run_folder(Run.objects.get().pk) / "log.txt").write_text("a word of the process")
    page = client.get(here).content.decode()
    for words in ("passed", "95.0%", "&lt;b&gt;lost", "a word of the process", "0.800"):
        assert words in page, words
    for words in ("On parts of the rows", "too few rows", "In-scope rows kept and right"):
        assert words in page, words
    assert "passed its gate" in client.get("/models/runs/").content.decode()
    assert "Rows that changed" in page
    wrong = {"text": "where is it", "label": "card", "candidate": "rate"}
    alone = measured() | {"live": None, "wrong": [wrong]}
    Run.objects.update(result=alone)
    page = client.get(here).content.decode()
    assert "Rows answered wrongly" in page
    assert "where is it" in page
    assert "Rows that changed" not in page


def test_a_run_that_waits_can_be_cancelled_on_its_page(
    data: DataSetVersion, lead: User, client_for: ClientFor
) -> None:
    job = Job.objects.create(kind=runs.RUN_JOB, title="t", owner=lead)
    run = Run.objects.create(dataset_version=data, task="intent", base="b", method="lora", job=job)
    client = client_for(lead)
    assert "Waiting for the worker" in client.get(f"/models/runs/{run.pk}/").content.decode()
    cancelled = client.post(f"/models/runs/{run.pk}/cancel/", follow=True).content.decode()
    assert "Resume" in cancelled


def test_the_api_starts_shows_cancels(
    followed: Followed, data: DataSetVersion, lead: User, client_for: ClientFor
) -> None:
    client, here = client_for(lead), "/api/v1/models/runs/"
    body = {"dataset": data.dataset_id, "number": 1, "epochs": 2}
    made = client.post(here, body, content_type="application/json")
    assert (made.status_code, made.json()["state"]) == (201, "succeeded")
    one = f"{here}{made.json()['id']}/"
    gate = client.get(one).json()["gate"]
    assert gate["passed"] is True
    assert {row["verdict"] for row in gate["slices"]} <= {"few", "holds"}
    built = gateway.model_store().active_version("intent")
    Run.objects.update(version=built)
    version = client.get(f"/api/v1/models/versions/intent/{built}/").json()
    assert (version["version"], version["active"], version["gate"]) == (built, True, gate)
    assert "The gate" in client.get(f"/models/intent/{built}/").content.decode()
    page = client.get(f"/models/runs/{made.json()['id']}/").content.decode()
    assert f'href="/models/intent/{built}/"' in page
    assert client.get("/api/v1/models/versions/intent/none/").status_code == 404
    assert client.delete(one).status_code == 409
    assert client.post(f"{one}resume/").status_code == 409
    assert len(client.get(here).json()) == 1
    wrong = client.post(here, body | {"method": "magic"}, content_type="application/json")
    assert wrong.status_code == 400
    unknown = client.post(here, body | {"number": 9}, content_type="application/json")
    assert unknown.status_code == 404


def test_who_is_no_lead_is_refused(
    followed: Followed, data: DataSetVersion, operator: User, client_for: ClientFor
) -> None:
    client = client_for(operator)
    run = Run.objects.create(dataset_version=data, task="intent", base="b", method="lora")
    form = f"/models/data/{data.dataset_id}/v/1/run/"
    for path in ("/models/runs/", f"/models/runs/{run.pk}/", form, "/api/v1/models/runs/"):
        assert client.get(path).status_code == 403, path
        assert Client().get(path).status_code in (302, 401), path
    body = {"dataset": data.dataset_id, "number": 1}
    for path in (
        form,
        f"/models/runs/{run.pk}/cancel/",
        f"/models/runs/{run.pk}/resume/",
        "/api/v1/models/runs/",
    ):
        assert client.post(path, body).status_code == 403, path
    assert client.delete(f"/api/v1/models/runs/{run.pk}/").status_code == 403


async def test_the_socket_follows_runs_and_their_jobs_for_leads(
    data: DataSetVersion, lead: User, operator: User, socket_for: SocketFor
) -> None:
    job = await Job.objects.acreate(kind=runs.RUN_JOB, title="t", owner=lead)
    other = await Job.objects.acreate(kind="import", title="t", owner=lead)
    run = await Run.objects.acreate(
        dataset_version=data, task="intent", base="b", method="lora", job=job
    )
    socket = socket_for("/ws/models/", lead)
    assert (await socket.connect())[0]
    assert (await socket.receive_json_from())["type"] == "hello"
    answers = {}
    for stream in (f"modelhub.run.{run.pk}", f"job.{job.pk}", f"job.{other.pk}", "job.x", "y"):
        await socket.send_json_to({"type": "subscribe", "id": stream, "stream": stream})
        answers[stream] = (await socket.receive_json_from())["type"]
    await socket.disconnect()
    assert list(answers.values()) == ["ack", "ack", "error", "error", "error"]
    refused = socket_for("/ws/models/", operator)
    await refused.connect()
    assert (await refused.receive_json_from())["code"] == "not_allowed"
    await refused.disconnect()
