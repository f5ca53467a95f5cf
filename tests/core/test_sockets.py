"""The socket protocol through the real ASGI application, on ``/ws/jobs/``."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core import events, tailer
from apps.core.job_consumer import JobConsumer
from apps.core.models import Event, Job
from tests.conftest import SocketFor

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/ws/jobs/"


@pytest.fixture
def job(member: User) -> Job:
    return Job.objects.create(kind="import", title="Books", owner=member)


def stream_of(job: Job) -> str:
    return f"job.{job.id}"


@database_sync_to_async
def publish(stream: str, *numbers: int) -> None:
    for number in numbers:
        with transaction.atomic():
            events.publish(stream, "job.updated", {"n": number})


async def lost(group: str, message: dict[str, Any]) -> None:
    """A channel layer that drops what it is given."""


async def opened(socket: WebsocketCommunicator) -> WebsocketCommunicator:
    connected, _ = await socket.connect(timeout=10)
    assert connected
    hello = await read(socket)
    assert hello["type"] == "hello"
    return socket


async def read(socket: WebsocketCommunicator) -> dict[str, Any]:
    frame: dict[str, Any] = await socket.receive_json_from(timeout=10)
    return frame


async def ask(socket: WebsocketCommunicator, **frame: Any) -> dict[str, Any]:
    await socket.send_json_to(frame)
    return await read(socket)


async def refusal(socket: WebsocketCommunicator, text: str) -> tuple[str, str]:
    """Send ``text``; the code and the detail of the error that answers it."""
    await socket.send_to(text_data=text)
    answer = await read(socket)
    assert answer["type"] == "error"
    return answer["code"], answer["detail"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", "frame_not_json"),
        ('{"type": "ping"', "frame_not_json"),
        ("[" * 50_000, "frame_not_json"),
        ("9" * 5000, "frame_not_json"),
        ('{"type": "ping", "id": NaN}', "frame_not_json"),
        ('{"type": "ping", "id": "\\ud800"}', "frame_not_text"),
        ('{"type": "ping", "id": "\\u0000"}', "frame_not_text"),
        ('["ping"]', "frame_not_object"),
        ("{}", "frame_without_type"),
        ('{"type": 7}', "frame_without_type"),
        ('{"type": "money.print"}', "frame_unknown_type"),
        ('{"type": "subscribe"}', "frame_invalid"),
        ('{"type": "subscribe", "stream": "job.1", "after": "first"}', "frame_invalid"),
        (json.dumps({"type": "ping", "id": "x" * 1_000_000}), "frame_too_large"),
        (json.dumps({"type": "ping", "id": "é" * 40_000}, ensure_ascii=False), "frame_too_large"),
    ],
    ids=lambda value: value[:40],
)
async def test_a_bad_frame_is_answered_and_the_socket_stays_open(
    socket_for: SocketFor, member: User, text: str, code: str
) -> None:
    socket = await opened(socket_for(PATH, member))
    assert (await refusal(socket, text))[0] == code
    assert await ask(socket, type="ping", id="1") == {"type": "ack", "id": "1"}
    await socket.disconnect()


async def test_an_escape_that_a_person_typed_is_text(socket_for: SocketFor, member: User) -> None:
    socket = await opened(socket_for(PATH, member))
    typed = r"\u0000 and \ud800, 你好 😀"
    assert await ask(socket, type="ping", id=typed) == {"type": "ack", "id": typed}
    await socket.send_to(text_data=json.dumps({"type": "ping", "id": typed}, ensure_ascii=True))
    assert (await read(socket))["id"] == typed
    await socket.disconnect()


async def test_a_binary_frame_is_refused(socket_for: SocketFor, member: User) -> None:
    socket = await opened(socket_for(PATH, member))
    await socket.send_to(bytes_data=b"\x00\x01")
    assert (await read(socket))["code"] == "frame_not_text"
    assert (await ask(socket, type="ping"))["type"] == "ack"
    await socket.disconnect()


async def test_too_many_frames_are_refused(
    socket_for: SocketFor, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobConsumer, "frames_burst", 3)
    monkeypatch.setattr(JobConsumer, "frames_per_second", 0.0)
    socket = await opened(socket_for(PATH, member))
    kinds = [(await ask(socket, type="ping"))["type"] for _ in range(4)]
    assert kinds == ["ack", "ack", "ack", "error"]
    refusal = await ask(socket, type="ping", id="the fifth")
    assert (refusal["code"], refusal["id"]) == ("rate_limited", "the fifth")
    await socket.disconnect()


async def test_a_failure_of_ours_is_told_without_its_trace(
    socket_for: SocketFor, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: JobConsumer, frame: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(JobConsumer, "on_ping", broken)
    socket = await opened(socket_for(PATH, member))
    answer = await ask(socket, type="ping", id="7")
    assert (answer["id"], answer["code"]) == ("7", "internal_error")
    assert "secret" not in answer["detail"]
    await socket.disconnect()


async def test_a_person_who_is_not_signed_in_is_told_so_and_let_go(socket_for: SocketFor) -> None:
    socket = socket_for(PATH)
    assert (await socket.connect(timeout=10))[0]
    assert (await read(socket))["code"] == "not_signed_in"
    assert await socket.receive_output(timeout=10) == {
        "type": "websocket.close",
        "code": 4403,
    }


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b""])
async def test_a_foreign_or_missing_origin_is_refused(
    socket_for: SocketFor, member: User, origin: bytes
) -> None:
    socket = socket_for(PATH, member, headers=[(b"origin", origin)])
    assert not (await socket.connect(timeout=10))[0]


async def test_a_job_of_another_person_cannot_be_followed(
    socket_for: SocketFor, analyst: User, job: Job
) -> None:
    socket = await opened(socket_for(PATH, analyst))
    for stream in (stream_of(job), "job.nonsense", "support.queue", ""):
        answer = await ask(socket, type="subscribe", stream=stream, after=0)
        assert answer["code"] == "not_allowed"
    await publish(stream_of(job), 1)
    assert await socket.receive_nothing()
    await socket.disconnect()


async def test_an_administrator_may_follow_every_job(
    socket_for: SocketFor, administrator: User, job: Job
) -> None:
    socket = await opened(socket_for(PATH, administrator))
    assert (await ask(socket, type="subscribe", stream=stream_of(job)))["type"] == "ack"
    await socket.disconnect()


async def test_a_subscriber_is_replayed_what_it_missed_and_then_hears_more(
    socket_for: SocketFor, member: User, job: Job
) -> None:
    await publish(stream_of(job), 1, 2, 3)
    socket = await opened(socket_for(PATH, member))
    await socket.send_json_to(
        {"type": "subscribe", "id": "s", "stream": stream_of(job), "after": 1}
    )
    replayed = [await read(socket), await read(socket)]
    assert [(frame["seq"], frame["payload"]) for frame in replayed] == [
        (2, {"n": 2}),
        (3, {"n": 3}),
    ]
    assert await read(socket) == {"type": "ack", "id": "s", "stream": stream_of(job), "seq": 3}
    await publish(stream_of(job), 4)
    live = await read(socket)
    assert (live["type"], live["seq"], live["kind"]) == ("event", 4, "job.updated")
    await socket.disconnect()


async def test_without_a_position_only_what_is_to_come_is_sent(
    socket_for: SocketFor, member: User, job: Job
) -> None:
    await publish(stream_of(job), 1, 2)
    socket = await opened(socket_for(PATH, member))
    assert (await ask(socket, type="subscribe", stream=stream_of(job)))["seq"] == 2
    await publish(stream_of(job), 3)
    assert (await read(socket))["seq"] == 3
    await socket.disconnect()


async def test_an_event_does_not_wait_for_what_is_being_stored(
    socket_for: SocketFor, member: User, job: Job
) -> None:
    socket = await opened(socket_for(PATH, member))
    stream = stream_of(job)
    await ask(socket, type="subscribe", stream=stream, after=0)
    release = threading.Event()
    storing = asyncio.create_task(database_sync_to_async(release.wait)(10))
    event = events.StoredEvent(stream, 1, "job.updated", {"n": 1}, timezone.now())
    layer = channel_layers["default"]
    assert layer is not None
    await layer.group_send(events.group_name(stream), event.broadcast())
    assert (await read(socket))["seq"] == 1
    assert not storing.done()
    release.set()
    await storing
    await socket.disconnect()


async def test_a_lost_broadcast_is_healed_from_the_log(
    socket_for: SocketFor, member: User, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await opened(socket_for(PATH, member))
    await ask(socket, type="subscribe", stream=stream_of(job), after=0)
    with monkeypatch.context() as patch:
        patch.setattr(channel_layers["default"], "group_send", lost)
        await publish(stream_of(job), 1, 2)
    assert await socket.receive_nothing()
    assert await tailer.tick() == 1
    assert [(await read(socket))["seq"], (await read(socket))["seq"]] == [1, 2]
    assert await tailer.tick() == 0
    assert await socket.receive_nothing()
    await socket.disconnect()


async def test_a_client_that_has_gone_keeps_nothing_from_the_others(
    socket_for: SocketFor, member: User, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its disconnect is read, the server refuses what is sent to it."""
    gone, other = socket_for(PATH, member), socket_for(PATH, member)
    application, left = gone.application, asyncio.Event()

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        async def refuse(message: Any) -> None:
            if left.is_set():
                raise OSError
            await send(message)

        await application(scope, receive, refuse)

    gone.application = refusing
    for socket in (gone, other):
        await ask(await opened(socket), type="subscribe", stream=stream_of(job), after=0)
    left.set()
    with monkeypatch.context() as patch:
        patch.setattr(channel_layers["default"], "group_send", lost)
        await publish(stream_of(job), 1)
    assert await tailer.tick() == 2
    assert (await read(other))["seq"] == 1
    await gone.disconnect()
    await other.disconnect()


async def test_a_broadcast_after_a_lost_one_brings_both_in_order(
    socket_for: SocketFor, member: User, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await opened(socket_for(PATH, member))
    await ask(socket, type="subscribe", stream=stream_of(job), after=0)
    with monkeypatch.context() as patch:
        patch.setattr(channel_layers["default"], "group_send", lost)
        await publish(stream_of(job), 1)
    await publish(stream_of(job), 2)
    assert [(await read(socket))["seq"], (await read(socket))["seq"]] == [1, 2]
    assert await socket.receive_nothing()
    await socket.disconnect()


async def test_a_reader_behind_the_log_is_told_to_load_anew(
    socket_for: SocketFor, member: User, job: Job
) -> None:
    await publish(stream_of(job), 1, 2, 3)
    await database_sync_to_async(Event.objects.filter(seq__lte=2).delete)()
    socket = await opened(socket_for(PATH, member))
    await socket.send_json_to({"type": "subscribe", "stream": stream_of(job), "after": 0})
    assert await read(socket) == {"type": "reset", "stream": stream_of(job), "seq": 3}
    assert (await read(socket))["seq"] == 3
    await publish(stream_of(job), 4)
    assert (await read(socket))["seq"] == 4
    await socket.disconnect()


async def test_an_unsubscribed_stream_is_silent(
    socket_for: SocketFor, member: User, job: Job
) -> None:
    socket = await opened(socket_for(PATH, member))
    await ask(socket, type="subscribe", stream=stream_of(job))
    await ask(socket, type="unsubscribe", stream=stream_of(job))
    await publish(stream_of(job), 1)
    assert await tailer.tick() == 0
    assert await socket.receive_nothing()
    await socket.disconnect()
