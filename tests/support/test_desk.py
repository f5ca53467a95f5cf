"""Notes, assigning, sorting and snoozing: what operators do around a conversation."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core import events
from apps.core.errors import Conflict, InvalidInput
from apps.support import selectors, services
from apps.support.models import BotTurn, Conversation, Note
from apps.support.visitors import visitor_token
from tests.support.conftest import client_of, console_socket, widget_socket

pytestmark = pytest.mark.django_db
API = "/api/v1/support"
SECRET = "he sounds upset, be kind"


def note(conversation: Conversation, operator: User, client_id: str = "n1") -> tuple[Note, bool]:
    return services.note_add(
        conversation_id=conversation.id, operator=operator, text=SECRET, client_id=client_id
    )


def post(client: Client, conversation: Conversation, path: str, body: Any) -> Any:
    url = f"{API}/conversations/{conversation.id}/{path}/"
    return client.post(url, body, content_type="application/json")


def tabs(conversation: Conversation, operator: User) -> set[str]:
    return {
        tab
        for tab in selectors.TABS
        if selectors.conversation_list(tab=tab, operator=operator)
        .filter(id=conversation.id)
        .exists()
    }


def test_a_note_is_stored_once_behind_the_message_it_follows(
    conversation: Conversation, olivia: User
) -> None:
    services.person_request(conversation_id=conversation.id)
    first, repeated = note(conversation, olivia)
    assert (first.after_seq, repeated) == (1, False)
    again, repeated = note(conversation, olivia)
    assert (again.pk, repeated) == (first.pk, True)


def test_nothing_that_a_visitor_reads_holds_a_note(
    conversation: Conversation, olivia: User, client: Client
) -> None:
    before = events.head(services.conversation_stream(conversation.id))
    note(conversation, olivia)
    assert events.head(services.conversation_stream(conversation.id)) == before
    headers = {"X-Visitor-Token": visitor_token(conversation.visitor)}
    assert SECRET not in client.get(f"{API}/visitor/messages/", headers=headers).content.decode()
    assert client.get(f"{API}/conversations/{conversation.id}/notes/").status_code == 401
    page = client_of(olivia).get(f"/support/c/{conversation.id}/").content.decode()
    assert SECRET in page


def test_members_neither_read_nor_act(conversation: Conversation, mei: User, olivia: User) -> None:
    note(conversation, olivia)
    member = client_of(mei)
    assert member.get(f"{API}/conversations/{conversation.id}/notes/").status_code == 403
    bodies = {
        "notes": {"id": "1", "text": "x"},
        "assign": {"assignee": olivia.pk, "expected": None},
        "sort": {"priority": 1},
        "snooze": {"until": None},
    }
    for path, body in bodies.items():
        assert post(member, conversation, path, body).status_code == 403
        assert post(Client(), conversation, path, body).status_code == 401


def test_a_colleague_is_assigned_unless_somebody_was_faster(
    conversation: Conversation, olivia: User, omar: User, mei: User
) -> None:
    turn = services.message_receive(conversation_id=conversation.id, text="hi", client_id="1").turn
    assert turn is not None
    act = {"conversation_id": conversation.id, "operator": olivia}
    services.conversation_assign(**act, assignee_id=omar.pk, expected_id=None)
    conversation.refresh_from_db()
    assert (conversation.state, conversation.assignee) == (Conversation.State.PERSON, omar)
    assert BotTurn.objects.get().status == BotTurn.Status.DROPPED
    with pytest.raises(Conflict, match="It is with Omar"):
        services.conversation_assign(**act, assignee_id=olivia.pk, expected_id=None)
    services.conversation_assign(**act, assignee_id=olivia.pk, expected_id=omar.pk)
    services.conversation_assign(**act, assignee_id=olivia.pk, expected_id=olivia.pk)
    said = [message.text for message in conversation.messages.filter(author="system")]
    assert said == ["Omar-Op has joined.", "Olivia-Op has joined."]
    with pytest.raises(InvalidInput, match="Only an operator"):
        services.conversation_assign(**act, assignee_id=mei.pk, expected_id=olivia.pk)
    assert AuditEntry.objects.filter(action="conversation.assigned", actor=olivia).count() == 2


def test_urgent_conversations_wait_in_front(olivia: User) -> None:
    rows = [services.conversation_start(visitor=uuid.uuid4()) for _ in range(3)]
    for row in rows:
        services.person_request(conversation_id=row.id)
    services.conversation_sort(conversation_id=rows[2].id, operator=olivia, priority=1)
    waiting = selectors.conversation_list(tab="waiting")
    assert [row.id for row in waiting] == [rows[2].id, rows[0].id, rows[1].id]
    with pytest.raises(InvalidInput):
        services.conversation_sort(conversation_id=rows[0].id, operator=olivia, priority=9)


def test_tags_are_cleaned_and_bounded(conversation: Conversation, olivia: User) -> None:
    act = {"conversation_id": conversation.id, "operator": olivia}
    sorted_ = services.conversation_sort(**act, tags=[" Refund ", "refund", "", "big  deal"])
    assert sorted_.tags == ["refund", "big deal"]
    for tags in (["x" * 41], [str(number) for number in range(13)]):
        with pytest.raises(InvalidInput):
            services.conversation_sort(**act, tags=tags)
    assert Conversation.objects.get().tags == ["refund", "big deal"]


def test_a_snoozed_conversation_comes_back_in_time(
    conversation: Conversation, olivia: User
) -> None:
    until = timezone.now() + timedelta(hours=1)
    services.conversation_snooze(conversation_id=conversation.id, operator=olivia, until=until)
    assert tabs(conversation, olivia) == {"snoozed"}
    assert services.conversations_wake() == 0
    Conversation.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))
    head = events.head(services.INBOX)
    assert services.conversations_wake() == 1
    assert services.conversations_wake() == 0
    assert tabs(conversation, olivia) == {"unassigned", "bot", "all"}
    assert events.head(services.INBOX) == head + 1


def test_unassigned_is_what_no_person_has(conversation: Conversation, olivia: User) -> None:
    assert tabs(conversation, olivia) == {"unassigned", "bot", "all"}
    services.person_request(conversation_id=conversation.id)
    assert tabs(conversation, olivia) == {"unassigned", "waiting", "all"}
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    assert tabs(conversation, olivia) == {"mine", "all"}
    services.conversation_resolve(conversation_id=conversation.id, operator=olivia)
    assert tabs(conversation, olivia) == {"resolved"}


def test_the_customers_message_ends_a_snooze(conversation: Conversation, olivia: User) -> None:
    until = timezone.now() + timedelta(hours=1)
    services.conversation_snooze(conversation_id=conversation.id, operator=olivia, until=until)
    services.message_receive(conversation_id=conversation.id, text="hello?", client_id="1")
    assert "snoozed" not in tabs(conversation, olivia)


def test_who_may_snooze_and_until_when(
    conversation: Conversation, olivia: User, omar: User
) -> None:
    act = {"conversation_id": conversation.id, "operator": olivia}
    for wrong in (timedelta(0), timedelta(days=91)):
        with pytest.raises(InvalidInput, match="within the next"):
            services.conversation_snooze(**act, until=timezone.now() + wrong)
    services.conversation_take(conversation_id=conversation.id, operator=omar)
    with pytest.raises(Conflict, match="Omar"):
        services.conversation_snooze(**act, until=timezone.now() + timedelta(hours=1))
    services.conversation_resolve(conversation_id=conversation.id, operator=omar)
    with pytest.raises(Conflict, match="resolved"):
        services.conversation_snooze(**act, until=timezone.now() + timedelta(hours=1))


def test_all_of_it_through_the_api(conversation: Conversation, olivia: User, omar: User) -> None:
    client = client_of(olivia)
    assert post(client, conversation, "notes", {"id": "1", "text": SECRET}).status_code == 201
    assert post(client, conversation, "notes", {"id": "1", "text": SECRET}).status_code == 200
    notes = client.get(f"{API}/conversations/{conversation.id}/notes/").json()
    assert [(row["text"], row["name"]) for row in notes] == [(SECRET, "Olivia-Op")]
    assert post(client, conversation, "sort", {"priority": 1, "tags": ["a"]}).json()["tags"] == [
        "a"
    ]
    body = {"assignee": omar.pk, "expected": None}
    assert post(client, conversation, "assign", body).json()["assignee"] == "Omar-Op"
    assert post(client, conversation, "assign", body).status_code == 409
    assert post(client, conversation, "assign", {"assignee": "x"}).status_code == 400
    assert post(client, conversation, "snooze", {"until": "soon"}).status_code == 400


@pytest.mark.django_db(transaction=True)
async def test_notes_reach_operators_and_never_the_visitor(
    conversation: Conversation, olivia: User, omar: User, until: Any
) -> None:
    stream = services.notes_stream(conversation.id)
    client = await sync_to_async(client_of)(olivia)
    console, widget = console_socket(client), widget_socket(conversation.visitor)
    await console.connect()
    await widget.connect()
    await console.send_json_to({"type": "subscribe", "id": "s", "stream": stream, "after": 0})
    await widget.send_json_to({"type": "subscribe", "id": "s", "stream": stream, "after": 0})
    refused = await until(widget, lambda frame: frame.get("id") == "s")
    assert (refused["type"], refused["code"]) == ("error", "not_allowed")
    own = services.conversation_stream(conversation.id)
    await widget.send_json_to({"type": "subscribe", "id": "o", "stream": own, "after": 0})
    target = {"conversation": str(conversation.id)}
    await console.send_json_to({"type": "note.add", "id": "n", "text": SECRET, **target})
    shown = await until(console, lambda frame: frame.get("kind") == "note.created")
    assert shown["payload"]["text"] == SECRET
    frames: dict[str, dict[str, Any]] = {
        "sort": {"type": "conversation.sort", "priority": 2, "tags": ["vip"]},
        "bad": {"type": "conversation.sort", "tags": "vip"},
        "late": {"type": "conversation.snooze", "until": "yesterday"},
        "naive": {"type": "conversation.snooze", "until": "2099-01-01T00:00"},
        "odd": {"type": "conversation.assign", "assignee": True},
        "own": {"type": "conversation.assign", "expected": None},
    }
    answers = {}
    for name, frame in frames.items():
        await console.send_json_to({"id": name, **frame, **target})
        answers[name] = await until(console, lambda got, name=name: got.get("id") == name)
    assert [answers[name]["type"] for name in ("sort", "own")] == ["ack", "ack"]
    for name in ("bad", "late", "naive", "odd"):
        assert answers[name]["code"] == "frame_invalid"
    assert answers["own"]["conversation"]["assignee_id"] == olivia.pk
    heard = await until(widget, lambda frame: frame.get("kind") == "message.created")
    assert heard["payload"]["text"] == "Olivia-Op has joined."
    await console.disconnect()
    await widget.disconnect()
