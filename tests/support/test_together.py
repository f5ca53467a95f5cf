"""Mentions in notes, and several conversations handled at once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.core import events
from apps.core.errors import InvalidInput
from apps.support import selectors, services
from apps.support.models import Conversation
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db
BULK = "/api/v1/support/conversations/bulk/"
JSON: Any = {"content_type": "application/json"}


def heard(person: User) -> list[str]:
    log = events.replay(services.mentions_stream(person.pk), 0).events
    return [event.payload["note"]["text"] for event in log]


def noted(conversation: Conversation, operator: User, text: str) -> None:
    services.note_add(
        conversation_id=conversation.id, operator=operator, text=text, client_id=uuid.uuid4().hex
    )


def test_a_note_tells_those_it_names(
    conversation: Conversation, olivia: User, omar: User, mei: User
) -> None:
    text = "@Omar-Op, @olivia-op and @mei-member: see a@omar-op.example"
    noted(conversation, olivia, text)
    assert heard(omar) == [text]
    assert heard(olivia) == []  # her own note
    assert heard(mei) == []  # no operator
    noted(conversation, olivia, "write to a@omar-op")
    assert heard(omar) == [text]


def test_nobody_is_told_of_what_they_may_not_see(
    conversation: Conversation, olivia: User, omar: User
) -> None:
    lead = user("lena-lead", Role.LEAD)
    team = services.team_save(
        team_id=None, actor=lead, name="Fraud", private=True, member_ids=[olivia.pk]
    )
    services.conversation_transfer(
        conversation_id=conversation.id, operator=olivia, team_id=team.pk, client_id="t"
    )
    noted(conversation, olivia, "@omar-op look")
    assert heard(omar) == []
    own, other = services.mentions_stream(omar.pk), services.mentions_stream(olivia.pk)
    assert selectors.stream_in_sight(stream=own, operator=omar)
    assert not selectors.stream_in_sight(stream=other, operator=omar)


def test_several_at_once_and_each_is_told_of(olivia: User, omar: User, mei: User) -> None:
    rows = [services.conversation_start(visitor=uuid.uuid4()) for _ in range(3)]
    services.conversation_take(conversation_id=rows[0].id, operator=omar)
    ids = [str(row.id) for row in rows]
    client = client_of(olivia)
    body = {"conversations": ids, "action": "take"}
    answer = client.post(BULK, body, **JSON).json()
    assert [row["done"] for row in answer["conversations"]] == [False, True, True]
    assert "Omar" in answer["conversations"][0]["detail"]
    assert Conversation.objects.filter(assignee=olivia).count() == 2
    body = {"conversations": ids, "action": "sort", "priority": 1, "tags": ["storm"]}
    assert client.post(BULK, body, **JSON).json()["done"] == 3
    assert set(Conversation.objects.values_list("priority", flat=True)) == {1}
    body = {"conversations": ids[1:], "action": "assign", "assignee": omar.pk}
    assert client.post(BULK, body, **JSON).json()["done"] == 2
    body = {"conversations": ids, "action": "resolve"}
    assert client.post(BULK, body, **JSON).json()["done"] == 0
    assert client_of(omar).post(BULK, body, **JSON).json()["done"] == 3
    assert client_of(mei).post(BULK, body, **JSON).status_code == 403
    assert Client().post(BULK, body, **JSON).status_code == 401


def test_bulk_never_reaches_what_is_out_of_sight(olivia: User, omar: User) -> None:
    lead = user("lena-lead", Role.LEAD)
    team = services.team_save(
        team_id=None, actor=lead, name="Fraud", private=True, member_ids=[omar.pk]
    )
    row = services.conversation_start(visitor=uuid.uuid4())
    services.conversation_transfer(
        conversation_id=row.id, operator=olivia, team_id=team.pk, client_id="t"
    )
    for action in ("take", "resolve", "sort", "snooze", "assign"):
        body = {"conversations": [str(row.id)], "action": action, "assignee": olivia.pk}
        body |= {"priority": 1, "until": None}
        (told,) = client_of(olivia).post(BULK, body, **JSON).json()["conversations"]
        assert told["code"] == "conversation_not_found", action


def test_bad_bulk_requests(olivia: User) -> None:
    client = client_of(olivia)
    row = str(services.conversation_start(visitor=uuid.uuid4()).id)
    for body in (
        {"conversations": ["x"], "action": "take"},
        {"conversations": [row], "action": "delete"},
        {"conversations": [row] * 201, "action": "take"},
        {"conversations": [], "action": "take"},
    ):
        assert client.post(BULK, body, **JSON).status_code in (400, 422), body
    (told,) = client.post(BULK, {"conversations": [row], "action": "assign"}, **JSON).json()[
        "conversations"
    ]
    assert not told["done"]
    with pytest.raises(InvalidInput, match="between 1 and 200"):
        services.conversations_handle(
            conversation_ids=[], operator=olivia, act=services.conversation_take
        )
