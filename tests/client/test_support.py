"""The client of Support against the real application: an operator and a customer."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.accounts.services import token_create
from apps.support.models import Conversation, Note, Rating
from trefoil_client import Chat, Desk, TrefoilError

WAITING = 260  # more than a page of the client's


@pytest.fixture
def desk_token(transactional_db: None) -> str:
    operator = User.objects.create_user(
        username="olivia-op", first_name="Olivia", role=Role.OPERATOR
    )
    return token_create(user=operator, name="desk")[1]


def test_a_customer_is_answered_by_an_operator(url: str, desk_token: str) -> None:
    with Chat.open(url) as chat, Desk(url, desk_token) as desk:
        first = chat.send("I want a person", id="once")
        assert chat.send("I want a person", id="once") == first
        assert chat.ask_for_person() == "queued"
        (waiting,) = desk.conversations("waiting")
        assert waiting.preview == "I want a person"
        with pytest.raises(TrefoilError) as refused:
            desk.reply(waiting.id, "too early")
        assert (refused.value.code, refused.value.status) == ("not_owner", 409)
        assert desk.take(waiting.id).state == "person"
        desk.note(waiting.id, "She is at the till.")
        assert desk.reply(waiting.id, "Hello!").name
        with Chat(url, chat.token) as later:
            said = [(one.author, one.text) for one in later.messages()]
        assert said[-1] == ("operator", "Hello!")
        assert desk.messages(waiting.id)[-1].text == "Hello!"
        assert Note.objects.count() == 1
        assert desk.resolve(waiting.id).state == "resolved"
        chat.rate(good=True)
        assert Rating.objects.get().good


def test_a_list_of_several_pages_and_strangers(url: str, desk_token: str, token: str) -> None:
    now = timezone.now()
    Conversation.objects.bulk_create(
        Conversation(
            visitor=uuid.uuid4(),
            visitor_name=f"Caller {number}",
            active_at=now + timedelta(seconds=number),
        )
        for number in range(WAITING)
    )
    with Desk(url, desk_token) as desk:
        names = [one.name for one in desk.conversations()]
        assert [one.name for one in desk.conversations(q="caller 17")][-1] == "Caller 17"
    assert names == [f"Caller {number}" for number in reversed(range(WAITING))]
    with Desk(url, token) as stranger, pytest.raises(TrefoilError) as refused:
        next(stranger.conversations())
    assert refused.value.status == 403
    with Chat(url, "forged") as forged, pytest.raises(TrefoilError) as refused:
        forged.messages()
    assert refused.value.code == "visitor_unknown"
