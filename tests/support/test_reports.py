"""Reports: volumes, automation, times, promises, satisfaction; as a page, JSON and CSV."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from apps.accounts.models import AuditEntry, Role, User
from apps.core.errors import InvalidInput
from apps.support import services
from apps.support.models import Conversation, Message, Policy, ReportMail, Team
from apps.support.report_mail import last_week, report_mail
from apps.support.reporting import report_csv
from apps.support.selectors.matters import NONE
from apps.support.selectors.report_cases import ASKED, Period
from apps.support.selectors.reports import Row, report_get
from apps.support.services import corrections, report_mails
from apps.support.visitors import visitor_token
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db
API = "/api/v1/support/reports/"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MARCH = Period.of("2026-03-01", "2026-03-31")
CITED = [{"slug": "change-pin", "title": "How do I change my PIN?"}]


def case(*lines: tuple[str, int], at: datetime = NOON, **more: Any) -> Conversation:
    """A conversation of ``(author or operator, minutes after its beginning)``."""
    conversation = Conversation.objects.create(visitor=uuid.uuid4(), active_at=at, **more)
    Conversation.objects.filter(pk=conversation.pk).update(created_at=at)
    for seq, (author, minutes) in enumerate(lines, start=1):
        person = User.objects.filter(username=author).first()
        passed = author == "passes"
        made = Message.objects.create(
            conversation=conversation,
            seq=seq,
            author="operator" if person else "bot" if passed else author,
            operator=person,
            text="text",
            citations=CITED if author == "bot" else [],
            analysis={"action": "hand_over", "rule": "out of scope, again"} if passed else {},
        )
        Message.objects.filter(pk=made.pk).update(created_at=at + timedelta(minutes=minutes))
    return conversation


def entry(conversation: Conversation, action: str, minutes: int) -> None:
    made = AuditEntry.objects.create(
        action=action, object_type="conversation", object_id=str(conversation.pk)
    )
    AuditEntry.objects.filter(pk=made.pk).update(created_at=NOON + timedelta(minutes=minutes))


@pytest.fixture
def month(olivia: User, omar: User) -> dict[str, Conversation]:
    team = Team.objects.create(name="Cards")
    rows = {
        "bot": case(("visitor", 0), ("bot", 0)),
        "passed": case(
            ("visitor", 0), ("bot", 0), ("visitor", 5), ("passes", 10), ("olivia-op", 14), team=team
        ),
        "asked": case(("visitor", 0), ("system", 2), ("omar-op", 62), ("omar-op", 63)),
        "waits": case(("visitor", 0), ("passes", 1)),
        "before": case(("visitor", 0), at=NOON - timedelta(days=2)),
    }
    entry(rows["passed"], "conversation.resolved", 40)
    entry(rows["asked"], "sla.breached", 32)
    Policy.objects.create(name="All", first_minutes=30)
    services.rating_set(conversation_id=rows["bot"].pk, good=True)
    services.rating_set(conversation_id=rows["passed"].pk, good=True)
    services.rating_set(conversation_id=rows["passed"].pk, good=False)
    return rows


def test_the_numbers_of_a_period(month: dict[str, Conversation], olivia: User) -> None:
    found = report_get(operator=olivia, period=MARCH)
    assert (found.conversations, found.messages, found.automated) == (4, 5, 1)
    assert (found.automation, found.deflected, found.deflection) == (0.25, 1, 0.25)
    assert found.by_day[1] == (NOON.date(), 4, 1)
    assert dict(found.reasons) == {"out of scope, again": 2, ASKED: 1}
    assert found.first_response.number == 2
    assert found.first_response.median == (4 + 60) / 2 * 60
    assert (found.resolution.number, found.resolution.median) == (1, 30 * 60)
    assert found.promises == (3, 1)
    assert found.kept == pytest.approx(2 / 3)
    assert found.ratings == (1, 1)
    assert [(row.name, row.values["conversations"]) for row in found.teams] == [
        ("no team", 2),
        ("Cards", 1),
    ]
    replies = {row.name: row.values["replies"] for row in found.operators}
    assert replies == {"Olivia-Op": 1, "Omar-Op": 2}
    (article,) = found.articles
    assert article == Row(
        "change-pin", {"conversations": 2, "passed on": 1, "helped": 1, "did not help": 1}
    )


def test_who_asks_for_a_person_in_vain_was_not_helped_by_the_bot(olivia: User) -> None:
    waiting = case(("visitor", 0), ("bot", 0), last_seq=2)
    services.person_request(conversation_id=waiting.pk)
    found = report_get(operator=olivia, period=MARCH)
    assert (found.conversations, found.automated, found.deflected) == (1, 0, 0)
    assert found.reasons == [(ASKED, 1)]


def test_an_answer_is_enough_unless_the_customer_says_otherwise(olivia: User) -> None:
    unsure = case(("visitor", 0))
    answered = case(("visitor", 0), ("bot", 0))
    found = report_get(operator=olivia, period=MARCH)
    assert (found.conversations, found.automated, found.deflected) == (2, 2, 1)
    services.rating_set(conversation_id=unsure.pk, good=True)
    services.rating_set(conversation_id=answered.pk, good=False)
    assert report_get(operator=olivia, period=MARCH).deflected == 0


def test_a_team_alone_and_nothing_of_a_private_one(
    month: dict[str, Conversation], olivia: User
) -> None:
    team = Team.objects.get()
    assert report_get(operator=olivia, period=MARCH, team_id=team.pk).conversations == 1
    team.private = True
    team.save()
    assert report_get(operator=olivia, period=MARCH).conversations == 3
    assert report_get(operator=olivia, period=MARCH, team_id=team.pk).conversations == 0


def asks(conversation: Conversation, label: str, action: str = "answer", **more: Any) -> Message:
    """A customer's question that the bot took for ``label``."""
    conversation.last_seq += 20
    analysis = {"intents": [{"label": label, "score": 0.9}], "in_scope": True, "rule": "sure"}
    return Message.objects.create(
        conversation=conversation,
        seq=conversation.last_seq,
        author="visitor",
        text="text",
        analysis=analysis | {"action": action} | more,
    )


def test_matters_with_what_operators_say_of_them(
    month: dict[str, Conversation], olivia: User
) -> None:
    fine, missed = asks(month["bot"], "change_pin"), asks(month["passed"], "change_pin", "unsure")
    asks(month["bot"], "card_arrival", "answer", in_scope=False)
    asks(month["bot"], "age_limit", "ask", rule="flow card goes on at last")
    asks(month["bot"], "age_limit", "chat", rule="small talk: thanks")
    for message, label in ((fine, "change_pin"), (missed, "age_limit")):
        seen = {"conversation_id": message.conversation_id, "seq": message.seq}
        corrections.intent_correct(**seen, operator=olivia, label=label)
    pin, other = report_get(operator=olivia, period=MARCH).matters
    assert pin.name == "change_pin"
    assert list(pin.values.values()) == [2, 2, 1, 1, 2, 1]
    assert pin.over_time == (2, *[0] * 10)
    assert (other.name, other.values["questions"]) == (NONE, 1)


@pytest.mark.parametrize(
    ("part", "name", "cases"),
    [
        ("automated", "", ["bot"]),
        ("deflected", "", ["bot"]),
        ("late", "", ["asked"]),
        ("helped", "yes", ["bot"]),
        ("helped", "no", ["passed"]),
        ("days", "2026-03-02", ["asked", "bot", "passed", "waits"]),
        ("days", "2026-03-03", []),
        ("reasons", ASKED, ["asked"]),
        ("teams", "Cards", ["passed"]),
        ("articles", "change-pin", ["bot", "passed"]),
        ("operators", "olivia-op", []),
    ],
)
def test_each_number_leads_to_its_conversations(
    part: str, name: str, cases: list[str], month: dict[str, Conversation], olivia: User
) -> None:
    query = {"from": "2026-03-01", "to": "2026-03-31", "part": part, "name": name}
    rows = client_of(olivia).get(f"{API}conversations/", query).json()
    names = {str(row.pk): key for key, row in month.items()}
    assert sorted(names[row["id"]] for row in rows) == cases


def test_what_is_behind_a_number_is_only_for_who_may_see_it(
    month: dict[str, Conversation], olivia: User, omar: User, mei: User
) -> None:
    desk, query = client_of(omar), {"from": "2026-03-01", "to": "2026-03-31"}
    hers = query | {"part": "operators", "name": str(olivia.pk)}
    page = desk.get("/support/reports/conversations/", hers).content.decode()
    assert "1 conversation" in page
    assert "With replies of <b>Olivia-Op</b>" in page
    Team.objects.update(private=True)
    hidden = desk.get("/support/reports/conversations/", hers).content.decode()
    assert "No conversation that you may see" in hidden
    assert "Olivia-Op" not in hidden
    assert desk.get(f"{API}conversations/", query | {"part": "x"}).status_code == 422
    assert desk.get("/support/reports/conversations/", query).status_code == 422
    for url in ("/support/reports/conversations/", f"{API}conversations/"):
        assert client_of(mei).get(url, hers).status_code == 403


def test_an_empty_period_has_no_shares(olivia: User) -> None:
    found = report_get(operator=olivia, period=MARCH)
    assert (found.automation, found.kept, found.satisfied) == (None, None, None)
    assert "Nothing in this period" in client_of(olivia).get("/support/reports/").content.decode()


@pytest.mark.parametrize(
    ("first", "last"), [("soon", ""), ("2026-03-02", "2026-03-01"), ("2024-01-01", "2026-01-01")]
)
def test_a_period_that_is_none(first: str, last: str) -> None:
    with pytest.raises(InvalidInput):
        Period.of(first, last)


def test_page_json_and_csv(month: dict[str, Conversation], olivia: User, mei: User) -> None:
    query = {"from": "2026-03-01", "to": "2026-03-31"}
    desk = client_of(olivia)
    page = desk.get("/support/reports/", query).content.decode()
    assert "Omar-Op" in page
    assert "25%" in page
    assert desk.get("/support/reports/", {"from": "x"}).status_code == 422
    found = desk.get(API, query).json()
    assert found["satisfaction"] == {"yes": 1, "no": 1, "satisfied": 0.5}
    assert found["operators"][0]["first_response"] == 240
    file = desk.get("/support/reports/", query | {"table": "operators"})
    assert file["Content-Disposition"] == (
        'attachment; filename="operators-2026-03-01-2026-03-31.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))
    assert [row["operator"] for row in rows] == ["Olivia-Op", "Omar-Op"]
    assert desk.get(API, query | {"table": "nothing"}).status_code == 422
    assert client_of(mei).get(API).status_code == 403


def test_a_cell_is_no_formula(olivia: User) -> None:
    team = Team.objects.create(name="=HYPERLINK(0)")
    case(("visitor", 0), ("olivia-op", 1), team=team)
    found = report_get(operator=olivia, period=MARCH)
    assert "'=HYPERLINK" in report_csv(found, "teams")


def test_a_visitor_rates_the_own_conversation(olivia: User) -> None:
    conversation = services.conversation_start(visitor=uuid.uuid4())
    url = "/api/v1/support/visitor/rating/"
    kwargs: Any = {"content_type": "application/json"}
    own = {"X-Visitor-Token": visitor_token(conversation.visitor)}
    other = {"X-Visitor-Token": visitor_token(uuid.uuid4())}
    browser = client_of(user("nobody", Role.MEMBER))
    assert browser.put(url, {"good": True}, headers=other, **kwargs).status_code == 404
    assert browser.put(url, {"good": True}, **kwargs).status_code == 403
    assert browser.put(url, {"good": True}, headers=own, **kwargs).json() == {"good": True}
    assert conversation.rating.good
    assert timezone.now() - conversation.rating.updated_at < timedelta(minutes=1)


def test_last_week_is_mailed_to_each_lead_as_they_may_see_it(
    olivia: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert last_week(NOON.date()) == Period.of("2026-02-23", "2026-03-01")
    week = last_week(timezone.localdate())
    at = datetime.combine(week.first, NOON.time(), UTC)
    case(("visitor", 0), ("bot", 0), at=at)
    case(("visitor", 0), ("passes", 1), ("olivia-op", 5), at=at)
    private = Team.objects.create(name="Fraud", private=True)
    case(("visitor", 0), ("bot", 0), at=at, team=private)
    for name, role in (("lena", Role.LEAD), ("ada", Role.ADMINISTRATOR), ("nobody", Role.LEAD)):
        address = "" if name == "nobody" else f"{name}@example.org"
        User.objects.filter(pk=user(name, role).pk).update(email=address)
    assert report_mail() == 0
    settings.SUPPORT_REPORT_MAIL = True
    assert report_mail() == 2
    bodies = {sent.to[0]: sent.body for sent in mail.outbox}
    assert "Conversations: 2\n" in bodies["lena@example.org"]
    assert "Conversations: 3\n" in bodies["ada@example.org"]
    for words in ("1, 50%", "4 min in the middle", "1  out of scope, again", "1  Olivia-Op"):
        assert words in bodies["lena@example.org"]
    mail.outbox.clear()
    User.objects.filter(username="ada").update(language="zh-hans")
    assert report_mail() == 2
    (chinese,) = [sent for sent in mail.outbox if sent.to == ["ada@example.org"]]
    assert "会话：3\n" in chinese.body.replace(": ", "：")
    assert chinese.subject.startswith("客服")
    monkeypatch.setattr(
        "apps.support.report_mail.EmailMessage.send", lambda self: (_ for _ in ()).throw(OSError)
    )
    assert report_mail() == 0


def test_a_report_comes_by_mail_as_often_as_is_wished(
    olivia: User, omar: User, mei: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, json = f"{API}mail/", {"content_type": "application/json"}
    desk = client_of(olivia)
    refused = desk.put(url, {"every": "day"}, **json)
    assert (refused.status_code, refused.json()["code"]) == (422, "no_address")
    User.objects.update(email="olivia@example.org")
    private = Team.objects.create(name="Fraud", private=True)
    for wrong in (
        {"every": "hour"},
        {"every": "day", "team": private.pk},
        {"every": "day", "team": 0},
    ):
        assert desk.put(url, wrong, **json).status_code in (400, 422), wrong
    assert client_of(mei).put(url, {"every": "day"}, **json).status_code == 403
    assert desk.put(url, {"every": "week"}, **json).json() == {"every": "week", "team": None}
    page = desk.post("/support/reports/mail/", {"every": "day"}, follow=True).content.decode()
    assert "Every morning" in page
    assert client_of(omar).get(url).json()["every"] == "never"
    case(("visitor", 0), ("bot", 0), at=NOON)
    case(("visitor", 0), ("bot", 0), at=NOON, team=private)
    assert report_mails.reports_send() == 0  # nothing was to be seen yesterday
    monkeypatch.setattr(timezone, "localdate", lambda *_: NOON.date() + timedelta(days=1))
    ReportMail.objects.update(sent_to=NOON.date() - timedelta(days=1))
    with monkeypatch.context() as broken:
        broken.setattr(mail.EmailMessage, "send", lambda self: (_ for _ in ()).throw(OSError))
        assert report_mails.reports_send() == 0
    assert [report_mails.reports_send() for _ in range(2)] == [1, 0]
    (sent,) = mail.outbox
    assert sent.subject == "Support, 2 Mar 2026"
    assert "Conversations: 1\n" in sent.body
    desk.put(url, {"every": "never"}, **json)
    ReportMail.objects.update(sent_to=NOON.date() - timedelta(days=1))
    assert report_mails.reports_send() == 0
    User.objects.filter(pk=olivia.pk).update(role=Role.LEAD)
    monkeypatch.undo()
    settings.SUPPORT_REPORT_MAIL = True
    case(
        ("visitor", 0), at=datetime.combine(last_week(timezone.localdate()).last, NOON.time(), UTC)
    )
    assert report_mail() == 0  # nor by the setting for all leads


@pytest.mark.parametrize(
    ("every", "first", "last"),
    [
        ("day", "2026-03-01", "2026-03-01"),
        ("week", "2026-02-23", "2026-03-01"),
        ("month", "2026-02-01", "2026-02-28"),
    ],
)
def test_what_a_mail_tells_of(every: str, first: str, last: str) -> None:
    assert report_mails.period_before(every, NOON.date()) == Period.of(first, last)
