"""Customers of the chat, as clients that cost little: the benchmark shares their machine's cores.

Each is a real socket of its own with a conversation of its own. No text is written twice, so that
no answer comes from the cache of the models.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.server import RunningServer

QUESTIONS = (
    "my new card has not arrived yet",
    "why did I pay a fee at the cash machine",
    "how do I change my PIN",
    "what exchange rate do you use for euros",
    "my transfer is still pending",
    "someone used my card without asking me",
    "the top up was cancelled",
    "where can I see my statements",
    "can I use my card with my phone",
    "I forgot my passcode and cannot sign in",
)
OPENINGS = ("hi,", "hello", "quick question:", "please help,", "excuse me,", "hey", "sorry,")
PAUSE = 0.4  # seconds between answer and next message: a visitor may send three a second
_OPEN_SECONDS = 60
_ANSWER_SECONDS = 60
_OPENED_AT_ONCE = 20

_TOKENS = """
import uuid
from apps.support import services, visitors
for number in range({number}):
    visitor = uuid.uuid4()
    opened = {started} and services.conversation_start(visitor=visitor)
    print(visitors.visitor_token(visitor))
"""


def tokens(server: RunningServer, number: int, *, started: bool = False) -> list[str]:
    """Cookies of new visitors; ``started`` gives each a conversation already."""
    printed = server.manage("shell", "-c", _TOKENS.format(number=number, started=started))
    return printed.split()[-number:]


def texts() -> Iterator[str]:
    """Questions without end, none of which is the same as another."""
    for number in itertools.count():
        opening = OPENINGS[number // len(QUESTIONS) % len(OPENINGS)]
        yield f"{opening} {QUESTIONS[number % len(QUESTIONS)]}, I asked in week {number} too"


@dataclass
class Crowd:
    """What the customers of one run share: visitors not yet used, texts not yet written."""

    server: RunningServer
    visitors: Iterator[str]
    written: Iterator[str] = field(default_factory=texts)

    async def customer(self) -> Customer:
        return await Customer.arrive(self, next(self.visitors))


class Customer:
    """A visitor with an open socket."""

    def __init__(self, crowd: Crowd, socket: ClientConnection) -> None:
        self._crowd = crowd
        self._socket = socket
        self.with_bot = True

    @classmethod
    async def arrive(cls, crowd: Crowd, token: str) -> Self:
        """Open the socket; follow the visitor's conversation if there is one already."""
        socket = await connect(
            f"{crowd.server.socket_url}/ws/support/widget/",
            origin=crowd.server.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": f"trefoil_visitor={token}"},
            open_timeout=_OPEN_SECONDS,
            compression=None,
            ping_interval=None,
        )
        hello = json.loads(await socket.recv())
        if hello.get("stream"):
            frame = {"type": "subscribe", "id": "follow", "stream": hello["stream"]}
            await socket.send(json.dumps(frame | {"after": hello["seq"]}))
            await socket.recv()
        return cls(crowd, socket)

    async def ask(self) -> float:
        """Write a message; returns the time of its answer (``time.perf_counter``)."""
        frame = {
            "type": "message.send",
            "id": uuid.uuid4().hex,
            "text": next(self._crowd.written),
        }
        await self._socket.send(json.dumps(frame))
        async with asyncio.timeout(_ANSWER_SECONDS):
            async for raw in self._socket:
                event = json.loads(raw)
                if event["type"] == "error":
                    raise RuntimeError(event["detail"])
                if event.get("kind") != "message.created":
                    continue
                if event["payload"]["author"] != "visitor":
                    self.with_bot = event["payload"]["state"] == "bot"
                    return time.perf_counter()
        raise RuntimeError("the socket closed before the answer")

    async def leave(self) -> None:
        await self._socket.close()


async def closed_loop(crowd: Crowd, customers: int, messages: int) -> list[float]:
    """Seconds of each answer: every customer writes, waits for the answer, and writes again."""

    async def one() -> list[float]:
        found: list[float] = []
        customer = await crowd.customer()
        for _ in range(messages):
            if not customer.with_bot:  # handed over to a person, the customer begins anew
                await customer.leave()
                customer = await crowd.customer()
            began = time.perf_counter()
            found.append(await customer.ask() - began)
            await asyncio.sleep(PAUSE)
        await customer.leave()
        return found

    parts = await asyncio.gather(*(one() for _ in range(customers)))
    return [seconds for part in parts for seconds in part]


async def open_loop(
    crowd: Crowd, customers: int, rate: float, messages: int, *, seed: int = 7
) -> list[float]:
    """Seconds of each of ``messages`` answers, of messages that come as in a Poisson process.

    They come at ``rate`` a second whether or not the answers keep up, and each is timed from when
    it was due: a server that stalls makes those behind it wait too, and that counts.
    """
    waits = np.random.default_rng(seed).exponential(1 / rate, messages)
    free: asyncio.Queue[Customer] = asyncio.Queue()
    for customer in await gathered(crowd, customers):
        free.put_nowait(customer)

    async def one(due: float) -> float:
        customer = await free.get()
        seconds = await customer.ask() - due
        if not customer.with_bot:
            await customer.leave()
            customer = await crowd.customer()
        free.put_nowait(customer)
        return seconds

    began = time.perf_counter()
    running = []
    for due in began + np.cumsum(waits):
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        running.append(asyncio.create_task(one(float(due))))
    found = await asyncio.gather(*running)
    while not free.empty():
        await free.get_nowait().leave()
    return found


async def gathered(crowd: Crowd, number: int) -> list[Customer]:
    """So many customers with open sockets."""
    customers: list[Customer] = []
    for start in range(0, number, _OPENED_AT_ONCE):
        some = range(start, min(number, start + _OPENED_AT_ONCE))
        customers += await asyncio.gather(*(crowd.customer() for _ in some))
    return customers
