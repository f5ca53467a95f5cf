"""The models begin to read a message while it is being stored."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.db import database_sync_to_async
from django.utils import timezone

from apps.support import knowledge, selectors, services, thinking
from apps.support.models import BotTurn, Conversation, Message
from ml.serving.fakes import FakeEngine
from tests.support.conftest import client_of, widget_socket

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How do I change my PIN?"


def read_by_models(engine: FakeEngine) -> set[str]:
    """The texts that were computed, once all have been."""
    engine.close()
    return {text for _, texts in engine.gate.batches for text in texts}


def test_the_models_read_what_will_be_stored_not_what_was_written(engine: FakeEngine) -> None:
    thinking.foresee("Write to vera@example.org")
    assert read_by_models(engine) == {"Write to [email]"}
    assert {task for task, _ in engine.gate.batches} == {"intent", "encoder", "ner"}


def test_busy_models_are_no_reason_to_refuse_a_message(engine: FakeEngine) -> None:
    with engine.overloaded():
        thinking.foresee(QUESTION)
    assert read_by_models(engine) == set()


async def test_models_begin_before_a_message_is_stored(
    articles: Any, engine: FakeEngine, until: Any
) -> None:
    await sync_to_async(knowledge.current, thread_sensitive=False)()
    socket = widget_socket(uuid.uuid4())
    await socket.connect()
    await until(socket, lambda frame: frame["type"] == "hello")
    release = threading.Event()
    storing = asyncio.create_task(database_sync_to_async(release.wait)(10))
    engine.gate.hold()
    await socket.send_json_to({"type": "message.send", "id": "m1", "text": QUESTION})
    assert await sync_to_async(engine.gate.wait_until_held, thread_sensitive=False)()
    assert not storing.done()
    engine.gate.release()
    release.set()
    await storing
    await until(socket, lambda frame: frame.get("payload", {}).get("author") == "bot")
    await socket.disconnect()


@database_sync_to_async
def conversation_with(operator: Any, visitor: uuid.UUID) -> Conversation:
    conversation = services.conversation_start(visitor=visitor)
    return services.conversation_take(conversation_id=conversation.id, operator=operator)


async def test_the_models_do_not_read_what_is_written_to_a_person(
    articles: Any, engine: FakeEngine, olivia: Any, until: Any
) -> None:
    visitor = uuid.uuid4()
    await conversation_with(olivia, visitor)
    socket = widget_socket(visitor)
    await socket.connect()
    await socket.send_json_to({"type": "message.send", "id": "m1", "text": QUESTION})
    await until(socket, lambda frame: frame["type"] == "ack")
    assert await Message.objects.filter(text=QUESTION).aexists()
    assert QUESTION not in await sync_to_async(read_by_models, thread_sensitive=False)(engine)
    await socket.disconnect()


def said(visitor: uuid.UUID, *texts: str) -> list[tuple[Message, Message | None]]:
    """A conversation in which the bot answers each of the texts: the messages and its answers."""
    conversation = services.conversation_start(visitor=visitor)
    pairs = []
    for number, text in enumerate(texts):
        received = services.message_receive(
            conversation_id=conversation.id, text=text, client_id=f"m{number}"
        )
        assert received.turn is not None
        turn = BotTurn.objects.select_related("message__conversation").get(pk=received.turn.pk)
        decision, analysis = async_to_sync(thinking.think)(turn.message)
        closed = services.turn_close(turn=turn, decision=decision, analysis=analysis)
        turn.message.refresh_from_db()
        pairs.append((turn.message, closed.answer))
    return pairs


def cited(answer: Message | None) -> list[str]:
    return [citation["slug"] for citation in answer.citations] if answer else []


def test_a_message_that_says_too_little_is_read_behind_the_question_before(
    articles: Any, engine: FakeEngine
) -> None:
    pairs = said(uuid.uuid4(), "How do I change my PIN?", "and what about it?")
    message, answer = pairs[1]
    assert message.analysis["read_as"] == "How do I change my PIN. and what about it?"
    assert message.text == "and what about it?"
    assert cited(answer) == ["change-pin"]
    alone, reply = said(uuid.uuid4(), "and what about it?")[0]
    assert "read_as" not in alone.analysis
    assert reply is not None
    assert not reply.citations


def test_misspelt_words_are_mended_for_the_models_alone(articles: Any, engine: FakeEngine) -> None:
    message, answer = said(uuid.uuid4(), "whenn will it ariive")[0]
    assert message.text == "whenn will it ariive"
    assert message.analysis["read_as"] == "when will it arrive"
    assert cited(answer) == ["card-arrival"]


def test_two_matters_in_one_message_are_both_answered(articles: Any, engine: FakeEngine) -> None:
    message, answer = said(uuid.uuid4(), "How do I change my PIN, and why is there a fee?")[0]
    assert message.analysis["rule"] == "several matters"
    assert cited(answer) == ["change-pin", "cash-fees"]
    assert answer is not None
    assert answer.text.count("\n") >= 3


def test_who_takes_over_reads_what_was_asked_answered_and_why_it_was_passed_on(
    articles: Any, engine: FakeEngine, olivia: Any
) -> None:
    visitor = uuid.uuid4()
    pairs = said(
        visitor,
        "Hello",
        "How do I change my PIN? Write to vera@example.org, I paid £84.2 with my Virtual Card",
        "what is the weather",
        "and the news?",
    )
    conversation = pairs[0][0].conversation
    summary = selectors.summary_get(conversation=conversation)
    assert summary.asked == [message.text for message, _ in pairs[1:]]
    assert "[email]" in summary.asked[0]
    assert summary.answered == ["How do I change my PIN?"]
    assert ("email", "masked") in summary.details
    assert {("amount", "84.20 GBP"), ("product", "virtual card")} <= set(summary.details)
    assert summary.reason == "out of scope, again"
    client = client_of(olivia)
    url = f"/api/v1/support/conversations/{conversation.id}/summary/"
    assert client.get(url).json()["answered"] == summary.answered
    page = client.get(f"/support/c/{conversation.id}/inspector/").content.decode()
    assert "In short" in page
    assert "out of scope, again" in page


def test_urgent_ones_come_first_in_the_queue_that_customers_are_told(db: None) -> None:
    waiting = []
    for priority in (Conversation.Priority.NORMAL, Conversation.Priority.URGENT):
        conversation = services.conversation_start(visitor=uuid.uuid4())
        Conversation.objects.filter(pk=conversation.pk).update(priority=priority)
        waiting.append(services.person_request(conversation_id=conversation.id))
    assert [selectors.queue_position(conversation=one) for one in waiting] == [2, 1]
    assert list(selectors.conversation_list(tab="waiting")) == waiting[::-1]
    Conversation.objects.filter(pk=waiting[1].pk).update(snoozed_until=timezone.now())
    assert selectors.queue_position(conversation=waiting[0]) == 1
