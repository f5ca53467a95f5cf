from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from apps.accounts.models import User
from apps.support import answerer, selectors, services
from apps.support.models import BotTurn, Message
from ml.serving.fakes import FakeEngine
from tests.support.conftest import client_of, console_socket, widget_socket

pytestmark = pytest.mark.django_db(transaction=True)


def is_message(author: str) -> Any:
    return lambda frame: (
        frame["type"] == "event"
        and frame["kind"] == "message.created"
        and frame["payload"]["author"] == author
    )


def is_ack(client_id: str) -> Any:
    return lambda frame: frame["type"] in ("ack", "error") and frame.get("id") == client_id


async def opened(visitor: uuid.UUID) -> Any:
    socket = widget_socket(visitor)
    assert (await socket.connect(timeout=5))[0]
    return socket


async def test_a_customer_is_answered_with_a_cited_article(articles: Any, until: Any) -> None:
    socket = await opened(uuid.uuid4())
    assert (await socket.receive_json_from())["type"] == "hello"
    await socket.send_json_to(
        {"type": "message.send", "id": "m1", "text": "When will my card arrive?"}
    )
    answer = await until(socket, is_message("bot"))
    assert answer["payload"]["citations"][0]["slug"] == "card-arrival"
    assert "four to six working days" in answer["payload"]["text"]
    await socket.disconnect()


async def test_a_message_sent_twice_is_stored_and_answered_once(articles: Any, until: Any) -> None:
    visitor = uuid.uuid4()
    for _ in range(2):
        socket = await opened(visitor)
        frame = {"type": "message.send", "id": "same", "text": "change my pin"}
        await socket.send_json_to(frame)
        assert (await until(socket, is_ack("same")))["type"] == "ack"
        await until(socket, is_message("bot")) if _ == 0 else None
        await socket.disconnect()
    assert await Message.objects.filter(author="visitor").acount() == 1
    assert await Message.objects.filter(author="bot").acount() == 1


async def test_a_reconnecting_visitor_finds_the_conversation(articles: Any, until: Any) -> None:
    visitor = uuid.uuid4()
    socket = await opened(visitor)
    await socket.send_json_to({"type": "message.send", "id": "1", "text": "change my pin"})
    await until(socket, is_message("bot"))
    await socket.disconnect()
    socket = await opened(visitor)
    hello = await socket.receive_json_from()
    assert [message["author"] for message in hello["messages"]] == ["visitor", "bot"]
    assert "analysis" not in hello["messages"][0]
    await socket.disconnect()


async def test_a_turn_left_behind_is_answered_by_the_sweep(articles: Any) -> None:
    start = sync_to_async(services.conversation_start)
    conversation = await start(visitor=uuid.uuid4())
    await sync_to_async(services.message_receive)(
        conversation_id=conversation.id, text="change my pin", client_id="1"
    )
    assert await answerer.sweep() == 1
    assert await answerer.sweep() == 0
    assert await Message.objects.filter(author="bot").acount() == 1


async def test_busy_models_postpone_the_answer_and_lose_nothing(
    articles: Any, engine: FakeEngine
) -> None:
    conversation = await sync_to_async(services.conversation_start)(visitor=uuid.uuid4())
    await sync_to_async(services.message_receive)(
        conversation_id=conversation.id, text="change my pin", client_id="1"
    )
    engine.close()
    assert await answerer.sweep() == 1
    turn = await BotTurn.objects.aget()
    assert turn.status == BotTurn.Status.PENDING
    assert not await Message.objects.filter(author="bot").aexists()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "message.send", "id": "x", "text": "  "}, "message_empty"),
        ({"type": "message.send", "id": "x", "text": "\u200b\u200e"}, "message_empty"),
        ({"type": "message.send", "id": "x", "text": "a" * 4001}, "message_too_long"),
        ({"type": "message.send", "id": "x", "text": 5}, "frame_invalid"),
        ({"type": "message.send", "text": "hi"}, "frame_without_id"),
        ({"type": "conversation.take", "id": "x"}, "frame_unknown_type"),
        ({"type": "subscribe", "id": "x", "stream": "support.inbox"}, "not_allowed"),
    ],
)
async def test_bad_frames_get_their_error(frame: dict[str, Any], code: str, articles: Any) -> None:
    socket = await opened(uuid.uuid4())
    await socket.receive_json_from()
    await socket.send_json_to(frame)
    assert (await socket.receive_json_from())["code"] == code
    await socket.send_json_to({"type": "ping", "id": "still open"})
    assert (await socket.receive_json_from())["type"] == "ack"
    await socket.disconnect()


async def test_a_megabyte_of_chat_is_refused_and_nothing_stored(articles: Any) -> None:
    socket = await opened(uuid.uuid4())
    await socket.receive_json_from()
    big = json.dumps({"type": "message.send", "id": "x", "text": "a" * 1_000_000})
    await socket.send_to(text_data=big)
    assert (await socket.receive_json_from())["code"] == "frame_too_large"
    assert not await Message.objects.aexists()
    await socket.disconnect()


async def test_a_visitor_cannot_follow_another_conversation(articles: Any) -> None:
    other = await sync_to_async(services.conversation_start)(visitor=uuid.uuid4())
    socket = await opened(uuid.uuid4())
    await socket.receive_json_from()
    stream = services.conversation_stream(other.id)
    await socket.send_json_to({"type": "subscribe", "id": "s", "stream": stream, "after": 0})
    assert (await socket.receive_json_from())["code"] == "not_allowed"
    await socket.disconnect()


async def test_without_a_valid_token_the_widget_socket_says_why(db: None) -> None:
    from channels.testing import WebsocketCommunicator

    from config.asgi import application

    headers = [(b"origin", b"http://localhost"), (b"cookie", b"trefoil_visitor=forged")]
    socket = WebsocketCommunicator(application, "/ws/support/widget/", headers=headers)
    assert (await socket.connect())[0]
    assert (await socket.receive_json_from())["code"] == "visitor_unknown"
    assert (await socket.receive_output())["code"] == 4403


async def test_a_foreign_origin_is_refused(db: None) -> None:
    socket = widget_socket(uuid.uuid4(), origin=b"https://evil.example")
    assert not (await socket.connect())[0]


async def test_a_member_cannot_open_the_console(mei: User) -> None:
    client = await sync_to_async(client_of)(mei)
    socket = console_socket(client)
    assert (await socket.connect())[0]
    assert (await socket.receive_json_from())["code"] == "not_allowed"


async def test_an_operator_takes_over_replies_and_resolves_live(
    articles: Any, olivia: User, until: Any
) -> None:
    visitor = uuid.uuid4()
    customer = await opened(visitor)
    await customer.send_json_to({"type": "person.request", "id": "p"})
    await until(customer, is_ack("p"))
    conversation = await sync_to_async(selectors.conversation_of_visitor)(visitor=visitor)
    assert conversation is not None
    console = console_socket(await sync_to_async(client_of)(olivia))
    await console.connect()
    await console.send_json_to(
        {"type": "subscribe", "id": "i", "stream": services.INBOX, "after": 0}
    )
    row = await until(console, lambda frame: frame["type"] == "event")
    assert row["kind"] == "conversation.updated"
    target = {"conversation": str(conversation.id)}
    await console.send_json_to({"type": "conversation.take", "id": "t", **target})
    assert (await until(console, is_ack("t")))["conversation"]["state"] == "person"
    await console.send_json_to({"type": "message.send", "id": "r", "text": "Hello!", **target})
    assert (await until(console, is_ack("r")))["type"] == "ack"
    reply = await until(customer, is_message("operator"))
    assert (reply["payload"]["text"], reply["payload"]["name"]) == ("Hello!", "Olivia-Op")
    await customer.send_json_to({"type": "message.send", "id": "m", "text": "change my pin"})
    await until(customer, is_ack("m"))
    await console.send_json_to({"type": "conversation.resolve", "id": "e", **target})
    assert (await until(console, is_ack("e")))["conversation"]["state"] == "resolved"
    assert not await Message.objects.filter(author="bot").aexists()
    await customer.disconnect()
    await console.disconnect()
