"""Replays: recent messages read by what is live and by a candidate, before it is promoted."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.core.jobs import NoProgress, run_job
from apps.core.models import Job
from apps.modelhub.models import LabelledExample
from apps.support import knowledge
from apps.support.models import Conversation, Message, Team
from apps.support.replaying import replay
from ml.serving.fakes import FakeClassifier
from tests.support.conftest import client_of, user
from tests.support.test_thinking import said

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/support/replays/"
JSON: Any = {"content_type": "application/json"}
FEE = "a fee appeared"


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)


@pytest.fixture
def history(articles: Any) -> list[Message]:
    knowledge.current()
    return [said(uuid.uuid4(), text)[0][0] for text in (FEE, "when will my card arrive", "hello")]


@pytest.fixture
def candidate(history: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    """A version ``next`` that takes questions about fees for questions about PINs."""
    (info,) = [info for info in gateway.models() if info.task == "intent"]
    rules = {"arrive": "card_arrival", "fee": "change_pin"}

    class Store:
        def versions(self, task: str) -> list[str]:
            return [info.version, "next"]

        def active_version(self, task: str) -> str:
            return info.version

    monkeypatch.setattr(gateway, "load_version", lambda *_: FakeClassifier(info, rules))
    monkeypatch.setattr(gateway, "model_store", Store)


def test_the_live_bot_against_itself_changes_nothing(history: list[Message]) -> None:
    found = replay(NoProgress(), number=50)
    assert found["messages"] == 3
    assert found["changes"] == []
    assert found["counts"] == {"answered before": 2, "answered after": 2}


def test_a_candidate_model_shows_what_would_change(
    candidate: None, history: list[Message], olivia: User
) -> None:
    LabelledExample.objects.create(
        app="support",
        task="intent",
        subject=f"support.message.{history[0].pk}",
        text=FEE,
        new_label="cash_withdrawal_charge",
        actor=olivia,
    )
    found = replay(NoProgress(), number=50, version="next")
    (change,) = found["changes"]
    assert change["message"] == history[0].pk
    assert change["kind"] == "other article"
    assert (change["before"]["cites"], change["after"]["cites"]) == ("cash-fees", "change-pin")
    assert change["before"]["intent"] == "cash_withdrawal_charge"
    assert change["after"]["intent"] == "change_pin"
    assert change["verdict"] == "worse"
    assert found["verdicts"] == {"worse": 1}
    assert FEE not in json.dumps(found)  # what may be erased is in no result


def test_other_thresholds_show_what_they_cost(history: list[Message]) -> None:
    found = replay(NoProgress(), number=50, thresholds={"intent_support": 0.0, "weak_hit": 2.0})
    assert found["messages"] == 3
    with pytest.raises(InvalidInput, match="no threshold"):
        replay(NoProgress(), number=50, thresholds={"luck": 1.0})


def test_nothing_is_stored_and_nobody_is_told(candidate: None, history: list[Message]) -> None:
    before = list(Message.objects.values_list("pk", "analysis"))
    replay(NoProgress(), number=50, version="next")
    assert list(Message.objects.values_list("pk", "analysis")) == before
    assert not Conversation.objects.exclude(state="bot").exists()


def test_a_replay_is_for_leads_and_shows_what_they_may_see(
    candidate: None, history: list[Message], lena: User, olivia: User
) -> None:
    body = {"number": 10, "version": "next"}
    assert client_of(olivia).post(API, body, **JSON).status_code == 403
    assert client_of(olivia).get("/support/replays/").status_code == 403
    lead = client_of(lena)
    assert lead.post(API, body | {"version": "gone"}, **JSON).status_code == 422
    assert lead.post(API, body | {"number": 0}, **JSON).status_code == 422
    started = lead.post(API, body, **JSON)
    assert started.status_code == 202
    job = Job.objects.get(pk=started.json()["id"])
    if not job.is_finished:
        run_job.func(str(job.pk))
    (change,) = lead.get(f"{API}{job.pk}/").json()["result"]["changes"]
    assert change["text"] == FEE
    page = lead.get(f"/support/replays/{job.pk}/").content.decode()
    assert "Other article" in page
    assert "How do I change my PIN?" in page
    team = Team.objects.create(name="Fraud", private=True)
    Conversation.objects.filter(pk=history[0].conversation_id).update(team=team)
    assert lead.get(f"{API}{job.pk}/").json()["result"]["changes"] == []


def test_the_form_sends_only_what_differs(
    candidate: None, history: list[Message], lena: User
) -> None:
    lead = client_of(lena)
    page = lead.get("/support/replays/?version=next").content.decode()
    assert '<option value="next" selected>' in page
    form = {"number": "5", "strong_hit": "0.9", "weak_hit": "0.42", "version": ""}
    assert lead.post("/support/replays/", form).status_code == 302
    assert Job.objects.latest("created_at").arguments["thresholds"] == {"strong_hit": 0.9}
    assert "no number" in lead.post("/support/replays/", {"weak_hit": "x"}).content.decode()
