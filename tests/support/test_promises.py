"""The error that leads accept for a group of matters: set, kept by the bot, measured, watched."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.accounts.models import AuditEntry, Role, User
from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.modelhub.models import DriftAlarm, LabelledExample
from apps.support import knowledge
from apps.support.models import IntentGroup, Message, PromiseNotice
from apps.support.selectors import promises as selectors
from apps.support.services import promises
from ml.monitoring.held_out import HeldOut
from tests.support.conftest import client_of, user
from tests.support.test_thinking import said

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/support/promises/"
JSON: Any = {"content_type": "application/json"}


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)


@pytest.fixture
def held_out(settings: Any, tmp_path: Path, engine: Any) -> None:
    """A hundred held-out rows of ``change_pin``, wrong below 0.5, and forty of ``card_arrival``."""
    settings.ML_HELD_OUT_DIR, settings.VAR_DIR = tmp_path / "shipped", tmp_path
    (info,) = [info for info in gateway.models() if info.task == "intent"]
    labels = tuple(info.labels)
    pin, card = labels.index("change_pin"), labels.index("card_arrival")
    confidences = np.r_[np.linspace(0.01, 1.0, 100), np.full(40, 0.9)]
    gold = np.r_[np.where(np.arange(100) < 50, card, pin), np.full(40, card)]
    HeldOut(
        version=info.version,
        labels=labels,
        rows=150,
        predicted=np.r_[np.full(100, pin), np.full(40, card)],
        gold=gold,
        confidences=confidences,
    ).save(tmp_path / "shipped" / "intent.json")


def group(lena: User, error: float | None, *intents: str, name: str = "PINs") -> IntentGroup:
    return promises.group_save(
        group_id=None, actor=lena, name=name, intents=intents or ("change_pin",), error=error
    )


def test_a_promise_that_so_few_rows_cannot_carry_is_refused(held_out: None, lena: User) -> None:
    with pytest.raises(InvalidInput, match=r"1\.00% cannot be promised from 40 .* is 2\.44%"):
        group(lena, 0.01, "card_arrival")
    group(lena, 0.03, "card_arrival")
    (row,) = selectors.promise_list()
    assert row.kept is not None
    assert (row.rows, row.kept.answered) == (40, 1.0)
    assert [choice.can_be_kept for choice in row.choices] == [False, False, True, True, True]


def test_nothing_is_promised_of_a_version_that_nobody_measured(lena: User, settings: Any) -> None:
    settings.ML_HELD_OUT_DIR = Path("/nowhere")
    with pytest.raises(InvalidInput, match="held-out rows is not"):
        group(lena, 0.1)


def test_an_intent_is_in_one_group(held_out: None, lena: User) -> None:
    group(lena, None)
    with pytest.raises(InvalidInput, match="in the group 'PINs'"):
        group(lena, None, "change_pin", name="Others")
    with pytest.raises(InvalidInput, match="No matter is called 'fishing'"):
        group(lena, None, "fishing", name="Others")


def test_the_bot_answers_by_the_threshold_of_the_group(
    articles: Any, held_out: None, lena: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "How do I change my PIN?"
    before, answer = said(uuid.uuid4(), question)[0]
    assert before.analysis["promise"] is None
    assert before.analysis["action"] == "answer"
    confidence = before.analysis["intents"][0]["score"]
    assert 0.5 < confidence < 1

    made = group(lena, 0.05)
    knowledge.current()
    kept, answer = said(uuid.uuid4(), question)[0]
    assert kept.analysis["promise"] == {"group": "PINs", "above": 0.46}
    assert answer is not None
    assert answer.citations

    # A version whose held-out rows cannot carry the promise is not let answer at all.
    IntentGroup.objects.filter(pk=made.pk).update(error=0.001)
    knowledge.version_bump()
    knowledge.current()
    unkept, answer = said(uuid.uuid4(), question)[0]
    assert unkept.analysis["promise"] == {"group": "PINs", "above": None}
    assert unkept.analysis["action"] in ("unsure", "clarify")
    assert answer is not None
    assert not answer.citations


def test_answers_are_measured_against_corrections(
    articles: Any, held_out: None, lena: User, olivia: User
) -> None:
    group(lena, 0.2)
    knowledge.current()
    asked = [said(uuid.uuid4(), "How do I change my PIN?")[0][0] for _ in range(12)]
    correct(asked[:9], "card_arrival", olivia)
    correct(asked[9:10], "change_pin", olivia)
    (row,) = selectors.promise_list()
    assert (row.total.answered, row.total.checked, row.total.wrong) == (12, 10, 9)
    assert row.weeks[-1].answered == 12
    low, high = row.total.of_answered or (0.0, 0.0)
    assert low < 9 / 12 < high

    DriftAlarm.objects.create(
        task="intent",
        profile="p",
        version="v",
        kind="embedding",
        value=1,
        expected=0,
        probability=0,
        texts=200,
    )
    assert promises.notices_renew() == 2
    assert promises.notices_renew() == 0
    notices = {notice.kind: notice.text for notice in selectors.notice_list()}
    assert "9 of 12 answers" in notices["broken"]
    assert "may not hold" in notices["drift"]
    LabelledExample.objects.all().delete()
    DriftAlarm.objects.all().delete()
    promises.notices_renew()
    assert not selectors.notice_list()
    assert PromiseNotice.objects.count() == 2


def correct(messages: list[Message], label: str, operator: User) -> None:
    for message in messages:
        LabelledExample.objects.create(
            app="support",
            task="intent",
            subject=f"support.message.{message.pk}",
            text=message.text,
            new_label=label,
            actor=operator,
        )


def test_leads_change_promises_and_operators_read_them(
    held_out: None, lena: User, olivia: User, mei: User
) -> None:
    body = {"name": "PINs", "intents": ["change_pin"], "error": 0.1}
    assert client_of(olivia).post(API, body, **JSON).status_code == 403
    assert client_of(mei).get(API).status_code == 403
    lead = client_of(lena)
    made = lead.post(API, body, **JSON)
    assert made.status_code == 201
    refused = lead.put(f"{API}{made.json()['id']}/", body | {"error": 0.001}, **JSON)
    assert refused.status_code == 422
    assert refused.json()["code"] == "too_few_rows"
    (row,) = client_of(olivia).get(API).json()["groups"]
    assert row["error"] == 0.1
    assert row["promise"]["answered"] == pytest.approx(0.6, abs=0.02)
    assert row["choices"][0]["can_be_kept"]
    assert AuditEntry.objects.filter(action="promise.saved", details__error=0.1).exists()
    assert client_of(olivia).delete(f"{API}{row['id']}/").status_code == 403
    assert lead.delete(f"{API}{row['id']}/").status_code == 204
    assert not IntentGroup.objects.exists()


def test_the_screen(articles: Any, held_out: None, lena: User, olivia: User) -> None:
    lead = client_of(lena)
    assert lead.post("/support/promises/topics/").status_code == 302
    made = IntentGroup.objects.get()
    page = lead.post(
        f"/support/promises/{made.pk}/",
        {"name": "All", "intents": ["change_pin"], "error": "0,1"},
    )
    assert page.status_code == 422
    assert "cannot be promised from 100 held-out rows" in page.content.decode()
    form = {"name": "All", "intents": ["change_pin"], "error": "5 %"}
    assert lead.post(f"/support/promises/{made.pk}/", form).status_code == 302
    shown = client_of(olivia).get("/support/promises/").content.decode()
    assert "at most 5.0% wrong" in shown
    assert 'name="error"' not in shown
    assert client_of(olivia).post(f"/support/promises/{made.pk}/", form).status_code == 403
    assert (
        "no number of hundredths"
        in lead.post("/support/promises/", {"error": "x"}).content.decode()
    )
