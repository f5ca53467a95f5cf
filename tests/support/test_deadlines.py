"""Business hours, holidays, and what is promised within them."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEntry, Role, User
from apps.core import events
from apps.core.errors import Conflict, InvalidInput
from apps.support import selectors, services
from apps.support.hours import Calendar, hours_of
from apps.support.models import Conversation, Policy
from tests.support.conftest import client_of, user

API = "/api/v1/support"
LONDON = ZoneInfo("Europe/London")
WEEK = {day: hours_of("09:00-12:00, 13:00-17:00") for day in range(5)}
JSON: Any = {"content_type": "application/json"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-03-02 10:00", 60, "2026-03-02 11:00"),
        ("2026-03-02 11:30", 60, "2026-03-02 13:30"),  # over lunch
        ("2026-03-06 16:30", 60, "2026-03-09 09:30"),  # over the weekend
        ("2026-03-07 12:00", 30, "2026-03-09 09:30"),  # on a Saturday
        ("2026-03-02 08:00", 180, "2026-03-02 12:00"),  # to the very end of the morning
        ("2026-03-27 16:30", 60, "2026-03-30 09:30"),  # clocks go forward on the 29th
        ("2026-04-02 16:00", 120, "2026-04-07 10:00"),  # Good Friday and Easter Monday
    ],
)
def test_working_time(start: str, minutes: int, end: str) -> None:
    easter = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    calendar = Calendar(LONDON, WEEK, easter)
    assert calendar.after(at(start), minutes) == at(end)


def test_a_night_shift_lasts_as_long_as_it_lasts() -> None:
    whole = Calendar(LONDON, {day: hours_of("00:00-00:00") for day in range(6)})
    assert whole.after(at("2026-03-02 23:00"), 120) == at("2026-03-03 01:00")
    late = Calendar(LONDON, {6: hours_of("00:00-06:00")})  # clocks go from 1 to 2 on 2026-03-29
    assert late.after(at("2026-03-29 00:00"), 240) == at("2026-03-29 05:00")
    until_midnight = Calendar(LONDON, {0: hours_of("20:00-00:00")})
    assert until_midnight.is_open(at("2026-03-02 23:59"))
    assert until_midnight.after(at("2026-03-02 23:30"), 60) == at("2026-03-09 20:30")


def test_open_closed_and_never() -> None:
    calendar = Calendar(LONDON, WEEK)
    assert calendar.opens_at(at("2026-03-02 12:30")) == at("2026-03-02 13:00")
    assert calendar.opens_at(at("2026-03-02 10:00")) is None
    assert Calendar(LONDON).after(at("2026-03-07 12:00"), 30) == at("2026-03-07 12:30")
    closed = Calendar(LONDON, {0: hours_of("09:00-10:00")})
    assert closed.after(at("2026-03-02 09:00"), 60 * 100) is None


@pytest.mark.parametrize("text", ["9-17", "09:00", "10:00-09:00", "09:00-09:00", "9 to 5"])
def test_hours_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        hours_of(text)


def test_overlapping_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        hours_of("09:00-12:00, 11:00-13:00")
    with pytest.raises(ValueError, match="overlaps"):
        hours_of("20:00-00:00, 21:00-22:00")


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)


@pytest.fixture
def promise(lena: User) -> Policy:
    return services.policy_save(
        policy_id=None,
        actor=lena,
        name="All",
        first_minutes=10,
        next_minutes=20,
        resolution_minutes=60,
    )


def waiting() -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name="Vera")
    services.message_receive(conversation_id=conversation.id, text="help", client_id="1")
    return services.person_request(conversation_id=conversation.id)


def reply(conversation: Conversation, operator: User, client_id: str) -> None:
    services.operator_reply(
        conversation_id=conversation.id, operator=operator, text="Hello", client_id=client_id
    )
    conversation.refresh_from_db()


def test_the_clocks_of_a_conversation(promise: Policy, olivia: User) -> None:
    conversation = waiting()
    assert set(conversation.deadlines) == {"first", "resolution"}
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    reply(conversation, olivia, "r1")
    assert set(conversation.deadlines) == {"resolution"}
    services.message_receive(conversation_id=conversation.id, text="and?", client_id="2")
    conversation.refresh_from_db()
    assert set(conversation.deadlines) == {"next", "resolution"}
    first_open = conversation.deadlines["next"]
    services.message_receive(conversation_id=conversation.id, text="hello?", client_id="3")
    conversation.refresh_from_db()
    assert conversation.deadlines["next"] == first_open  # from the first that is unanswered
    reply(conversation, olivia, "r2")
    assert set(conversation.deadlines) == {"resolution"}
    services.conversation_resolve(conversation_id=conversation.id, operator=olivia)
    conversation.refresh_from_db()
    assert (conversation.deadlines, conversation.due_at) == ({}, None)


def test_the_policy_that_says_most_counts(promise: Policy, lena: User) -> None:
    team = services.team_save(team_id=None, actor=lena, name="Cards", takes_rest=True)
    conversation = waiting()
    assert conversation.team == team
    urgent = services.policy_save(
        policy_id=None, actor=lena, name="Urgent", priority=1, first_minutes=1
    )
    cards = services.policy_save(
        policy_id=None, actor=lena, name="Cards", team_id=team.pk, first_minutes=2
    )
    assert selectors.policy_for(conversation=conversation) == cards
    services.policy_delete(policy_id=cards.pk, actor=lena)
    assert selectors.policy_for(conversation=conversation) == promise
    services.conversation_sort(conversation_id=conversation.id, operator=lena, priority=1)
    conversation.refresh_from_db()
    assert selectors.policy_for(conversation=conversation) == urgent
    assert set(conversation.deadlines) == {"first"}


def test_a_breach_is_told_once_to_those_who_may_see_it(promise: Policy, lena: User) -> None:
    conversation = waiting()
    assert services.breaches_tell() == 0
    past = (timezone.now() - timedelta(minutes=1)).isoformat()
    conversation.deadlines["first"] = past
    Conversation.objects.update(deadlines=conversation.deadlines, due_at=past)
    # The clocks are set anew with each change, so what is late must be so by its own start.
    Conversation.objects.update(helped_since=timezone.now() - timedelta(minutes=11))
    head = events.head(services.INBOX)
    assert services.breaches_tell() == 1
    assert services.breaches_tell() == 0
    told = [one for one in events.replay(services.INBOX, head).events if one.kind == "sla.breached"]
    assert [one.payload["broken"] for one in told] == [["first"]]
    conversation.refresh_from_db()
    assert conversation.breached == ["first"]
    assert conversation.due_at is not None  # the resolution can still be kept
    assert conversation.due_at > timezone.now()
    assert AuditEntry.objects.filter(action="sla.breached").count() == 1


def test_deadlines_follow_the_hours(promise: Policy, lena: User) -> None:
    conversation = waiting()
    in_two_days = (datetime.now(UTC) + timedelta(days=2)).weekday()
    services.hours_save(actor=lena, zone="UTC", week={str(in_two_days): "09:00-17:00"}, holidays={})
    conversation.refresh_from_db()
    due = datetime.fromisoformat(conversation.deadlines["first"])
    assert (due.weekday(), due.hour, due.minute) == (in_two_days, 9, 10)
    place = selectors.place_get(conversation=conversation)
    assert place.opens_at is not None
    assert (place.opens_at.weekday(), place.opens_at.hour) == (in_two_days, 9)


def test_what_cannot_be_promised(promise: Policy, lena: User) -> None:
    save: Any = services.policy_save
    for wrong in (
        {},
        {"first_minutes": 0},
        {"first_minutes": 10**9},
        {"next_minutes": 5, "priority": 9},
    ):
        with pytest.raises(InvalidInput):
            save(policy_id=None, actor=lena, name="Other", **wrong)
    with pytest.raises(Conflict, match="All"):
        save(policy_id=None, actor=lena, name="All", first_minutes=1)
    hours: Any = services.hours_save
    good = {"actor": lena, "zone": "UTC", "week": {}, "holidays": {}}
    for wrong in ({"zone": "Mars"}, {"zone": "../etc"}, {"week": {"7": ""}}, {"week": {"0": "x"}}):
        with pytest.raises(InvalidInput):
            hours(**good | wrong)
    with pytest.raises(InvalidInput, match="no date"):
        hours(**good | {"holidays": {"Christmas": ""}})


def test_the_api_and_the_screen(promise: Policy, lena: User, olivia: User) -> None:
    lead, operator = client_of(lena), client_of(olivia)
    hours = {"zone": "Europe/London", "week": {"0": "09:00-17:00"}, "holidays": {"2026-12-25": "x"}}
    assert operator.put(f"{API}/hours/", hours, **JSON).status_code == 403
    assert lead.put(f"{API}/hours/", hours, **JSON).json() == hours
    assert lead.put(f"{API}/hours/", hours | {"zone": "Mars"}, **JSON).status_code == 422
    assert operator.get(f"{API}/hours/").json() == hours
    body = {"name": "Urgent", "priority": 1, "first_minutes": 5}
    assert operator.post(f"{API}/policies/", body, **JSON).status_code == 403
    made = lead.post(f"{API}/policies/", body, **JSON)
    assert (made.status_code, made.json()["first_minutes"]) == (201, 5)
    url = f"{API}/policies/{made.json()['id']}/"
    assert lead.put(url, body | {"next_minutes": 9}, **JSON).json()["next_minutes"] == 9
    assert operator.delete(url).status_code == 403
    assert lead.delete(url).status_code == 204
    assert lead.delete(url).status_code == 404
    assert operator.get("/support/hours/").status_code == 403
    form = {"zone": "UTC", "day_0": "09:00-17:00", "holidays": "2026-12-25 Christmas\n"}
    assert lead.post("/support/hours/", form).status_code == 302
    assert selectors.calendar_row().holidays == {"2026-12-25": "Christmas"}
    page = lead.post("/support/hours/", form | {"day_1": "9 to 5"})
    assert page.status_code == 422
    assert "9 to 5" in page.content.decode()
    assert lead.post("/support/hours/policies/", {"name": "x"}).status_code == 422
    assert (
        lead.post("/support/hours/policies/", {"name": "x", "first_minutes": "y"}).status_code
        == 422
    )
    assert (
        lead.post("/support/hours/policies/", {"name": "x", "first_minutes": "5"}).status_code
        == 302
    )
