"""``/ws/ml/``: who may open it, frames, order, limits, cancel, promotion."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from apps.accounts.models import User
from apps.accounts.services import token_create, token_revoke
from apps.core import gateway
from apps.modelhub import door_consumer
from apps.modelhub.door import door
from ml.serving.fakes import FakeEngine
from tests.conftest import SocketFor, until

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/ws/ml/"


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    gateway.use_engine(engine)
    return engine


async def read(socket: WebsocketCommunicator) -> dict[str, Any]:
    frame: dict[str, Any] = await socket.receive_json_from(timeout=10)
    return frame


async def opened(socket: WebsocketCommunicator) -> dict[str, Any]:
    connected, _ = await socket.connect(timeout=10)
    assert connected
    return await read(socket)


async def ask(socket: WebsocketCommunicator, request_id: str, *texts: Any, **more: Any) -> None:
    await socket.send_json_to({"id": request_id, "task": "intent", "texts": texts, **more})


def authorised(secret: str, scheme: str = "Token") -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"{scheme} {secret}".encode())]


async def test_a_session_or_a_token_opens_it(
    socket_for: SocketFor, member: User, engine: FakeEngine
) -> None:
    _, secret = await database_sync_to_async(token_create)(user=member, name="program")
    for socket in (socket_for(PATH, member), socket_for(PATH, headers=authorised(secret))):
        hello = await opened(socket)
        assert hello["type"] == "hello"
        assert {"task": "intent", "kind": "classification", "version": "fake-1"} in hello["tasks"]
        await ask(socket, "1", "my card")
        answer = await read(socket)
        assert (answer["type"], answer["id"], answer["version"]) == ("ack", "1", "fake-1")
        assert answer["predictions"][0]["label"] == "card_arrival"
        await socket.disconnect()


async def test_strangers_are_refused(socket_for: SocketFor, member: User) -> None:
    for socket, code in (
        (socket_for(PATH), "not_signed_in"),
        (socket_for(PATH, headers=authorised("wrong")), "token_invalid"),
        (socket_for(PATH, member, headers=authorised("x", "Bearer")), "token_invalid"),
    ):
        assert (await opened(socket))["code"] == code
        assert (await socket.receive_output(timeout=10))["code"] == 4403
    for origin in (b"", b"http://elsewhere.example"):
        connected, _ = await socket_for(PATH, member, headers=[(b"origin", origin)]).connect()
        assert not connected


async def test_a_revoked_token_ends_its_socket(
    socket_for: SocketFor, member: User, engine: FakeEngine, settings: Any
) -> None:
    settings.ML_DOOR_CHECK_SECONDS = 0.0
    token, secret = await database_sync_to_async(token_create)(user=member, name="program")
    socket = socket_for(PATH, headers=authorised(secret))
    await opened(socket)
    await ask(socket, "1", "my card")
    assert (await read(socket))["type"] == "ack"
    await database_sync_to_async(token_revoke)(actor=member, token=token)
    await ask(socket, "2", "my card")
    assert (await read(socket))["code"] == "not_signed_in"
    assert (await socket.receive_output(timeout=10))["code"] == 4403
    await socket.disconnect()


async def test_answers_come_in_any_order(
    socket_for: SocketFor, member: User, engine: FakeEngine
) -> None:
    socket = socket_for(PATH, member)
    await opened(socket)
    engine.gate.hold()
    await ask(socket, "slow", *[f"card {number}" for number in range(70)])
    await asyncio.to_thread(engine.gate.wait_until_held)
    await socket.send_json_to({"type": "ping", "id": "p"})
    assert (await read(socket))["id"] == "p"
    await ask(socket, "wrong", "text", task="nothing")
    assert (await read(socket))["code"] == "model_not_found"
    engine.gate.release()
    frames = [await read(socket) for _ in range(4)]
    assert [(one["type"], one.get("offset")) for one in frames] == [
        ("part", 0),
        ("part", 32),
        ("part", 64),
        ("ack", None),
    ]
    assert frames[-1]["count"] == 70
    await socket.disconnect()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"task": "intent", "texts": ["a"]}, "frame_without_id"),
        ({"id": 7, "task": "intent", "texts": ["a"]}, "frame_without_id"),
        ({"id": "x" * 65, "task": "intent", "texts": ["a"]}, "frame_without_id"),
        ({"id": "1", "task": "../intent", "texts": ["a"]}, "frame_invalid"),
        ({"id": "1", "task": "intent@fake-1", "texts": ["a"]}, "frame_invalid"),
        ({"id": "1", "task": "intent", "texts": "a"}, "frame_invalid"),
        ({"id": "1", "task": "intent", "texts": []}, "frame_invalid"),
        ({"id": "1", "task": "intent", "texts": ["a", None]}, "frame_invalid"),
        ({"id": "1", "task": "intent", "texts": ["a"] * 2049}, "frame_invalid"),
        ({"id": "1", "task": "intent", "texts": ["x" * 20_001]}, "text_too_long"),
        ({"id": "1", "type": "cancel"}, "frame_without_id"),
        ({"id": "1", "task": "intent"}, "frame_without_type"),
    ],
)
async def test_a_frame_that_is_wrong_is_named(
    socket_for: SocketFor, member: User, engine: FakeEngine, frame: dict[str, Any], code: str
) -> None:
    socket = socket_for(PATH, member)
    await opened(socket)
    await socket.send_json_to(frame)
    assert (await read(socket))["code"] == code
    await ask(socket, "after", "my card")
    assert (await read(socket))["type"] == "ack"
    await socket.disconnect()


async def test_a_frame_beyond_a_megabyte_is_refused(
    socket_for: SocketFor, member: User, engine: FakeEngine
) -> None:
    socket = socket_for(PATH, member)
    await opened(socket)
    texts = ["x" * 19_000] * 50
    await ask(socket, "fits", *texts)
    frames = [await read(socket) for _ in range(3)]
    assert frames[-1]["count"] == 50
    await socket.send_to(text_data=json.dumps({"id": "1", "texts": texts * 2}))
    assert (await read(socket))["code"] == "frame_too_large"
    await socket.disconnect()


async def test_a_request_is_cancelled(
    socket_for: SocketFor, member: User, engine: FakeEngine
) -> None:
    socket = socket_for(PATH, member)
    await opened(socket)
    engine.gate.hold()
    await ask(socket, "1", "first card")
    await asyncio.to_thread(engine.gate.wait_until_held)
    await ask(socket, "2", *[f"card {number}" for number in range(300)])
    await socket.send_json_to({"type": "cancel", "id": "c", "request": "2"})
    frames = {frame["id"]: frame for frame in [await read(socket), await read(socket)]}
    assert frames["c"]["cancelled"] is True
    assert frames["2"]["code"] == "cancelled"
    await socket.send_json_to({"type": "cancel", "id": "d", "request": "2"})
    assert (await read(socket))["cancelled"] is False
    engine.gate.release()
    assert (await read(socket))["id"] == "1"
    assert sum(len(texts) for _, texts in engine.gate.batches) == 1
    await ask(socket, "2", "the id is free again, card")
    assert (await read(socket))["type"] == "ack"
    await socket.disconnect()


async def test_limits_are_of_a_person_over_all_sockets(
    socket_for: SocketFor, member: User, operator: User, engine: FakeEngine, settings: Any
) -> None:
    settings.ML_DOOR_REQUESTS, settings.ML_DOOR_TEXTS, settings.ML_DOOR_SOCKETS = 3, 10, 2
    first, second, third = (socket_for(PATH, member) for _ in range(3))
    await opened(first)
    await opened(second)
    assert (await opened(third))["code"] == "too_many_sockets"
    other = socket_for(PATH, operator)
    await opened(other)
    engine.gate.hold()
    await ask(first, "1", *["card"] * 4)
    await ask(second, "1", *["card"] * 4)
    await asyncio.sleep(0.1)
    await ask(first, "2", *["card"] * 3)
    assert (await read(first))["code"] == "too_many_in_flight"
    await ask(first, "1", "card")
    assert (await read(first))["code"] == "id_in_use"
    await ask(first, "3", "card")
    await asyncio.sleep(0.1)
    await ask(first, "4", "card")
    assert (await read(first))["code"] == "too_many_in_flight"
    await ask(other, "1", "card")
    engine.gate.release()
    assert (await read(other))["type"] == "ack"
    assert {(await read(first))["id"], (await read(first))["id"]} == {"1", "3"}
    assert (await read(second))["id"] == "1"
    await ask(first, "5", *["card"] * 10)
    assert (await read(first))["type"] == "ack"
    for socket in (first, second, other):
        await socket.disconnect()
    assert not door._accounts


async def test_a_socket_that_goes_takes_its_requests_with_it(
    socket_for: SocketFor, member: User, engine: FakeEngine
) -> None:
    socket = socket_for(PATH, member)
    await opened(socket)
    engine.gate.hold()
    await ask(socket, "1", "first card")
    await asyncio.to_thread(engine.gate.wait_until_held)
    await ask(socket, "2", *[f"card {number}" for number in range(500)])
    await until(lambda: engine.stats().queued > 0)
    await socket.disconnect()
    assert engine.stats().queued == 0
    assert not door._accounts
    engine.gate.release()


async def test_a_full_engine_is_waited_for_and_then_told(
    socket_for: SocketFor, member: User, engine: FakeEngine, settings: Any
) -> None:
    settings.ML_TIMEOUT_SECONDS = 0.3
    socket = socket_for(PATH, member)
    await opened(socket)
    with engine.overloaded():
        await ask(socket, "1", "card")
        assert (await read(socket))["code"] == "overloaded"
        await ask(socket, "2", "card")
        await asyncio.sleep(0.05)
    assert (await read(socket))["type"] == "ack"
    await socket.disconnect()


async def test_a_fault_of_the_server_ends_one_request(
    socket_for: SocketFor, member: User, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = socket_for(PATH, member)
    await opened(socket)
    monkeypatch.setattr(door_consumer, "prediction_payload", lambda _: 1 / 0)
    await ask(socket, "1", "card")
    assert (await read(socket))["code"] == "internal_error"
    monkeypatch.undo()
    engine.gate.fail_on("bad")
    await ask(socket, "2", "a bad card")
    assert (await read(socket))["code"] == "inference_failed"
    await ask(socket, "3", "card")
    assert (await read(socket))["type"] == "ack"
    await socket.disconnect()


async def test_no_answer_mixes_versions_while_they_are_promoted(
    socket_for: SocketFor, member: User, engine: FakeEngine
) -> None:
    socket = socket_for(PATH, member)
    await opened(socket)
    seen: dict[str, set[str]] = {}
    for turn in range(10):
        engine.models.promote("intent", f"fake-{turn}")
        for number in range(5):
            size = (8, 40, 100)[number % 3]
            await ask(socket, f"{turn}-{number}", *[f"card {turn} {n}" for n in range(size)])
        await asyncio.sleep(0.005)
    ended = 0
    while ended < 50:
        frame = await read(socket)
        assert frame["type"] in ("ack", "part"), frame
        seen.setdefault(frame["id"], set()).add(frame["version"])
        ended += frame["type"] == "ack"
    assert all(len(versions) == 1 for versions in seen.values())
    assert len(set.union(*seen.values())) > 1
    await socket.disconnect()
