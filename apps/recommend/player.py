"""Plays simulated readers against a running server, over its real sockets and pages."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from apps.core.demo import SimulationTarget
from apps.recommend.models import external_key
from apps.recommend.visitors import COOKIE, cookie_value

READERS, OPEN_AT_ONCE = 60, 3
SESSION_ACTIONS = (4, 12)
_RETRY_SECONDS = 3.0
_FAMILIAR, _STRANGE = 0.85, 0.15


def simulated_name(number: int) -> str:
    """The outside id of a simulated reader, numbered from 1."""
    return f"sim-{number:04d}"


@dataclass(slots=True)
class SimulatedReader:
    """A reader with a taste: three tags that draw it, and the cards that its page shows."""

    name: str
    rng: random.Random
    tags: set[str] = field(default_factory=set)
    cards: list[dict[str, Any]] = field(default_factory=list)

    def look(self, sections: list[dict[str, Any]]) -> None:
        """Take in the page; the taste forms once, from the tags that are on offer."""
        self.cards = [card for section in sections for card in section.get("items", [])]
        offered = sorted({tag for card in self.cards for tag in card["tags"]})
        if not self.tags and offered:
            taste = random.Random(self.name)  # noqa: S311 - the same reader, the same taste
            self.tags = set(taste.sample(offered, min(3, len(offered))))

    def choose(self) -> tuple[str, dict[str, Any]] | None:
        """What the reader does next: a kind and a card; ``None`` on an empty page."""
        if not self.cards:
            return None
        drawn = [card for card in self.cards if self.tags & set(card["tags"])]
        familiar = bool(drawn) and self.rng.random() < _FAMILIAR
        card = self.rng.choice(drawn if familiar else self.cards)
        if not self.tags & set(card["tags"]) and self.rng.random() < _STRANGE:
            return "not_interested", card
        return self.rng.choices(["click", "save", "like"], weights=[6, 2, 1])[0], card


async def play(target: SimulationTarget) -> None:
    """Keep a few simulated readers reading until cancelled, ``target.rate`` actions a second."""
    await asyncio.gather(
        *(_visits(target, seat, OPEN_AT_ONCE / target.rate) for seat in range(OPEN_AT_ONCE))
    )


async def _visits(target: SimulationTarget, seat: int, pause: float) -> None:
    rng = random.Random(seat)  # noqa: S311
    while True:
        number = rng.randrange(READERS // OPEN_AT_ONCE) * OPEN_AT_ONCE + seat + 1
        reader = SimulatedReader(simulated_name(number), rng)
        try:
            await _visit(target, reader, pause)
        except (OSError, TimeoutError, ConnectionClosed):
            # The server is away for a moment (or has just reloaded); readers come back.
            await asyncio.sleep(_RETRY_SECONDS)


async def _visit(target: SimulationTarget, reader: SimulatedReader, pause: float) -> None:
    cookie = f"{COOKIE}={cookie_value(external_key(reader.name))}"
    async with connect(
        f"{target.socket_url}/ws/discover/",
        origin=target.base_url,  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie},
    ) as socket:
        page = await _ask(socket, {"type": "feed.request"})
        reader.look(page["sections"])
        for _ in range(reader.rng.randint(*SESSION_ACTIONS)):
            await asyncio.sleep(reader.rng.uniform(0.5, 1.5) * pause)
            chosen = reader.choose()
            if chosen is None:
                return
            kind, card = chosen
            await _ask(socket, {"type": "event.record", "item_id": card["id"], "kind": kind})
            page = await _ask(socket, {"type": "feed.request"})
            reader.look(page["sections"])


async def _ask(socket: ClientConnection, frame: dict[str, Any]) -> dict[str, Any]:
    """Send a command and wait for its acknowledgement; an error answers like an empty page."""
    name = str(uuid.uuid4())
    await socket.send(json.dumps({**frame, "id": name}))
    while True:
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), timeout=20))
        if answer.get("id") == name:
            return answer if answer["type"] == "ack" else {"sections": []}
