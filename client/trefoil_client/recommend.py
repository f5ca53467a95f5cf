"""Recommendations over HTTP: items in, events in, pages out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from trefoil_client.connection import Connection


@dataclass(frozen=True, slots=True)
class Card:
    """An item as it is shown, with the reason why."""

    id: str
    title: str
    url: str
    reason: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]


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

    def similar(self, item_id: str) -> tuple[Card, ...]:
        """The items whose texts are nearest."""
        body = self._asked("GET", f"items/{quote(item_id)}/similar/")
        return tuple(map(_card, body["items"]))

    def search(self, query: str) -> tuple[Card, ...]:
        """The items for a free text, best first."""
        return tuple(map(_card, self._asked("GET", "search/", params={"q": query})["items"]))


def _card(body: Mapping[str, Any]) -> Card:
    return Card(
        body["id"],
        body["title"],
        body["url"],
        body["reason"],
        tuple(body["authors"]),
        tuple(body["tags"]),
    )
