"""A customer on one server, an operator on another: PostgreSQL and Redis are what they share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from bench.server import RunningServer
from tests.scaled.conftest import POOL, Pair

pytestmark = pytest.mark.scaled

PATIENCE = 30
Frame = dict[str, Any]


class Peer:
    """A client of one socket that remembers the messages of the conversation, as they came."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.messages: list[Frame] = []

    async def tell(self, kind: str, client_id: str, **fields: Any) -> Frame:
        """Send a command; returns its ack."""
        await self._socket.send(json.dumps({"type": kind, "id": client_id, **fields}))
        ack = await self.until(lambda frame: frame.get("id") == client_id)
        assert ack["type"] == "ack", ack
        return ack

    async def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """Read up to the first frame that is ``wanted``."""
        async with asyncio.timeout(PATIENCE):
            async for raw in self._socket:
                frame: Frame = json.loads(raw)
                if frame.get("kind") == "message.created":
                    self.messages.append(frame)
                if wanted(frame):
                    return frame
        raise AssertionError("the socket closed")

    async def hears(self, *texts: str) -> None:
        """Read until each of ``texts`` has arrived."""
        while missing := set(texts) - set(self.texts):
            await self.until(lambda frame: _text(frame) in missing)

    @property
    def texts(self) -> list[str]:
        return [_text(frame) for frame in self.messages]

    @property
    def sequence(self) -> list[int]:
        return [frame["payload"]["seq"] for frame in self.messages]


def _text(frame: Frame) -> str:
    return str(frame.get("payload", {}).get("text", ""))


@asynccontextmanager
async def peer(server: RunningServer, path: str, cookie: str) -> AsyncIterator[Peer]:
    async with connect(
        f"{server.socket_url}{path}",
        origin=server.url,  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie},
        open_timeout=PATIENCE,
    ) as socket:
        client = Peer(socket)
        assert (await client.until(lambda frame: True))["type"] == "hello"
        yield client


async def visitor_cookie(server: RunningServer) -> str:
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as client:
        (await client.get("/support/widget/")).raise_for_status()
        return f"trefoil_visitor={client.cookies['trefoil_visitor']}"


async def operator_cookie(server: RunningServer) -> str:
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as client:
        await client.get("/accounts/sign-in/")
        form = {"csrfmiddlewaretoken": client.cookies["csrftoken"], "next": "/"}
        await client.post("/accounts/sign-in/demo/olivia/", data=form)
        return f"sessionid={client.cookies['sessionid']}"


async def begun(customer: Peer, operator: Peer) -> str:
    """The conversation, which the operator has taken and follows from its beginning."""
    opened = await customer.tell("message.send", "c0", text="A person please, about my card.")
    conversation = str(opened["conversation"])
    await operator.tell("conversation.take", "take", conversation=conversation)
    await operator.tell("subscribe", "follow", stream=opened["stream"], after=0)
    return conversation


async def test_customer_and_operator_on_two_servers_hear_each_other(pair: Pair) -> None:
    visitor = await visitor_cookie(pair.first)
    session = await operator_cookie(pair.first)  # signed in there, and known here
    async with (
        peer(pair.first, "/ws/support/widget/", visitor) as customer,
        peer(pair.second, "/ws/support/console/", session) as operator,
    ):
        conversation = await begun(customer, operator)
        for number in range(3):
            await customer.tell("message.send", f"c{number + 1}", text=f"question {number}")
            await operator.hears(f"question {number}")
            reply = {"conversation": conversation, "text": f"reply {number}"}
            await operator.tell("message.send", f"o{number}", **reply)
            await customer.hears(f"reply {number}")
        await operator.hears("reply 2")
        # What is told and never stored reaches the other server through Redis alone.
        await operator._socket.send(json.dumps({"type": "typing", "conversation": conversation}))
        assert (await customer.until(lambda frame: frame["type"] == "typing"))["name"]
    for one in (customer, operator):
        assert one.sequence == sorted(set(one.sequence))
    assert customer.texts[-6:] == operator.texts[-6:]


async def test_while_redis_is_away_and_after_it_each_message_comes_once(pair: Pair) -> None:
    visitor = await visitor_cookie(pair.first)
    session = await operator_cookie(pair.second)
    async with (
        peer(pair.first, "/ws/support/widget/", visitor) as customer,
        peer(pair.second, "/ws/support/console/", session) as operator,
    ):
        conversation = await begun(customer, operator)
        await asyncio.to_thread(pair.redis.stop)
        for number in range(3):  # the log carries them meanwhile
            await customer.tell("message.send", f"c{number + 1}", text=f"away {number}")
        await operator.hears("away 0", "away 1", "away 2")
        await operator.tell("message.send", "o0", conversation=conversation, text="still here")
        await customer.hears("still here")
        await asyncio.to_thread(pair.redis.start)
        await customer.tell("message.send", "c9", text="back again")
        await operator.hears("back again")
        for one in (customer, operator):
            assert one.sequence == list(range(one.sequence[0], one.sequence[0] + len(one.sequence)))
            assert len(one.texts) == len(set(one.texts))
        await _typing_arrives(operator, customer, conversation)


async def _typing_arrives(sender: Peer, receiver: Peer, conversation: str) -> None:
    """The open sockets have joined their groups in the new Redis again, with no new connection."""
    hint = json.dumps({"type": "typing", "conversation": conversation})
    heard = asyncio.ensure_future(receiver.until(lambda frame: frame["type"] == "typing"))
    while not heard.done():
        await sender._socket.send(hint)
        await asyncio.wait([heard], timeout=0.5)
    assert heard.result()["author"] == "operator"


async def test_signing_in_goes_on_while_redis_is_away(pair: Pair) -> None:
    pair.redis.stop()
    session = await operator_cookie(pair.second)
    async with httpx.AsyncClient(base_url=pair.first.url, timeout=PATIENCE) as client:
        page = await client.get("/api/v1/support/conversations/", headers={"Cookie": session})
    assert page.status_code == 200


async def test_many_sockets_need_few_connections(pair: Pair) -> None:
    """Each server has four at most: a thread that kept one would soon leave none for the others."""
    visitors = [await visitor_cookie(pair.first) for _ in range(50)]

    async def talk(number: int) -> None:
        server = (pair.first, pair.second)[number % 2]
        async with peer(server, "/ws/support/widget/", visitors[number]) as customer:
            for turn in range(2):
                await customer.tell("message.send", f"c{turn}", text=f"question {number} {turn}")

    await asyncio.gather(*(talk(number) for number in range(len(visitors))))
    assert pair.postgres.connections(pair.database) <= 2 * POOL
