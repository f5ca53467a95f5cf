from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core import events
from apps.core.errors import Conflict, NotFound, RateLimited
from apps.support import selectors, services
from apps.support.bot import Decision
from apps.support.models import BotTurn, Conversation, Message
from apps.support.visitors import visitor_token

pytestmark = pytest.mark.django_db
ANSWER = Decision("answer", "Four to six days.", "the intent is sure")
HAND_OVER = Decision("hand_over", "A colleague comes.", "asked")


def receive(
    conversation: Conversation, text: str = "where is my card", **more: object
) -> services.Received:
    return services.message_receive(
        conversation_id=conversation.id,
        text=text,
        client_id=str(more.pop("client_id", uuid.uuid4().hex)),
        **more,  # type: ignore[arg-type]
    )


def answer(*, turn_id: int, decision: Decision, analysis: dict[str, Any]) -> Message | None:
    turn = BotTurn.objects.select_related("message").get(pk=turn_id)
    return services.turn_close(turn=turn, decision=decision, analysis=analysis).answer


def test_closing_a_turn_claims_the_next(conversation: Conversation) -> None:
    first = receive(conversation, answer_here=True)
    second = receive(conversation, "and my other card")
    assert (first.leased, second.leased) == (True, False)
    assert first.turn is not None
    closed = services.turn_close(turn=first.turn, decision=ANSWER, analysis={})
    assert closed.answer is not None
    assert closed.following == second.turn_id
    assert second.turn_id not in selectors.turns_due()


def test_a_message_is_stored_with_its_turn_and_event(conversation: Conversation) -> None:
    received = receive(conversation, answer_here=True)
    assert received.message.seq == 1
    assert BotTurn.objects.get(message=received.message).status == "pending"
    log = events.replay(services.conversation_stream(conversation.id), 0)
    assert [event.kind for event in log.events if event.kind == "message.created"] == [
        "message.created"
    ]


def test_the_same_client_id_is_stored_once(conversation: Conversation) -> None:
    first = receive(conversation, client_id="a")
    second = receive(conversation, client_id="a")
    assert second.repeated
    assert second.message.pk == first.message.pk
    assert conversation.messages.count() == 1
    assert BotTurn.objects.count() == 1


def test_a_visitor_writes_so_many_messages_a_minute_over_all_doors(
    conversation: Conversation,
) -> None:
    most = services.MOST_A_MINUTE
    for number in range(most):
        receive(conversation, client_id=f"m{number}")
    with pytest.raises(RateLimited):
        receive(conversation, client_id="one more")
    token = {"X-Visitor-Token": visitor_token(conversation.visitor)}
    body = {"id": "by another door", "text": "hello"}
    url = "/api/v1/support/visitor/messages/"
    answer = Client().post(url, body, content_type="application/json", headers=token)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert receive(conversation, client_id="m1").repeated  # what is stored is acknowledged again
    assert conversation.messages.count() == most
    conversation.messages.update(created_at=timezone.now() - timedelta(minutes=1))
    assert not receive(conversation, client_id="one more").repeated


def test_personal_numbers_never_reach_the_database(conversation: Conversation) -> None:
    receive(conversation, "my card is 4242424242424242")
    assert not Message.objects.filter(text__contains="4242").exists()
    conversation.refresh_from_db()
    assert "4242" not in conversation.preview


def test_a_turn_is_answered_once(conversation: Conversation) -> None:
    turn_id = receive(conversation).turn_id
    assert turn_id is not None
    assert answer(turn_id=turn_id, decision=ANSWER, analysis={}) is not None
    assert answer(turn_id=turn_id, decision=ANSWER, analysis={}) is None
    assert conversation.messages.filter(author="bot").count() == 1


def test_a_turn_left_by_a_dead_process_can_be_claimed_once_its_lease_has_run_out(
    conversation: Conversation,
) -> None:
    turn_id = receive(conversation, answer_here=True).turn_id
    assert turn_id is not None
    assert not services.turn_claim(turn_id=turn_id)
    BotTurn.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert services.turn_claim(turn_id=turn_id)
    assert not services.turn_claim(turn_id=turn_id)


def test_the_bot_is_silent_when_a_person_took_over_while_it_thought(
    conversation: Conversation, olivia: User
) -> None:
    turn_id = receive(conversation).turn_id
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    assert turn_id is not None
    assert answer(turn_id=turn_id, decision=ANSWER, analysis={}) is None
    assert not conversation.messages.filter(author="bot").exists()


def test_no_turn_is_owed_while_a_person_speaks(conversation: Conversation, olivia: User) -> None:
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    assert receive(conversation).turn_id is None


def test_a_hand_over_queues_and_tells_the_position(conversation: Conversation) -> None:
    turn_id = receive(conversation).turn_id
    assert turn_id is not None
    answer(turn_id=turn_id, decision=HAND_OVER, analysis={})
    conversation.refresh_from_db()
    assert conversation.state == Conversation.State.QUEUED
    log = events.replay(services.conversation_stream(conversation.id), 0)
    assert log.events[-1].payload["position"] == 1


def test_only_one_operator_owns_a_conversation(
    conversation: Conversation, olivia: User, omar: User
) -> None:
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    with pytest.raises(Conflict, match="Olivia"):
        services.conversation_take(conversation_id=conversation.id, operator=omar)
    with pytest.raises(Conflict):
        services.operator_reply(
            conversation_id=conversation.id, operator=omar, text="hi", client_id="x"
        )
    with pytest.raises(Conflict):
        services.conversation_resolve(conversation_id=conversation.id, operator=omar)
    assert AuditEntry.objects.filter(action="conversation.taken", actor=olivia).count() == 1


def test_taking_twice_changes_nothing(conversation: Conversation, olivia: User) -> None:
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    count = conversation.messages.count()
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    assert conversation.messages.count() == count


def test_a_reply_is_stored_once(conversation: Conversation, olivia: User) -> None:
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    for expected in (False, True):
        _, repeated = services.operator_reply(
            conversation_id=conversation.id, operator=olivia, text="Hello", client_id="r1"
        )
        assert repeated is expected
    assert conversation.messages.filter(author="operator").count() == 1


def test_a_resolved_conversation_opens_again_with_the_bot(
    conversation: Conversation, olivia: User
) -> None:
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    services.conversation_resolve(conversation_id=conversation.id, operator=olivia)
    assert receive(conversation).turn_id is not None
    conversation.refresh_from_db()
    assert (conversation.state, conversation.assignee) == (Conversation.State.BOT, None)


def test_asking_for_a_person_twice_queues_once(conversation: Conversation) -> None:
    services.person_request(conversation_id=conversation.id)
    services.person_request(conversation_id=conversation.id)
    assert conversation.messages.count() == 1


def test_an_unknown_conversation_is_not_found() -> None:
    with pytest.raises(NotFound):
        services.person_request(conversation_id=uuid.uuid4())


def test_turns_of_a_conversation_are_answered_in_order(conversation: Conversation) -> None:
    first, second = receive(conversation).turn_id, receive(conversation, answer_here=True)
    assert not second.leased
    assert selectors.turns_due() == [first]
    assert first is not None
    assert second.turn_id not in selectors.turns_due()
    answer(turn_id=first, decision=ANSWER, analysis={})
    # Closing the first has claimed the second; once that lease runs out anyone may take it.
    BotTurn.objects.filter(pk=second.turn_id).update(lease_until=timezone.now())
    assert selectors.turns_due() == [second.turn_id]


def answered(conversation: Conversation, decision: Decision, label: str) -> None:
    turn_id = receive(conversation).turn_id
    assert turn_id is not None
    analysis = {"intents": [{"label": label, "score": 0.9}]}
    answer(turn_id=turn_id, decision=decision, analysis=analysis)
    conversation.refresh_from_db()


def test_the_subject_is_what_was_answered_last_not_small_talk(conversation: Conversation) -> None:
    answered(conversation, ANSWER, "card_arrival")
    answered(conversation, Decision("chat", "You are welcome.", "small talk"), "change_pin")
    assert conversation.subject == "card arrival"


def test_the_preview_shows_the_customers_words(conversation: Conversation) -> None:
    answered(conversation, ANSWER, "card_arrival")
    assert conversation.preview == "where is my card"


def queued() -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4())
    return services.person_request(conversation_id=conversation.id)


@pytest.mark.django_db(transaction=True)
def test_those_who_wait_learn_that_they_moved_up(olivia: User) -> None:
    first, second, third = queued(), queued(), queued()
    assert [selectors.queue_position(conversation=c) for c in (first, second, third)] == [1, 2, 3]
    services.conversation_take(conversation_id=first.id, operator=olivia)
    for conversation, position in ((second, 1), (third, 2)):
        log = events.replay(services.conversation_stream(conversation.id), 0).events
        assert (log[-1].kind, log[-1].payload["position"]) == ("queue.moved", position)


def test_a_visitor_has_one_conversation() -> None:
    visitor = uuid.uuid4()
    first = services.conversation_open(visitor=visitor)
    assert services.conversation_open(visitor=visitor).id == first.id
    assert services.conversation_open(visitor=uuid.uuid4()).id != first.id
