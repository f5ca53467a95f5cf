"""Shadows and canaries: who answers, what is compared, when a canary returns, who may do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.utils import translation

from apps.accounts.models import AuditEntry, User
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub.models import Trial
from apps.modelhub.services import trials
from apps.modelhub.services.promotions import version_promote
from apps.modelhub.services.trials import Counts, trial_count, trial_start, trial_stop
from apps.modelhub.trying import tryer, turn
from ml.errors import InferenceError
from ml.serving.registry import ModelStore
from ml.types import MultiLabel
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model
from tests.modelhub.conftest import OLDER
from tests.modelhub.test_promotions import run_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clean() -> Any:
    tryer.load([])
    yield
    tryer.load([])


@pytest.fixture
def candidate(versions: list[str]) -> str:
    """The version of ``intent`` that is not live; it has passed its gate."""
    run_of(versions[0], passed=True)
    return versions[0]


def test_no_part_of_the_traffic_tries_an_encoder(models: Path, lead: User) -> None:
    other = build_model(models, "encoder", "embedding", **OLDER)
    gateway.model_store().activate("encoder", gateway.model_store().versions("encoder")[-1])
    with pytest.raises(Conflict, match="cannot be compared"):
        trial_start(actor=lead, task="encoder", version=other, kind="shadow", percent=10)


def test_a_version_of_another_kind_is_not_tried(models: Path, lead: User, versions: Any) -> None:
    live = gateway.model_store().active_version("intent")
    other = build_model(models, "intent", "multi_label", **OLDER)
    gateway.model_store().activate("intent", live)
    with pytest.raises(Conflict, match="is of the kind multi_label, and intent of the kind class"):
        trial_start(actor=lead, task="intent", version=other, kind="shadow", percent=10)
    assert not Trial.objects.exists()


def start(lead: User, candidate: str, kind: str, percent: int) -> Trial:
    which: dict[str, Any] = {"actor": lead, "task": "intent", "version": candidate}
    trial = trial_start(kind=kind, percent=percent, **which)
    tryer.load([trial])
    return trial


def answered_by(number: int) -> list[str]:
    """The versions that answer so many calls, each of another text."""
    return [gateway.predict("intent", [f"card {n}"])[0].version for n in range(number)]


def test_a_canary_answers_its_share(lead: User, versions: list[str], candidate: str) -> None:
    start(lead, candidate, "canary", 30)
    found = answered_by(300)
    assert set(found) == set(versions)
    assert 0.2 < found.count(candidate) / 300 < 0.4
    tryer.load([])
    assert set(answered_by(20)) == {versions[1]}


async def test_a_shadow_never_answers_and_is_compared(
    lead: User, versions: list[str], candidate: str
) -> None:
    trial = await database_sync_to_async(start)(lead, candidate, "shadow", 100)
    found = await gateway.apredict("intent", ["card", "rate", "lost card"])
    assert {one.version for one in found} == {versions[1]}
    await gateway.apredict("intent", ["card"], observed=False)
    await turn()
    await trial.arefresh_from_db()
    assert (trial.compared, trial.agreed, trial.candidate_texts) == (3, 3, 3)
    assert (trial.live_texts, trial.differences, trial.failures) == (3, {}, 0)
    assert trial.state == "running"


def test_differences_are_counted_by_labels(lead: User, candidate: str) -> None:
    trial = start(lead, candidate, "shadow", 100)
    (card,) = gateway.predict("intent", ["card"])
    tryer.compared(trial.pk, ["rate", card.label, "rate"], [card] * 3, 0.01)  # type: ignore[union-attr]
    trial_count(trial_id=trial.pk, counts=tryer.take_counts(trial.pk))
    trial.refresh_from_db()
    assert trial.agreement == pytest.approx(1 / 3)
    assert list(trial.differences.values()) == [2]
    assert "card" not in "".join(trial.differences).replace(card.label, "")  # type: ignore[union-attr]


def test_a_label_that_is_called_none_differs_from_no_label(lead: User, candidate: str) -> None:
    trial = start(lead, candidate, "shadow", 100)
    tryer.compared(trial.pk, ["none", ""], [MultiLabel((), (), candidate)] * 2, 0.01)
    counts = tryer.take_counts(trial.pk)
    assert (counts.agreed, dict(counts.differences)) == (1, {"none → none": 1})


def test_calls_that_a_canary_fails_are_answered_by_the_live_version(
    lead: User, versions: list[str], candidate: str, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = start(lead, candidate, "canary", 50)

    def broken(store: ModelStore, task: str, version: str) -> Any:
        raise InferenceError("told to fail")

    monkeypatch.setattr(ModelStore, "_load_named", broken)
    assert set(answered_by(40)) == {versions[1]}
    returned = trial_count(trial_id=trial.pk, counts=tryer.take_counts(trial.pk))
    assert returned is not None
    assert returned.state == "returned"
    assert "calls failed" in returned.ended_because
    assert AuditEntry.objects.get(action="trial.returned").details["candidate"] == candidate


@pytest.mark.parametrize(
    ("counts", "why", "chinese"),
    [
        (Counts(failures=3), "3 calls failed", "3 次调用失败"),
        (
            Counts(candidate_texts=60, candidate_seconds=12, live_texts=60, live_seconds=1),
            "200 ms",
            "耗时 200 毫秒",
        ),
        (
            Counts(candidate_texts=60, candidate_confidence=30, live_texts=60, live_confidence=54),
            "50% on average",
            "平均置信度为 50%",
        ),
    ],
)
def test_a_canary_returns_by_itself(
    lead: User, candidate: str, counts: Counts, why: str, chinese: str
) -> None:
    trial = start(lead, candidate, "canary", 10)
    returned = trial_count(trial_id=trial.pk, counts=counts)
    assert returned is not None
    assert why in returned.ended_because
    assert returned.ended_words == returned.ended_because
    with translation.override("zh-hans"):
        assert chinese in returned.ended_words
    assert trial_count(trial_id=trial.pk, counts=counts) is None


def test_a_canary_that_does_well_goes_on(lead: User, candidate: str) -> None:
    trial = start(lead, candidate, "canary", 10)
    well = Counts(
        candidate_texts=60,
        candidate_seconds=1,
        candidate_confidence=50,
        live_texts=600,
        live_seconds=9,
        live_confidence=520,
        failures=2,
    )
    assert trial_count(trial_id=trial.pk, counts=well) is None
    trial.refresh_from_db()
    assert (trial.state, trial.live_texts) == ("running", 600)


async def test_a_trial_ends_when_its_version_goes_live(lead: User, candidate: str) -> None:
    trial = await database_sync_to_async(start)(lead, candidate, "canary", 10)
    await database_sync_to_async(version_promote)(actor=lead, task="intent", version=candidate)
    await turn()
    await trial.arefresh_from_db()
    assert (trial.state, tryer.running()) == ("returned", [])
    assert "is live by now" in trial.ended_because


def test_what_cannot_be_tried_is_refused(lead: User, versions: list[str], candidate: str) -> None:
    which: dict[str, Any] = {"actor": lead, "task": "intent", "kind": "canary", "percent": 10}
    with pytest.raises(Conflict, match="live already"):
        trial_start(version=versions[1], **which)
    with pytest.raises(Conflict, match="has no version"):
        trial_start(version="20200101-0", **which)
    with pytest.raises(InvalidInput, match="1 to 50"):
        trial_start(version=candidate, **which | {"percent": 51})
    with pytest.raises(InvalidInput, match="no kind"):
        trial_start(version=candidate, **which | {"kind": "parrot"})
    trial = trial_start(version=candidate, **which)
    with pytest.raises(Conflict, match="tried already"):
        trial_start(version=candidate, **which | {"kind": "shadow"})
    trial_stop(actor=lead, trial_id=trial.pk, reason="enough")
    with pytest.raises(Conflict, match="has ended"):
        trial_stop(actor=lead, trial_id=trial.pk)
    assert AuditEntry.objects.get(action="trial.stopped").details["reason"] == "enough"


def test_a_canary_needs_its_gate_and_a_shadow_does_not(lead: User, versions: list[str]) -> None:
    run_of(versions[0], passed=False)
    which: dict[str, Any] = {"actor": lead, "task": "intent", "version": versions[0]}
    with pytest.raises(Conflict, match="did not pass"):
        trial_start(kind="canary", percent=10, **which)
    assert trial_start(kind="shadow", percent=100, **which).state == "running"


def test_pages_and_endpoints_are_for_leads(
    lead: User, operator: User, candidate: str, client_for: ClientFor
) -> None:
    client, stranger = client_for(lead), client_for(operator)
    body = {"task": "intent", "version": candidate, "kind": "shadow", "percent": 50}
    url = "/api/v1/models/trials/"
    made = client.post(url, body, content_type="application/json").json()
    assert (made["state"], made["agreement"]) == ("running", None)
    page = client.get("/models/trials/").content.decode()
    assert candidate in page
    assert client.post(f"{url}{made['id']}/stop/").json()["state"] == "stopped"
    assert client.post(f"{url}{made['id']}/stop/").status_code == 409
    form = {"of": f"intent {candidate}", "kind": "canary", "percent": "ten"}
    assert "no number" in client.post("/models/trials/start/", form, follow=True).content.decode()
    client.post("/models/trials/start/", form | {"percent": "5"})
    running = Trial.objects.get(state=trials.State.RUNNING)
    client.post(f"/models/trials/{running.pk}/stop/")
    assert [one["state"] for one in client.get(url).json()] == ["stopped", "stopped"]
    for path in (url, "/models/trials/"):
        assert stranger.get(path).status_code == 403
    assert stranger.post(url, body, content_type="application/json").status_code == 403
    assert stranger.post("/models/trials/start/", form).status_code == 403
