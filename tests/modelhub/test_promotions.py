"""Promotion and rolling back: the record, the gate, kills in between, other processes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import translation

from apps.accounts.models import AuditEntry, User
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.modelhub.models import DataSet, DataSetVersion, Promotion, Run
from apps.modelhub.services.promotions import (
    promotions_settle,
    version_promote,
    version_roll_back,
)
from ml.serving.registry import ModelStore
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model

pytestmark = pytest.mark.django_db


def run_of(version: str, *, passed: bool) -> Run:
    dataset = DataSet.objects.create(name=f"for {version}", task="intent")
    data = DataSetVersion.objects.create(dataset=dataset, number=1, sha256="0" * 64, rows=1)
    return Run.objects.create(
        dataset_version=data,
        task="intent",
        base="b",
        method="lora",
        version=version,
        gate={"passed": passed},
    )


def active() -> str:
    return gateway.model_store().active_version("intent")


def test_a_promotion_is_recorded_and_rolled_back(versions: list[str], lead: User) -> None:
    old, new = versions
    run_of(old, passed=True)
    done = version_promote(actor=lead, task="intent", version=old, reason="better on cards")
    assert (active(), done.state, done.before) == (old, "done", new)
    entry = AuditEntry.objects.get(action="model.promoted")
    assert entry.actor == lead
    assert entry.details == {"from": new, "to": old, "reason": "better on cards"}
    back = version_roll_back(actor=lead, task="intent")
    assert (active(), back.after) == (new, new)
    assert AuditEntry.objects.filter(action="model.rolled_back").count() == 1
    again = version_roll_back(actor=lead, task="intent")
    assert (active(), again.kind) == (old, "roll_back")


def test_nothing_to_roll_back_to_is_told(versions: list[str], lead: User) -> None:
    with pytest.raises(Conflict, match="No earlier version"):
        version_roll_back(actor=lead, task="intent")


def test_what_changed_since_it_was_looked_at_is_refused(versions: list[str], lead: User) -> None:
    which: dict[str, Any] = {"actor": lead, "task": "intent"}
    for version in (*versions, "20200101-0"):
        run_of(version, passed=True)
    with pytest.raises(Conflict, match="live by now"):
        version_promote(version=versions[0], expected="another", **which)
    with pytest.raises(Conflict, match="live already"):
        version_promote(version=versions[1], **which)
    with pytest.raises(Conflict, match="has no version"):
        version_promote(version="20200101-0", **which)
    with pytest.raises(InvalidInput, match="reason"):
        version_promote(version=versions[0], reason="x" * 501, **which)
    assert active() == versions[1]
    assert not Promotion.objects.exists()
    assert not AuditEntry.objects.exists()


def test_that_nothing_is_live_any_more_is_told(
    models: Path, versions: list[str], lead: User
) -> None:
    run_of(versions[0], passed=True)
    (models / "intent" / "active.json").unlink()
    with pytest.raises(Conflict, match=r"^No version of intent is live by now"):
        version_promote(actor=lead, task="intent", version=versions[0], expected=versions[1])


def test_a_version_that_is_not_there_is_told_as_such(
    versions: list[str], lead: User, client_for: ClientFor
) -> None:
    form = {"task": "intent", "version": "nope", "expected": versions[1]}
    page = client_for(lead).post("/models/promote/", form, follow=True).content.decode()
    assert "has no version &#x27;nope&#x27;" in page
    assert "did not pass a gate" not in page


def test_against_the_gate_takes_an_administrator_and_a_reason(
    versions: list[str], lead: User, administrator: User
) -> None:
    run = run_of(versions[0], passed=False)
    which: dict[str, Any] = {"task": "intent", "version": versions[0]}
    with pytest.raises(Conflict, match="did not pass"):
        version_promote(actor=administrator, reason="why", **which)
    with pytest.raises(NotAllowed):
        version_promote(actor=lead, reason="why", override=True, **which)
    with pytest.raises(InvalidInput, match="Say why"):
        version_promote(actor=administrator, override=True, **which)
    assert active() == versions[1]
    done = version_promote(actor=administrator, override=True, reason="demo", **which)
    assert (done.overrides_gate, done.run, active()) == (True, run, versions[0])
    assert AuditEntry.objects.get().details["overrides_gate"] is True


def test_a_version_without_a_verdict_is_as_one_that_failed_unless_it_was_live(
    versions: list[str], lead: User
) -> None:
    which: dict[str, Any] = {"actor": lead, "task": "intent", "version": versions[0]}
    with pytest.raises(Conflict, match="did not pass"):
        version_promote(**which)
    version_promote(**which | {"actor": None}, by_command=True)
    version_roll_back(actor=lead, task="intent")
    assert version_promote(**which).state == "done"


def test_a_version_that_passed_is_promoted_by_a_lead(versions: list[str], lead: User) -> None:
    run_of(versions[0], passed=True)
    assert version_promote(actor=lead, task="intent", version=versions[0]).state == "done"


@pytest.mark.parametrize("written", [False, True], ids=["before the switch", "after the switch"])
def test_a_kill_in_between_loses_nothing(
    versions: list[str], lead: User, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    class Killed(BaseException):
        pass

    switch = ModelStore.activate
    run_of(versions[0], passed=True)

    def kill(store: ModelStore, task: str, version: str) -> None:
        if written:
            switch(store, task, version)
        raise Killed

    monkeypatch.setattr(ModelStore, "activate", kill)
    with pytest.raises(Killed):
        version_promote(actor=lead, task="intent", version=versions[0])
    monkeypatch.undo()
    assert Promotion.objects.get().state == "pending"
    assert AuditEntry.objects.get().action == "model.promoted"
    assert active() == versions[0 if written else 1]
    assert promotions_settle() == 1
    assert Promotion.objects.get().state == "done"
    assert active() == versions[0]
    assert promotions_settle() == 0


def test_the_next_promotion_settles_the_one_before(versions: list[str], lead: User) -> None:
    Promotion.objects.create(
        task="intent", kind="promote", before=versions[1], after=versions[0], actor=lead
    )
    version_roll_back(actor=lead, task="intent")
    assert [one.state for one in Promotion.objects.all()] == ["done", "done"]
    assert active() == versions[1]


def test_a_promotion_that_was_overtaken_is_closed(versions: list[str]) -> None:
    Promotion.objects.create(task="intent", kind="promote", before="x", after=versions[0])
    assert promotions_settle() == 1
    closed = Promotion.objects.get()
    assert (closed.state, closed.problem) == ("failed", "Another version became live in between.")
    with translation.override("zh-hans"):
        assert closed.problem_words == "其间另一个版本已上线。"
    assert active() == versions[1]


def test_a_version_that_breaks_meanwhile_is_told(models: Path, versions: list[str]) -> None:
    pending = Promotion.objects.create(
        task="intent", kind="promote", before=versions[1], after=versions[0]
    )
    (models / "intent" / versions[0] / "model.onnx").write_bytes(b"cut off")
    with pytest.raises(Conflict, match=r"model\.onnx"):
        promotions_settle()
    pending.refresh_from_db()
    assert pending.state == "failed"
    assert active() == versions[1]


def test_a_call_of_several_batches_has_one_version(versions: list[str]) -> None:
    texts = [f"card lost {'in the bank ' * (number % 7)}{number}" for number in range(200)]
    seen: set[str] = set()
    failures: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                found = {one.version for one in gateway.classify("intent", texts)}
                found |= {one.version for one in async_to_sync(gateway.aclassify)("intent", ["a"])}
                answered = {one.version for one in gateway.classify("intent", texts)}
            except Exception as error:
                failures.append(error)
                return
            seen.update(answered | found)
            if len(answered) != 1:
                failures.append(AssertionError(f"mixed: {answered}"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    store = gateway.model_store()
    for number in range(10):
        store.activate("intent", versions[number % 2])
        stop.wait(0.1)
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    assert seen == set(versions)


def test_the_pages_promote_and_roll_back(
    versions: list[str], lead: User, administrator: User, client_for: ClientFor
) -> None:
    client = client_for(lead)
    assert "against the gate" in client.get(f"/models/intent/{versions[0]}/").content.decode()
    run_of(versions[0], passed=True)
    page = client.get(f"/models/intent/{versions[0]}/").content.decode()
    assert 'name="expected"' in page
    body = {"task": "intent", "version": versions[0], "expected": versions[1], "reason": "try"}
    told = client.post("/models/promote/", body, follow=True).content.decode()
    assert "is live in every process" in told
    assert "Roll back to" in told
    late = client.post("/models/promote/", body, follow=True)
    assert late.request["PATH_INFO"] == f"/models/intent/{versions[0]}/"
    assert "is live by now" in late.content.decode()
    assert '<a href="/models/history/">Roll back</a>' in late.content.decode()  # it is live
    body |= {"version": versions[1], "expected": "another"}
    refused = client_for(administrator).post("/models/promote/", body, follow=True)
    assert 'maxlength="500" value="try"' in refused.content.decode()
    history = client.get("/models/history/").content.decode()
    for one in versions:
        assert f'<a href="/models/intent/{one}/"><code>{one}</code></a>' in history
    back = client.post("/models/roll-back/", {"task": "intent"}, follow=True).content.decode()
    assert versions[1] in back
    assert active() == versions[1]


def test_the_api_promotes_and_rolls_back(
    versions: list[str], lead: User, client_for: ClientFor
) -> None:
    client, here = client_for(lead), "/api/v1/models/promotions/"
    run_of(versions[0], passed=True)

    def post(path: str, **body: Any) -> Any:
        return client.post(path, body, content_type="application/json")

    done = post(here, task="intent", version=versions[0], reason="by API")
    assert (done.status_code, done.json()["state"]) == (201, "done")
    assert post(here, task="intent", version=versions[0]).status_code == 409
    assert post(f"{here}roll-back/", task="intent").status_code == 201
    assert [row["kind"] for row in client.get(here).json()] == ["roll_back", "promote"]


def test_who_is_no_lead_changes_nothing(
    versions: list[str], operator: User, analyst: User, client_for: ClientFor
) -> None:
    body = {"task": "intent", "version": versions[0]}
    for person in (operator, analyst):
        client = client_for(person)
        for path in ("/models/promote/", "/models/roll-back/"):
            assert client.post(path, body).status_code == 403, path
        for path in ("/api/v1/models/promotions/", "/api/v1/models/promotions/roll-back/"):
            answer = client.post(path, body, content_type="application/json")
            assert answer.status_code == 403, path
        assert client.get("/models/history/").status_code == 403
    assert active() == versions[1]


@pytest.mark.parametrize("shipped", [True, False])
def test_a_version_of_another_kind_is_not_promoted(
    models: Path, lead: User, settings: Any, tmp_path: Path, shipped: bool
) -> None:
    """Of a shipped task its kind counts, of another one that of the live version."""
    later = {"created_at": "2026-01-03T00:00:00+00:00"}
    task = "intent" if shipped else "mine"
    settings.ML_PRETRAINED_DIR = settings.ML_PRETRAINED_DIR if shipped else tmp_path / "none"
    live = build_model(models, task, "classification")
    other = build_model(models, task, "multi_label", **later)
    ModelStore(models).activate(task, live)
    with pytest.raises(Conflict, match=f"{other} is of the kind multi_label") as refused:
        version_promote(actor=None, task=task, version=other, by_command=True)
    assert refused.value.code == "kind_differs"
    assert gateway.model_store().active_version(task) == live
    assert not Promotion.objects.exists()
