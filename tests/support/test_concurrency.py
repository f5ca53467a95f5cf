"""Customers, operators and bots that act on one conversation at the same moment."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.core import events
from apps.core.errors import Conflict
from apps.support import services
from apps.support.bot import Decision
from apps.support.models import BotTurn, Conversation, Message
from tests.conftest import AtOnce

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 5


def conversation() -> Conversation:
    return services.conversation_start(visitor=uuid.uuid4())


def receive(conversation_id: uuid.UUID, client_id: str, **more: bool) -> services.Received:
    return services.message_receive(
        conversation_id=conversation_id, text="where is my card", client_id=client_id, **more
    )


def operators(count: int) -> list[User]:
    return [
        User.objects.create_user(username=f"operator-{number}", role=Role.OPERATOR)
        for number in range(count)
    ]


def test_one_of_two_operators_takes_a_conversation(at_once: AtOnce) -> None:
    people = operators(2)
    for _ in range(ROUNDS):
        wanted = conversation()
        results = at_once(
            *[
                partial(services.conversation_take, conversation_id=wanted.id, operator=person)
                for person in people
            ]
        )
        won = [result for result in results if isinstance(result, Conversation)]
        lost = [result for result in results if isinstance(result, Conflict)]
        assert (len(won), len(lost)) == (1, 1), results
        wanted.refresh_from_db()
        assert wanted.assignee_id == won[0].assignee_id
        assert lost[0].code == "conversation_taken"
        assert Message.objects.filter(conversation=wanted).count() == 1


def test_a_message_sent_twice_at_once_is_stored_once(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        about = conversation()
        results = at_once(*[partial(receive, about.id, "same", answer_here=True)] * 3)
        assert sorted(result.repeated for result in results) == [False, True, True]
        assert len({result.message.pk for result in results}) == 1
        assert sum(result.leased for result in results) == 1
        assert BotTurn.objects.filter(message__conversation=about).count() == 1


def test_messages_sent_at_once_are_numbered_without_a_gap(at_once: AtOnce) -> None:
    about = conversation()
    at_once(*[partial(receive, about.id, name) for name in "abcdef"])
    messages = Message.objects.filter(conversation=about).order_by("seq")
    assert [message.seq for message in messages] == [1, 2, 3, 4, 5, 6]
    log = events.replay(services.conversation_stream(about.id), 0)
    told = [event.payload for event in log.events if event.kind == "message.created"]
    assert [payload["seq"] for payload in told] == [1, 2, 3, 4, 5, 6]


def test_the_first_message_from_several_tabs_opens_one_conversation(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        visitor = uuid.uuid4()
        opened = at_once(*[partial(services.conversation_open, visitor=visitor)] * 3)
        assert len({result.id for result in opened}) == 1
        assert Conversation.objects.filter(visitor=visitor).count() == 1


def test_one_of_several_bots_gets_the_lease_of_a_turn(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        turn_id = receive(conversation().id, "a").turn_id
        assert turn_id is not None
        BotTurn.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        claimed = at_once(*[partial(services.turn_claim, turn_id=turn_id)] * 4)
        assert sorted(claimed) == [False, False, False, True]


def test_a_turn_that_two_bots_answer_is_answered_once(at_once: AtOnce) -> None:
    decision = Decision("answer", "It is on its way.", "confident")
    for _ in range(ROUNDS):
        about = conversation()
        turn_id = receive(about.id, "a").turn_id

        def close(pk: int | None = turn_id) -> services.Closed:
            turn = BotTurn.objects.select_related("message").get(pk=pk)
            return services.turn_close(turn=turn, decision=decision, analysis={})

        closed = at_once(close, close, close)
        assert sum(result.answer is not None for result in closed) == 1
        assert Message.objects.filter(conversation=about, author="bot").count() == 1


def test_the_bot_is_silent_once_an_operator_has_joined(at_once: AtOnce) -> None:
    (person,) = operators(1)
    decision = Decision("answer", "It is on its way.", "confident")
    for _ in range(ROUNDS):
        about = conversation()
        turn_id = receive(about.id, "a").turn_id
        turn = BotTurn.objects.select_related("message").get(pk=turn_id)
        results = at_once(
            partial(services.turn_close, turn=turn, decision=decision, analysis={}),
            partial(services.conversation_take, conversation_id=about.id, operator=person),
        )
        assert not [result for result in results if isinstance(result, Exception)]
        authors = list(
            Message.objects.filter(conversation=about).order_by("seq").values_list("author")
        )
        assert authors in ([("visitor",), ("bot",), ("system",)], [("visitor",), ("system",)])
