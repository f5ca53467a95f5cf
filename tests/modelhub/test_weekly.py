"""The weekly report: two weeks side by side, intervals, slices, what moved, the mail."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.core.errors import InvalidInput
from apps.modelhub.models import DriftAlarm, LabelledExample, Promotion, TrafficWindow
from apps.modelhub.selectors.weekly import WEEK, week_of, weekly
from apps.modelhub.services.examples import example_add
from apps.modelhub.weekly_report import report_mail, week_asked
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
START = week_of(date(2026, 3, 4))


@pytest.fixture
def lead(db: None) -> User:
    return User.objects.create_user(
        username="the-lead", password="x", role=Role.LEAD, email="lead@example.org"
    )


def traffic(at: datetime, texts: int, **more: Any) -> None:
    confidences = [0] * 20
    confidences[18] = texts
    TrafficWindow.objects.create(
        **{
            "task": "intent",
            "version": "v1",
            "at": at,
            "texts": texts,
            "labels": {"card": texts},
            "confidences": confidences,
            "engine": {"failures": 1, "p95_ms": 20.0},
        }
        | more
    )


def corrected(at: datetime, right: int, wrong: int, app: str = "support") -> None:
    for number in range(right + wrong):
        kept = number < right
        example = example_add(
            app=app,
            task="intent",
            text=f"{app} {at} {number}",
            old_label="card",
            new_label="card" if kept else "rate",
            confidence=0.9 if kept else 0.4,
        )
        LabelledExample.objects.filter(pk=example.pk).update(created_at=at)


def fill(start: datetime) -> None:
    traffic(start - timedelta(seconds=1), 40, labels={"card": 20, "rate": 20})
    traffic(start, 100)
    traffic(start + WEEK - timedelta(seconds=1), 100, version="v2")
    traffic(start + WEEK, 7)
    corrected(start - timedelta(days=1), right=38, wrong=2)
    corrected(start + timedelta(days=1), right=20, wrong=20)
    corrected(start + timedelta(days=1), right=0, wrong=9, app="labelling")
    corrected(start + WEEK, right=0, wrong=9)
    DriftAlarm.objects.create(
        task="intent", profile="p", version="v1", kind="embedding",
        value=1, expected=0, probability=0, texts=200,
    )  # fmt: skip
    DriftAlarm.objects.update(raised_at=start + timedelta(days=2))
    Promotion.objects.create(task="intent", kind="promote", state="done", before="v1", after="v2")
    Promotion.objects.update(created_at=start + timedelta(days=3))


def test_two_weeks_side_by_side() -> None:
    assert week_of(date(2026, 3, 8)) == START
    fill(START)
    (found,) = weekly(start=START)
    now, before = found.both
    assert (now.texts, before.texts) == (200, 40)
    assert now.versions == {"v1": 100, "v2": 100}
    assert now.confidence == pytest.approx(0.925)
    assert (now.errors, now.p95_ms) == (2, 20.0)
    assert now.corrected is not None
    assert (now.corrected.n, now.corrected.share) == (40, 0.5)
    assert now.corrected.low < 0.5 < now.corrected.high
    assert found.worse
    assert now.calibration_error == pytest.approx(0.25)
    worst = now.slices[0]
    assert (worst.name, worst.n, worst.right) == ("confidence: 0% to 50%", 20, 0)
    assert {one.name for one in now.slices} >= {"app: Support", "label: card"}
    assert [(one.label, one.before, one.now) for one in found.moved] == [
        ("card", 0.5, 1.0),
        ("rate", 0.5, 0.0),
    ]
    assert len(found.alarms) == len(found.promotions) == 1
    assert weekly(start=START - 3 * WEEK) == []


def test_few_corrections_call_no_week_worse() -> None:
    corrected(START - timedelta(days=1), right=4, wrong=0)
    corrected(START + timedelta(days=1), right=2, wrong=2)
    (found,) = weekly(start=START)
    assert not found.worse
    assert found.now.slices == []
    assert (found.now.confidence, found.now.out_of_scope, found.moved) == (None, None, [])


def test_the_page_and_the_endpoint(lead: User, operator: User, client_for: ClientFor) -> None:
    fill(START)
    client, other = client_for(lead), client_for(operator)
    page, api = "/models/monitoring/week/", "/api/v1/models/monitoring/week/"
    text = client.get(f"{page}?week=2026-03-05").content.decode()
    for words in ("50.0%", "fewer answers left", "drift:", "v2", "Week after"):
        assert words in text
    assert (
        "Nothing was asked in this week" in client.get(f"{page}?week=2020-01-01").content.decode()
    )
    (task,) = client.get(f"{api}?week=2026-03-05").json()["tasks"]
    assert (task["worse"], task["now"]["corrected"]["share"]) == (True, 0.5)
    assert client.get(f"{api}?week=never").status_code == 422
    for day in ("9999-99-99", "9999-12-31", "0001-01-01"):
        assert client.get(f"{page}?week={day}").status_code == 422, day
        assert client.get(f"{api}?week={day}").status_code == 422, day
    for path in (page, api):
        assert other.get(path).status_code == 403
    with pytest.raises(InvalidInput, match="no day"):
        week_asked("9999-99-99")


def test_the_mail_goes_to_leads_and_only_where_it_is_on(
    lead: User, operator: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(week_of(timezone.localdate()) - WEEK)
    assert report_mail() == 0
    settings.MODEL_REPORT_MAIL = True
    assert report_mail() == 1
    (sent,) = mail.outbox
    assert sent.bcc == ["lead@example.org"]
    for words in ("INTENT", "200 (40)", "50.0% of 40", "fewer answers", "drift: Meaning"):
        assert words in sent.body
    User.objects.create_user("lin", "lin@example.org", role=Role.LEAD, language="zh-hans")
    mail.outbox.clear()
    assert report_mail() == 2
    told = {sent.bcc[0]: sent for sent in mail.outbox}
    assert "fewer answers" in told["lead@example.org"].body
    chinese = told["lin@example.org"]
    assert chinese.subject.startswith("模型")
    assert "200 (40)" in chinese.body
    assert "fewer answers" not in chinese.body
    monkeypatch.setattr(
        "apps.modelhub.weekly_report.EmailMessage.send", lambda self: (_ for _ in ()).throw(OSError)
    )
    assert report_mail() == 0
