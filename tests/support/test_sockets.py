from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from apps.accounts.models import User
from apps.core.models import Event
from apps.support import answerer, selectors, services
from apps.support.models import Message
from tests.support.conftest import client_of, console_socket
from tests.support.frames import is_ack, is_message, opened

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("turns_end")]


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


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "message.send", "id": "x", "text": "  "}, "message_empty"),
        ({"type": "message.send", "id": "x", "text": "\u200b\u200e"}, "message_empty"),
        ({"type": "message.send", "id": "x", "text": "a" * 4001}, "message_too_long"),
        ({"type": "message.send", "id": "x", "text": 5}, "frame_invalid"),
        ({"type": "message.send", "id": "x", "text": "a", "chosen": "../x"}, "frame_invalid"),
        ({"type": "message.send", "id": "x", "text": "a", "chosen": ["x"]}, "frame_invalid"),
        ({"type": "message.send", "id": "y" * 65, "text": "a"}, "frame_without_id"),
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


async def test_100_kilobytes_and_a_megabyte_of_chat_are_refused_and_nothing_stored(
    articles: Any,
) -> None:
    socket = await opened(uuid.uuid4())
    await socket.receive_json_from()
    for size in (100_000, 1_000_000):
        big = json.dumps({"type": "message.send", "id": "x", "text": "a" * size})
        await socket.send_to(text_data=big)
        assert (await socket.receive_json_from())["code"] == "frame_too_large"
    assert not await Message.objects.aexists()
    await socket.disconnect()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("hello", "frame_not_json"),
        ("[1]", "frame_not_object"),
        ('{"id": "x"}', "frame_without_type"),
    ],
)
async def test_frames_that_are_no_commands_get_their_error(
    raw: str, code: str, articles: Any
) -> None:
    socket = await opened(uuid.uuid4())
    await socket.receive_json_from()
    await socket.send_to(text_data=raw)
    assert (await socket.receive_json_from())["code"] == code
    await socket.disconnect()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("my\u200b card\u00a0is\u202e late", "my card is late"),
        ("\U0001f600\U0001f622", "\U0001f600\U0001f622"),
        ("two\nlines", "two\nlines"),
        (
            "my card ist verloren, s'il vous plaît 帮帮我",
            "my card ist verloren, s'il vous plaît 帮帮我",
        ),
    ],
)
async def test_odd_texts_are_stored_as_text_and_answered(
    text: str, stored: str, articles: Any, until: Any
) -> None:
    socket = await opened(uuid.uuid4())
    await socket.send_json_to({"type": "message.send", "id": "x", "text": text})
    assert (await until(socket, is_ack("x")))["message"]["text"] == stored
    await until(socket, is_message("bot"))
    await socket.disconnect()


async def test_a_visitor_who_floods_is_slowed_down(articles: Any) -> None:
    socket = await opened(uuid.uuid4())
    await socket.receive_json_from()
    for number in range(40):
        await socket.send_json_to({"type": "ping", "id": str(number)})
    codes = [(await socket.receive_json_from()).get("code") for _ in range(40)]
    assert codes[:30] == [None] * 30
    assert "rate_limited" in codes[30:]
    await socket.disconnect()


async def test_each_side_learns_once_what_the_other_has_read(
    articles: Any, olivia: User, omar: User, until: Any
) -> None:
    visitor = uuid.uuid4()
    customer, stranger = await opened(visitor), await opened(uuid.uuid4())
    await customer.send_json_to({"type": "person.request", "id": "p"})
    ack = await until(customer, is_ack("p"))
    target = {"conversation": ack["conversation"]}
    consoles = []
    for person in (omar, olivia):
        console = console_socket(await sync_to_async(client_of)(person))
        await console.connect()
        consoles.append(console)
    other, console = consoles
    await console.send_json_to({"type": "conversation.take", "id": "t", **target})
    await until(console, is_ack("t"))
    await console.send_json_to({"type": "subscribe", "id": "s", "stream": ack["stream"]})
    await until(console, is_ack("s"))
    await customer.send_json_to({"type": "message.send", "id": "m", "text": "hello?"})
    seq = (await until(customer, is_ack("m")))["message"]["seq"]
    await stranger.send_json_to({"type": "message.read", "seq": seq})
    for reader in (other, console):  # she has the conversation, he has not
        await reader.send_json_to({"type": "message.read", "seq": seq, **target})
    for reader in (customer, console):
        event = await until(reader, lambda frame: frame.get("kind") == "message.read")
        assert event["payload"] == {"by": "operator", "seq": seq}
    for wrong in (seq + 1, 0, seq, seq):  # not there, no message, new, known
        await customer.send_json_to({"type": "message.read", "seq": wrong})
    event = await until(console, lambda frame: frame.get("kind") == "message.read")
    assert event["payload"] == {"by": "visitor", "seq": seq}
    await console.send_json_to({"type": "ping", "id": "last"})
    heard = await until(console, lambda f: f.get("id") == "last" or f.get("kind"))
    assert heard["type"] == "ack"
    assert await Event.objects.filter(kind="message.read").acount() == 2
    for socket in (customer, stranger, console, other):
        await socket.disconnect()


async def test_of_ten_thousand_messages_the_latest_are_shown_and_the_others_on_demand(
    articles: Any, olivia: User, until: Any
) -> None:
    visitor = uuid.uuid4()
    conversation = await sync_to_async(services.conversation_start)(visitor=visitor)
    rows = [
        Message(conversation=conversation, seq=seq, author="visitor", text=f"message {seq}")
        for seq in range(1, 10_001)
    ]
    await Message.objects.abulk_create(rows)
    socket = await opened(visitor)
    shown = (await socket.receive_json_from())["messages"]
    assert [shown[0]["seq"], shown[-1]["seq"], len(shown)] == [9801, 10_000, 200]
    client = await sync_to_async(client_of)(olivia)
    page = await sync_to_async(client.get)(f"/support/c/{conversation.pk}/")
    assert len(page.context["thread"]["messages"]) == 200
    console = console_socket(client)
    await console.connect()
    asked = {"type": "history.read", "id": "h", "before": 9801}
    for reader, target in ((socket, {}), (console, {"conversation": str(conversation.pk)})):
        await reader.send_json_to(asked | target)
        earlier = (await until(reader, is_ack("h")))["messages"]
        assert [earlier[0]["seq"], earlier[-1]["seq"]] == [9601, 9800]
        for wrong in (None, 0, "x"):
            await reader.send_json_to(asked | target | {"id": "w", "before": wrong})
            assert (await until(reader, is_ack("w")))["code"] == "frame_invalid"
        await reader.disconnect()
    stranger = await opened(uuid.uuid4())
    await stranger.send_json_to(asked | {"conversation": str(conversation.pk)})
    assert (await until(stranger, is_ack("h")))["messages"] == []
    await stranger.disconnect()


async def test_tabs_of_a_visitor_that_write_at_once_share_one_conversation(
    articles: Any, until: Any
) -> None:
    visitor = uuid.uuid4()
    tabs = [await opened(visitor) for _ in range(3)]
    for number, tab in enumerate(tabs):
        await tab.send_json_to({"type": "message.send", "id": f"m{number}", "text": "hello"})
    acks = [await until(tab, is_ack(f"m{number}")) for number, tab in enumerate(tabs)]
    assert len({ack["conversation"] for ack in acks}) == 1
    assert sorted(ack["message"]["seq"] for ack in acks)[0] == 1
    for tab in tabs:
        await tab.disconnect()


async def test_people_see_each_other_type_and_others_do_not(
    articles: Any, olivia: User, until: Any
) -> None:
    visitor = uuid.uuid4()
    customer, stranger = await opened(visitor), await opened(uuid.uuid4())
    await customer.send_json_to({"type": "message.send", "id": "1", "text": "hello"})
    ack = await until(customer, is_ack("1"))
    await until(customer, is_message("bot"))
    console = console_socket(await sync_to_async(client_of)(olivia))
    await console.connect()
    await console.send_json_to({"type": "subscribe", "id": "s", "stream": ack["stream"]})
    await until(console, is_ack("s"))
    events = await Event.objects.acount()
    await console.send_json_to({"type": "typing", "conversation": ack["conversation"]})
    seen = await until(customer, lambda frame: frame["type"] == "typing")
    assert (seen["author"], seen["name"]) == ("operator", "Olivia-Op")
    await customer.send_json_to({"type": "typing"})
    assert (await until(console, lambda f: f["type"] == "typing"))["author"] == "visitor"
    await stranger.receive_json_from()
    assert await stranger.receive_nothing()
    assert await Event.objects.acount() == events
    for socket in (customer, stranger, console):
        await socket.disconnect()


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
    row = await until(console, lambda frame: frame.get("stream") == services.INBOX)
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
