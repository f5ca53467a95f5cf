"""What sockets of visitors and operators are refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from apps.accounts.models import Role, User
from apps.support import services
from tests.support.conftest import client_of, console_socket, widget_socket
from tests.support.frames import is_ack, opened

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("turns_end")]


async def test_an_operator_who_lost_the_role_can_do_nothing_more(
    articles: Any, olivia: User, until: Any
) -> None:
    conversation = await sync_to_async(services.conversation_start)(visitor=uuid.uuid4())
    console = console_socket(await sync_to_async(client_of)(olivia))
    await console.connect()
    await User.objects.filter(pk=olivia.pk).aupdate(role=Role.MEMBER)
    target = {"conversation": str(conversation.id)}
    stream = services.conversation_stream(conversation.id)
    await console.send_json_to({"type": "conversation.take", "id": "t", **target})
    assert (await until(console, is_ack("t")))["code"] == "not_allowed"
    await console.send_json_to({"type": "subscribe", "id": "s", "stream": stream, "after": 0})
    assert (await until(console, is_ack("s")))["code"] == "not_allowed"
    await console.disconnect()


@pytest.mark.parametrize(
    ("conversation", "code"),
    [
        ("5d3a4b0e-7f5e-4f0f-9c5e-3a1d5a0c7b11", "conversation_not_found"),
        ("x", "frame_invalid"),
        (None, "frame_invalid"),
    ],
)
async def test_an_unknown_conversation_is_named_to_the_operator(
    conversation: Any, code: str, olivia: User, until: Any
) -> None:
    console = console_socket(await sync_to_async(client_of)(olivia))
    await console.connect()
    for kind in ("conversation.take", "message.send"):
        frame = {"type": kind, "id": kind, "text": "hi", "conversation": conversation}
        await console.send_json_to(frame)
        assert (await until(console, is_ack(kind)))["code"] == code
    await console.disconnect()


async def test_two_operators_cannot_take_the_same_conversation(
    articles: Any, olivia: User, omar: User, until: Any
) -> None:
    conversation = await sync_to_async(services.conversation_start)(visitor=uuid.uuid4())
    consoles = [console_socket(await sync_to_async(client_of)(user)) for user in (olivia, omar)]
    for console in consoles:
        await console.connect()
        frame = {"type": "conversation.take", "id": "t", "conversation": str(conversation.id)}
        await console.send_json_to(frame)
    acks = [await until(console, is_ack("t")) for console in consoles]
    refused = [ack for ack in acks if ack["type"] == "error"]
    assert [ack["code"] for ack in refused] == ["conversation_taken"]
    assert "is handling this conversation" in refused[0]["detail"]
    for console in consoles:
        await console.disconnect()


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
