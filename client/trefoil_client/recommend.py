"""Recommendations over HTTP: items in, events in, pages out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from trefoil_client.connection import Connection, given


@dataclass(frozen=True, slots=True)
class Card:
    """An item as it is shown, with the reason why; ``score`` where it is from one ranked list."""

    id: str
    title: str
    url: str
    reason: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A row of a reader's page."""

    id: str
    title: str
    items: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a batch of items did."""

    added: int
    changed: int
    unchanged: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch of events did; ``refused`` names each bad event by its index.

    ``paused`` were not stored, since their readers have paused learning.
    """

    stored: int
    repeated: int
    paused: int
    refused: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """What a reader did; the same ``event_id`` counts once, however often it is sent."""

    item_id: str
    kind: str
    event_id: str
    value: float | None = None
    at: datetime | None = None

    @classmethod
    def now(cls, item_id: str, kind: str, value: float | None = None) -> Event:
        """An event of this moment with an id of its own."""
        return cls(item_id, kind, str(uuid.uuid4()), value, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Match:
    """An item beside a query or another item.

    ``similarity`` is their cosine by the vectors that answer now, ``None`` for an item without one;
    ``said`` is what you said of the two: ``fits``, ``does_not_fit``, or nothing.
    """

    item_id: str
    title: str
    similarity: float | None
    said: str


class Recommender(Connection):
    """Keeps items and events of an administrator's token, and asks for pages; a context manager.

    What the server refuses is raised as ``TrefoilError``; what keeps it from answering as the
    errors of ``httpx``.
    """

    _part = "recommend"

    def upsert(self, items: Sequence[Mapping[str, Any]], *, delete: Sequence[str] = ()) -> Upserted:
        """Add or change up to 500 items (``item_id``, ``title``, ...), and delete others."""
        body = self._asked("POST", "items/", json={"items": list(items), "delete": list(delete)})
        return Upserted(**body)

    def record(self, reader: str, events: Iterable[Event]) -> Recorded:
        """Store up to 1000 events of the reader whom you know as ``reader``."""
        rows = [
            {
                "reader": reader,
                "event_id": event.event_id,
                "item_id": event.item_id,
                "kind": event.kind,
                "value": event.value,
                **({"at": event.at.isoformat()} if event.at else {}),
            }
            for event in events
        ]
        body = self._asked("POST", "interactions/", json={"interactions": rows})
        counts = body["stored"], body["repeated"], body.get("paused", 0)
        return Recorded(*counts, tuple(body["refused"]))

    def page(self, reader: str) -> tuple[Section, ...]:
        """The page of a reader, row by row; one nobody knows gets a newcomer's."""
        body = self._asked("GET", "recommendations/", params={"reader": reader})
        return tuple(
            Section(held["id"], held["title"], tuple(map(_card, held["items"])))
            for held in body["sections"]
        )

    def feed(
        self,
        reader: str,
        *,
        limit: int = 20,
        tag: str | None = None,
        author: str | None = None,
        exclude: Sequence[str] = (),
    ) -> tuple[Card, ...]:
        """Up to 100 items that suit a reader, the best first, as one list; of those with a ``tag``
        or by an ``author`` alone, and without those of the ids ``exclude``."""
        named = given({"reader": reader, "limit": limit, "tag": tag, "author": author})
        body = self._asked("GET", "feed/", params={**named, "exclude": list(exclude)})
        return tuple(map(_card, body["items"]))

    def saved(self, reader: str) -> tuple[Card, ...]:
        """What a reader saved, the latest first."""
        body = self._asked("GET", "saved/", params={"reader": reader})
        return tuple(map(_card, body["items"]))

    def also(self, item_id: str) -> tuple[Card, ...]:
        """What readers of an item liked too; the reason says how many of them."""
        return tuple(map(_card, self._asked("GET", f"items/{quote(item_id)}/also/")["items"]))

    def similar(self, item_id: str) -> tuple[Card, ...]:
        """The items whose texts are nearest."""
        body = self._asked("GET", f"items/{quote(item_id)}/similar/")
        return tuple(map(_card, body["items"]))

    def search(self, query: str) -> tuple[Card, ...]:
        """The items for a free text, best first."""
        return tuple(map(_card, self._asked("GET", "search/", params={"q": query})["items"]))

    def matches(self, *, query: str | None = None, of: str | None = None) -> tuple[Match, ...]:
        """The items nearest to a query or to an item, one of the two, the best first; for leads
        and administrators, as what follows."""
        rows = self._rows("matches/", query=query, of=of)
        return tuple(Match(**row) for row in rows)

    def judge(
        self, item_id: str, *, fits: bool, query: str | None = None, of: str | None = None
    ) -> Match:
        """Say whether an item fits a query or another item, an example for the encoder; replaces
        what you said of the two before."""
        body = given({"item_id": item_id, "fits": fits, "query": query, "of": of})
        return Match(**self._asked("POST", "matches/", json=body))

    def take_back(self, item_id: str, *, query: str | None = None, of: str | None = None) -> None:
        """Take back what you said of the two."""
        named = given({"item_id": item_id, "query": query, "of": of})
        self._answer("DELETE", "matches/", params=named)


def _card(body: Mapping[str, Any]) -> Card:
    return Card(
        body["id"],
        body["title"],
        body["url"],
        body["reason"],
        tuple(body["authors"]),
        tuple(body["tags"]),
        body.get("score"),
    )
