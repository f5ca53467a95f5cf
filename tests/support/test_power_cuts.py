"""The process dies at each stage of a turn: after it each message is there once, in order.

A cut is raised where the stage begins and passes everything that handles errors, as a kill does;
what lived in memory alone is dropped with it. A real kill of a real server is in tests/browser.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from apps.accounts.models import User
from apps.core import events
from apps.support import answerer, services
from apps.support.models import BotTurn, Conversation, Message
from tests.support.conftest import client_of, console_socket, widget_socket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("turns_end")]

TURN = {
    "before the message is stored": "apps.support.services.conversations.publish_message",
    "stored and not acknowledged": "apps.support.answerer.answer_soon",
    "while the bot thinks": "apps.support.answerer.think",
    "while the answer is stored": "apps.support.services.turns.publish_message",
    "stored and not told": "apps.core.events._Broadcast.__call__",
    "while abuse is looked for": "apps.support.answerer._screen",
}


class PowerCut(BaseException):
    """Nothing catches it."""


class Cut:
    """Dies where it is called."""

    def __init__(self) -> None:
        self.fell = threading.Event()

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.fell.set()
        raise PowerCut


async def fallen(cut: Cut) -> None:
    assert await asyncio.to_thread(cut.fell.wait, 20)


async def lost(socket: Any) -> None:
    """The connection of a process that has died."""
    socket.stop(exceptions=False)
    await BotTurn.objects.aupdate(lease_until=timezone.now() - timedelta(seconds=1))


async def stored() -> list[tuple[int, str]]:
    rows = Message.objects.exclude(author="system").order_by("seq")
    return [(row.seq, row.author) async for row in rows]


def told(conversation: Conversation) -> list[int]:
    """The messages that the stream tells of, as a client reads them that has missed everything."""
    log = events.replay(services.conversation_stream(conversation.pk), 0)
    assert log.complete
    return [one.payload["seq"] for one in log.events if one.kind == "message.created"]


@pytest.mark.parametrize("stage", TURN)
async def test_a_cut_at_any_stage_of_a_turn_loses_and_repeats_nothing(
    stage: str, articles: Any, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    visitor = uuid.uuid4()
    frame = {"type": "message.send", "id": "once", "text": "change my pin"}
    socket = widget_socket(visitor)
    assert (await socket.connect(timeout=5))[0]
    with monkeypatch.context() as patch:
        cut = Cut()
        patch.setattr(TURN[stage], cut)
        await socket.send_json_to(frame)
        await fallen(cut)
        await lost(socket)
    socket = widget_socket(visitor)  # of the next process
    assert (await socket.connect(timeout=5))[0]
    hello = await until(socket, lambda got: got["type"] == "hello")
    seen = [message["seq"] for message in hello["messages"]]
    await socket.send_json_to(frame)
    ack = await until(socket, lambda got: got.get("id") == "once")
    assert ack["type"] == "ack"
    follow = {"type": "subscribe", "id": "f", "stream": ack["stream"], "after": hello.get("seq", 0)}
    await socket.send_json_to(follow)
    await answerer.sweep()
    while len(seen) < 2:
        event = await until(socket, lambda got: got.get("kind") == "message.created")
        if event["payload"]["seq"] not in seen:  # over two ways; a page drops it by its number
            seen.append(event["payload"]["seq"])
    await socket.disconnect()
    assert seen == [1, 2]
    assert await stored() == [(1, "visitor"), (2, "bot")]
    assert await sync_to_async(told)(await Conversation.objects.aget()) == [1, 2]
    assert await answerer.sweep() == 0


@pytest.mark.parametrize(
    "stage",
    [
        "apps.support.services.conversations.publish_message",
        "apps.core.events._Broadcast.__call__",
    ],
)
async def test_a_cut_while_an_operator_answers_loses_and_repeats_nothing(
    stage: str,
    conversation: Conversation,
    olivia: User,
    monkeypatch: pytest.MonkeyPatch,
    until: Any,
) -> None:
    client = await sync_to_async(client_of)(olivia)
    target = {"conversation": str(conversation.pk)}
    await sync_to_async(services.conversation_take)(
        conversation_id=conversation.pk, operator=olivia
    )
    frame = {"type": "message.send", "id": "once", "text": "Hello!", **target}
    socket = console_socket(client)
    assert (await socket.connect(timeout=5))[0]
    await until(socket, lambda got: got["type"] == "hello")
    with monkeypatch.context() as patch:
        cut = Cut()
        patch.setattr(stage, cut)
        await socket.send_json_to(frame)
        await fallen(cut)
        await lost(socket)
    socket = console_socket(client)
    assert (await socket.connect(timeout=5))[0]
    await socket.send_json_to(frame)
    assert (await until(socket, lambda got: got.get("id") == "once"))["type"] == "ack"
    await socket.disconnect()
    assert [author for _, author in await stored()] == ["operator"]
    numbers = await sync_to_async(told)(conversation)
    assert numbers == sorted(set(numbers))
