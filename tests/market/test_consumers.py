from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from apps.accounts.models import User
from apps.market.models import Alert, Company
from apps.market.payloads import TAPE, alert_stream
from apps.market.services.scoring import pending_score
from tests.market.factories import AlertFactory, RuleFactory, news, store

pytestmark = pytest.mark.django_db(transaction=True)

SocketFor = Callable[..., WebsocketCommunicator]


async def opened(socket: WebsocketCommunicator) -> dict[str, Any]:
    connected, _ = await socket.connect()
    assert connected
    first: dict[str, Any] = await socket.receive_json_from()
    return first


async def ask(socket: WebsocketCommunicator, **frame: Any) -> dict[str, Any]:
    await socket.send_json_to({"id": "1", **frame})
    while (answer := await socket.receive_json_from()).get("id") != "1":
        pass
    return dict(answer)


async def event(socket: WebsocketCommunicator, kind: str) -> dict[str, Any]:
    while True:
        frame = await socket.receive_json_from(timeout=5)
        if frame["type"] == "event" and frame["kind"] == kind:
            return dict(frame["payload"])


async def test_an_article_reaches_the_tape_and_raises_an_alert(
    socket_for: SocketFor, analyst: User, halvern: Company
) -> None:
    await database_sync_to_async(RuleFactory)(owner=analyst)
    socket = socket_for("/ws/market/", analyst)
    hello = await opened(socket)
    streams = hello["streams"]
    assert streams == {"tape": TAPE, "alerts": alert_stream(analyst.pk)}
    for stream in streams.values():
        assert (await ask(socket, type="subscribe", stream=stream))["type"] == "ack"
    await database_sync_to_async(store)(news("Halvern Steel plunges"))
    await pending_score()
    seen = [await socket.receive_json_from(timeout=5) for _ in range(2)]
    assert {frame["kind"] for frame in seen} == {"article.scored", "alert.created"}
    await socket.disconnect()


async def test_what_was_missed_is_replayed(
    socket_for: SocketFor, analyst: User, halvern: Company
) -> None:
    await database_sync_to_async(store)(news("Halvern Steel gains"))
    await pending_score()
    socket = socket_for("/ws/market/", analyst)
    await opened(socket)
    await socket.send_json_to({"type": "subscribe", "stream": TAPE, "after": 0, "id": "1"})
    told = await event(socket, "article.scored")
    assert (told["title"], told["named"]) == ("Halvern Steel gains", [[0, 13]])
    await socket.disconnect()


async def test_an_alert_is_acknowledged_on_every_page_of_its_owner(
    socket_for: SocketFor, analyst: User
) -> None:
    alert = await database_sync_to_async(AlertFactory)(owner=analyst)
    one, other = (socket_for("/ws/market/", analyst) for _ in range(2))
    await opened(one)
    await opened(other)
    await ask(other, type="subscribe", stream=alert_stream(analyst.pk))
    answer = await ask(one, type="alert.acknowledge", alert=alert.pk)
    assert answer["alert"]["state"] == "acknowledged"
    assert (await event(other, "alert.acknowledged"))["id"] == alert.pk
    again = await ask(one, type="alert.acknowledge", alert=alert.pk)
    assert again["alert"]["acknowledged_at"] == answer["alert"]["acknowledged_at"]
    await one.disconnect()
    await other.disconnect()


async def test_other_peoples_alerts_stay_theirs(
    socket_for: SocketFor, analyst: User, colleague: User
) -> None:
    alert = await database_sync_to_async(AlertFactory)(owner=analyst)
    socket = socket_for("/ws/market/", colleague)
    await opened(socket)
    refused = await ask(socket, type="subscribe", stream=alert_stream(analyst.pk))
    assert (refused["type"], refused["code"]) == ("error", "not_allowed")
    unknown = await ask(socket, type="alert.acknowledge", alert=alert.pk)
    assert (unknown["type"], unknown["code"]) == ("error", "not_found")
    stored = await database_sync_to_async(Alert.objects.get)()
    assert stored.state == "new"
    await socket.disconnect()


@pytest.mark.parametrize("given", [None, "7", 1.5, True, [1]])
async def test_a_frame_without_a_usable_alert_is_an_error(
    socket_for: SocketFor, analyst: User, given: Any
) -> None:
    socket = socket_for("/ws/market/", analyst)
    await opened(socket)
    answer = await ask(socket, type="alert.acknowledge", alert=given)
    assert (answer["type"], answer["code"]) == ("error", "frame_invalid")
    await socket.disconnect()


async def test_only_analysts_are_let_in(
    socket_for: SocketFor, member: User, operator: User
) -> None:
    for user in (member, operator, None):
        socket = socket_for("/ws/market/", user)
        first = await opened(socket)
        assert first["type"] == "error"
        assert first["code"] in ("not_allowed", "not_signed_in")
        assert (await socket.receive_output())["code"] == 4403
