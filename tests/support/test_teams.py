"""Teams: who sees what, passing on, presence, and who is handed what waits."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AuditEntry, Role, User
from apps.core import events
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.support import selectors, services
from apps.support.models import Conversation, Duty, Team
from tests.support.conftest import client_of, console_socket, user

pytestmark = pytest.mark.django_db
API = "/api/v1/support"
SECRET = "the card was used in Lima"


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)


@pytest.fixture
def fraud(lena: User, omar: User) -> Team:
    return services.team_save(
        team_id=None, actor=lena, name="Fraud", private=True, member_ids=[omar.pk]
    )


def waiting(name: str = "Vera") -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name=name)
    return services.person_request(conversation_id=conversation.id)


def here(*people: User) -> None:
    for person in people:
        services.duty_touch(operator=person)


def passed(conversation: Conversation, operator: User, team: Team | None, **more: Any) -> Any:
    return services.conversation_transfer(
        conversation_id=conversation.id,
        operator=operator,
        team_id=team.pk if team else None,
        client_id=uuid.uuid4().hex,
        **more,
    )


def test_a_private_conversation_does_not_exist_for_others(
    conversation: Conversation, fraud: Team, olivia: User, omar: User
) -> None:
    services.message_receive(conversation_id=conversation.id, text=SECRET, client_id="m")
    passed(conversation, olivia, fraud, note="please look")
    outside, inside = client_of(olivia), client_of(omar)
    base = f"{API}/conversations/{conversation.id}"
    paths = [
        f"{base}/",
        f"{base}/summary/",
        f"{base}/notes/",
        f"{base}/messages/1/intent/",
        f"/support/c/{conversation.id}/",
        f"/support/c/{conversation.id}/inspector/",
        f"/support/c/{conversation.id}/messages/1/matter/",
    ]
    for path in paths:
        assert outside.get(path).status_code == 404, path
        assert inside.get(path).status_code == 200, path
    assert SECRET in inside.get("/support/?tab=waiting").content.decode()
    for path in ("/support/?tab=waiting", "/support/?tab=all", f"{API}/conversations/?tab=all"):
        page = outside.get(path).content.decode()
        assert SECRET not in page
        assert str(conversation.id) not in page
    assert outside.get(f"{API}/conversations/counts/").json()["waiting"] == 0
    assert inside.get(f"{API}/conversations/counts/").json()["waiting"] == 1


def test_nobody_outside_acts_in_a_private_conversation(
    conversation: Conversation, fraud: Team, olivia: User, omar: User
) -> None:
    passed(conversation, olivia, fraud)
    outside, inside = client_of(olivia), client_of(omar)
    bodies: dict[str, Any] = {
        "take": None,
        "release": None,
        "resolve": None,
        "messages": {"id": "1", "text": "x"},
        "notes": {"id": "1", "text": "x"},
        "assign": {"assignee": olivia.pk, "expected": None},
        "sort": {"priority": 1},
        "snooze": {"until": None},
        "transfer": {"id": "1", "team": None},
    }
    for path, body in bodies.items():
        url = f"{API}/conversations/{conversation.id}/{path}/"
        answer = outside.post(url, body, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found"), path
    conversation.refresh_from_db()
    assert (conversation.state, conversation.team) == (Conversation.State.QUEUED, fraud)
    url = f"{API}/conversations/{conversation.id}"
    assert inside.post(f"{url}/take/").status_code == 200
    body = {"assignee": olivia.pk, "expected": omar.pk}
    refused = inside.post(f"{url}/assign/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "assignee_invalid")


def test_administrators_see_every_team(
    conversation: Conversation, fraud: Team, olivia: User
) -> None:
    ada = user("ada-admin", Role.ADMINISTRATOR)
    passed(conversation, olivia, fraud)
    assert selectors.conversation_seen(conversation_id=conversation.id, operator=ada)
    assert services.team_inbox(fraud.pk) in client_of(ada).get("/support/").content.decode()


@pytest.mark.django_db(transaction=True)
async def test_a_socket_outside_a_private_team_is_cut_off(
    conversation: Conversation, fraud: Team, olivia: User, omar: User, until: Any
) -> None:
    stream = services.conversation_stream(conversation.id)
    notes, inbox = services.notes_stream(conversation.id), services.team_inbox(fraud.pk)
    sockets = []
    for person in (olivia, omar):
        socket = console_socket(await sync_to_async(client_of)(person))
        await socket.connect()
        for name in (stream, notes, services.INBOX):
            await socket.send_json_to({"type": "subscribe", "id": name, "stream": name})
            assert (await until(socket, lambda f, n=name: f.get("id") == n))["type"] == "ack"
        await socket.send_json_to({"type": "subscribe", "id": "team", "stream": inbox})
        answer = await until(socket, lambda f: f.get("id") == "team")
        assert answer["type"] == ("ack" if person == omar else "error")
        sockets.append(socket)
    outside, inside = sockets
    frame = {"type": "conversation.transfer", "conversation": str(conversation.id), "id": "t"}
    await outside.send_json_to({**frame, "team": fraud.pk, "note": SECRET})
    told: list[dict[str, Any]] = []

    async def answered(name: str) -> dict[str, Any]:
        while not told or told[-1].get("id") != name:
            told.append(await outside.receive_json_from(timeout=10))
        return told[-1]

    assert (await answered("t"))["type"] == "ack"
    await sync_to_async(services.message_receive)(
        conversation_id=conversation.id, text=SECRET, client_id="m"
    )
    heard = await until(inside, lambda f: f.get("stream") == stream and SECRET in str(f))
    assert heard["payload"]["author"] == "visitor"
    assert await until(inside, lambda f: f.get("stream") == inbox)
    for name in (stream, notes):
        again = {"type": "subscribe", "id": f"again {name}", "stream": name, "after": 0}
        await outside.send_json_to(again)
        assert (await answered(str(again["id"])))["code"] == "not_allowed"
    await asyncio.sleep(1)  # longer than the catch-up of what a broadcast missed
    while not await outside.receive_nothing():
        told.append(await outside.receive_json_from())
    assert {f["stream"] for f in told if f["type"] == "revoked"} == {stream, notes}
    after = [f for f in told if f["type"] == "event" and f["stream"] == stream]
    assert after == []
    withdrawn = [f for f in told if f.get("kind") == "conversation.withdrawn"]
    assert withdrawn[0]["payload"] == {"id": str(conversation.id), "team_id": fraud.pk}
    assert SECRET not in str([f for f in told if f.get("stream") == services.INBOX])


@pytest.mark.django_db(transaction=True)
async def test_who_leaves_a_private_team_is_cut_off(
    conversation: Conversation, fraud: Team, olivia: User, omar: User, lena: User, until: Any
) -> None:
    await sync_to_async(passed)(conversation, olivia, fraud)
    socket = console_socket(await sync_to_async(client_of)(omar))
    await socket.connect()
    stream = services.conversation_stream(conversation.id)
    await socket.send_json_to({"type": "subscribe", "id": "s", "stream": stream})
    assert (await until(socket, lambda f: f.get("id") == "s"))["type"] == "ack"
    await sync_to_async(services.team_save)(
        team_id=fraud.pk, actor=lena, name="Fraud", private=True, member_ids=[]
    )
    assert (await until(socket, lambda f: f["type"] == "revoked"))["stream"] == stream
    await socket.disconnect()


def test_passing_on_keeps_the_note_and_tells_the_customer(
    conversation: Conversation, olivia: User, omar: User, lena: User
) -> None:
    cards = services.team_save(team_id=None, actor=lena, name="Cards", member_ids=[omar.pk])
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    with pytest.raises(Conflict, match="Olivia"):
        passed(conversation, omar, cards)
    moved = passed(conversation, olivia, cards, note="she is at the till")
    assert (moved.state, moved.team, moved.assignee) == ("queued", cards, None)
    assert [note.text for note in selectors.note_list(conversation=moved)] == ["she is at the till"]
    assert "passed to Cards" in selectors.message_list(conversation=moved)[-1].text
    given = passed(conversation, omar, cards, assignee_id=olivia.pk)
    assert (given.state, given.assignee) == ("person", olivia)
    services.conversation_resolve(conversation_id=conversation.id, operator=olivia)
    with pytest.raises(Conflict, match="resolved"):
        passed(conversation, olivia, None)
    assert AuditEntry.objects.filter(action="conversation.transferred").count() == 2


def test_the_name_of_a_private_team_is_not_told_to_customers(
    conversation: Conversation, fraud: Team, olivia: User
) -> None:
    passed(conversation, olivia, fraud)
    said = " ".join(one.text for one in selectors.message_list(conversation=conversation))
    assert "another team" in said
    assert "Fraud" not in said


def test_bad_transfers_change_nothing(
    conversation: Conversation, fraud: Team, olivia: User
) -> None:
    with pytest.raises(NotFound):
        services.conversation_transfer(
            conversation_id=conversation.id, operator=olivia, team_id=999, client_id="1"
        )
    with pytest.raises(InvalidInput, match="may see the team"):
        passed(conversation, olivia, fraud, assignee_id=olivia.pk)
    url = f"{API}/conversations/{conversation.id}/transfer/"
    client = client_of(olivia)
    for body in ({}, {"id": "1", "team": "x"}, {"id": "1", "team": None, "note": "x" * 4001}):
        assert client.post(url, body, content_type="application/json").status_code == 400
    conversation.refresh_from_db()
    assert conversation.state == Conversation.State.BOT


def test_matters_go_to_their_team_and_the_rest_to_one(lena: User) -> None:
    cards = services.team_save(team_id=None, actor=lena, name="Cards", matters=["Card  Arrival"])
    first = services.team_save(team_id=None, actor=lena, name="First", takes_rest=True)
    rest = services.team_save(team_id=None, actor=lena, name="Rest", takes_rest=True)
    first.refresh_from_db()
    assert not first.takes_rest
    assert selectors.team_for(subject="card arrival") == cards
    assert selectors.team_for(subject="") == rest
    assert waiting().team == rest


def test_in_turns_within_capacity(lena: User, olivia: User, omar: User) -> None:
    team = services.team_save(
        team_id=None,
        actor=lena,
        name="Desk",
        assignment="turns",
        takes_rest=True,
        member_ids=[olivia.pk, omar.pk],
    )
    rows = [waiting(str(number)) for number in range(3)]
    here(olivia, omar)
    for person, capacity in ((olivia, 1), (omar, 1)):
        services.duty_set(operator=person, actor=lena, capacity=capacity, skills=[])
    assert services.deal(team_id=team.pk) == 2
    for row in rows:
        row.refresh_from_db()
    assert [row.assignee for row in rows] == [olivia, omar, None]
    assert services.deal_all() == 0
    services.presence_set(operator=olivia, away=True)
    services.conversation_resolve(conversation_id=rows[0].id, operator=olivia)
    assert services.deal(team_id=team.pk) == 0
    services.presence_set(operator=olivia, away=False)
    services.deal_for(operator=olivia)
    assert services.deal(team_id=team.pk) == 1
    rows[2].refresh_from_db()
    assert rows[2].assignee == olivia


def test_by_skill_the_one_who_knows_the_matter(lena: User, olivia: User, omar: User) -> None:
    team = services.team_save(
        team_id=None,
        actor=lena,
        name="Desk",
        assignment="skill",
        takes_rest=True,
        member_ids=[olivia.pk, omar.pk],
    )
    services.duty_set(operator=omar, actor=lena, capacity=1, skills=["Mortgage"])
    here(olivia, omar)
    rows = [waiting(str(number)) for number in range(3)]
    for row in rows[:2]:
        services.conversation_sort(conversation_id=row.id, operator=lena, tags=["mortgage"])
    services.deal(team_id=team.pk)
    for row in rows:
        row.refresh_from_db()
    assert [row.assignee for row in rows] == [omar, None, olivia]  # the second waits for Omar
    Duty.objects.filter(operator=omar).update(seen_at=timezone.now() - timedelta(hours=1))
    assert services.deal(team_id=team.pk) == 1


def test_presence_expires_and_colleagues_hear_of_it(olivia: User) -> None:
    before = events.head(services.DESK)
    here(olivia, olivia)
    olivia.refresh_from_db()
    assert selectors.presence_of(olivia) == "online"
    services.presence_set(operator=olivia, away=True)
    assert selectors.presence_of(User.objects.get(pk=olivia.pk)) == "away"
    Duty.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert selectors.presence_of(User.objects.get(pk=olivia.pk)) == "offline"
    assert services.presence_expire() == 1
    assert services.presence_expire() == 0
    told = events.replay(services.DESK, before).events
    assert [event.payload["presence"] for event in told] == ["online", "away", "offline"]


def test_what_an_absent_operator_holds_goes_back(conversation: Conversation, olivia: User) -> None:
    here(olivia)
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    assert services.absent_return() == 0
    past = timezone.now() - timedelta(minutes=11)
    Conversation.objects.update(owned_at=past)
    assert services.absent_return() == 0  # she is still here
    Duty.objects.update(seen_at=past)
    assert services.absent_return() == 1
    conversation.refresh_from_db()
    assert (conversation.state, conversation.assignee) == (Conversation.State.QUEUED, None)
    assert "in the queue again" in selectors.message_list(conversation=conversation)[-1].text
    assert services.absent_return() == 0


@pytest.mark.django_db(transaction=True)
async def test_a_socket_tells_presence(olivia: User, until: Any) -> None:
    client = await sync_to_async(client_of)(olivia)
    socket = console_socket(client)
    await socket.connect()
    assert (await until(socket, lambda f: f["type"] == "hello"))["desk"] == services.DESK
    await socket.send_json_to({"type": "presence.set", "id": "a", "away": True})
    assert (await until(socket, lambda f: f.get("id") == "a"))["presence"] == "away"
    await socket.send_json_to({"type": "presence.set", "id": "b", "away": "yes"})
    assert (await until(socket, lambda f: f.get("id") == "b"))["code"] == "frame_invalid"
    people = await sync_to_async(lambda: client.get(f"{API}/presence/").json())()
    assert [one["presence"] for one in people] == ["away"]
    await socket.disconnect()


def test_only_leads_change_teams(fraud: Team, olivia: User, lena: User, mei: User) -> None:
    operator, lead = client_of(olivia), client_of(lena)
    assert operator.get("/support/teams/").status_code == 403
    assert client_of(mei).get(f"{API}/teams/").status_code == 403
    assert Client().get(f"{API}/teams/").status_code == 401
    body = {"name": "Fraud", "member_ids": [olivia.pk]}
    url = f"{API}/teams/{fraud.pk}/"
    assert operator.put(url, body, content_type="application/json").status_code == 403
    assert operator.delete(url).status_code == 403
    duty = f"{API}/operators/{olivia.pk}/"
    body = {"capacity": 3, "skills": [" Cards "]}
    assert operator.put(duty, body, content_type="application/json").status_code == 403
    assert lead.put(duty, body, content_type="application/json").json()["skills"] == ["cards"]
    assert operator.get(f"{API}/teams/").json() == [
        {"id": fraud.pk, "name": "Fraud", "private": True}
    ]
    assert lead.get("/support/teams/").status_code == 200


def test_the_screen_of_teams(conversation: Conversation, lena: User, olivia: User) -> None:
    client = client_of(lena)
    form = {"name": "Cards", "assignment": "turns", "members": [olivia.pk], "matters": "a, b"}
    assert client.post("/support/teams/", form).status_code == 302
    team = Team.objects.get()
    assert (team.matters, list(team.members.all())) == (["a", "b"], [olivia])
    assert client.post("/support/teams/", form).status_code == 409
    for wrong in ({"name": " "}, {"assignment": "?"}, {"members": ["x"]}, {"members": [99999]}):
        page = client.post("/support/teams/", form | {"name": "Other"} | wrong)
        assert page.status_code == 422, wrong
        assert "alert" in page.content.decode()
    duty = f"/support/teams/operators/{olivia.pk}/"
    assert client.post(duty, {"capacity": "2", "skills": "x"}).status_code == 302
    assert client.post(duty, {"capacity": "-1"}).status_code == 422
    assert client.post(duty, {"capacity": "101"}).status_code == 422
    passed(conversation, olivia, team)
    assert client.post(f"/support/teams/{team.pk}/delete/").status_code == 409
    passed(conversation, lena, None)
    assert client.post(f"/support/teams/{team.pk}/delete/").status_code == 302
