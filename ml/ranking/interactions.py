"""Items and what readers did to them: readers of the two CSV formats and their numbers."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data.readers import read_records
from ml.errors import DataError
from ml.types import FloatArray

STRENGTH = {
    "view": 0.15,
    "click": 0.35,
    "dwell": 0.4,
    "like": 1.0,
    "save": 1.0,
    "purchase": 1.2,
    "dislike": -1.0,
    "not_interested": -1.0,
}
"""How much a deed says about taste; ratings have their own scale."""

LONG_DWELL = 60.0
"""Seconds after which staying longer says no more."""

POSITIVE_KINDS = frozenset({"like", "save", "purchase"})
POSITIVE_RATING = 4.0
_LOW_RATING, _LOW_STRENGTH = 2.5, -0.3

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended."""

    id: str
    title: str
    text: str
    tags: tuple[str, ...] = ()


def item_text(title: str, text: str, tags: Iterable[str]) -> str:
    """What the encoder reads of an item: the title, the text, then the tags as words."""
    return ". ".join(part for part in (title, text, ", ".join(tags)) if part)


@dataclass(frozen=True, slots=True)
class Interaction:
    """A reader did something to an item; ``value`` is a rating's, ``timestamp`` in seconds UTC."""

    user: str
    item: str
    kind: str
    value: float | None
    timestamp: float


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """Interactions as arrays of shape (interactions,), in order of time.

    ``users`` and ``items`` are indices; ``strengths`` is what each says about taste in [-1, 1.2];
    ``positive`` marks those that a recommendation should have foreseen.
    """

    users: IntArray
    items: IntArray
    strengths: FloatArray
    positive: NDArray[np.bool_]
    times: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.users)

    def where(self, mask: NDArray[np.bool_] | IntArray) -> Log:
        """The interactions that ``mask`` picks (or those at its indices)."""
        return Log(
            self.users[mask],
            self.items[mask],
            self.strengths[mask],
            self.positive[mask],
            self.times[mask],
        )


def strength_of(kind: str, value: float | None) -> float:
    """What a deed says about taste.

    A rating of four or more says 1, one of 2.5 or less -0.3, others nothing: on public film
    ratings that foresaw better than a straight line through the stars. Dwell grows with its
    seconds up to a minute. Other kinds have a fixed strength.
    """
    if kind == "dwell":
        return STRENGTH[kind] * min((value or 0.0) / LONG_DWELL, 1.0)
    if kind != "rating":
        return STRENGTH[kind]
    if value is None:
        return 0.0
    return 1.0 if value >= POSITIVE_RATING else _LOW_STRENGTH if value <= _LOW_RATING else 0.0


def is_positive(kind: str, value: float | None) -> bool:
    """A rating of at least four, a like, a save or a purchase."""
    if kind == "rating":
        return value is not None and value >= POSITIVE_RATING
    return kind in POSITIVE_KINDS


def read_items(path: Path) -> list[Item]:
    """Read ``item_id,title,text,tags`` (tags split by ``|``) from CSV or JSONL.

    Raises :class:`DataError` with the row: an empty or repeated id, an item without title and text,
    a file without items.
    """
    items: dict[str, Item] = {}
    for row, record in read_records(path, ("item_id", "title", "text", "tags")):
        name = str(record["item_id"]).strip()
        title, text = str(record["title"]).strip(), str(record["text"]).strip()
        if not name:
            raise DataError(path, row, "'item_id' is empty")
        if name in items:
            raise DataError(path, row, f"repeats the item {name!r}")
        if not (title or text):
            raise DataError(path, row, "has neither a title nor a text")
        tags = tuple(dict.fromkeys(filter(None, map(str.strip, str(record["tags"]).split("|")))))
        items[name] = Item(name, title, text, tags)
    if not items:
        raise DataError(path, None, "has no items")
    return list(items.values())


def read_interactions(path: Path, items: Sequence[Item]) -> list[Interaction]:
    """Read ``user_id,item_id,kind,value,timestamp`` from CSV or JSONL.

    Timestamps are ISO 8601 (UTC when they name no zone) or seconds since 1970. Raises
    :class:`DataError` with the row: an empty user, an unknown item or kind, a rating without a
    number, a bad timestamp, a file without interactions.
    """
    known = {item.id for item in items}
    columns = ("user_id", "item_id", "kind", "value", "timestamp")
    found = []
    for row, record in read_records(path, columns):
        try:
            found.append(_interaction(record, known))
        except ValueError as error:
            raise DataError(path, row, str(error)) from error
    if not found:
        raise DataError(path, None, "has no interactions")
    return found


def log_of(interactions: Sequence[Interaction], items: Sequence[Item]) -> tuple[Log, list[str]]:
    """The interactions as arrays in order of time, and the users' names by index.

    Those of one moment are in an order by lot, the same each time: the catalogue's order would let
    whatever holds out the last ones hold out the same items of everybody.
    """
    places = {item.id: index for index, item in enumerate(items)}
    names = sorted({interaction.user for interaction in interactions})
    users = {name: index for index, name in enumerate(names)}
    ordered = sorted(interactions, key=lambda deed: (deed.timestamp, _lot(deed), deed.item))
    log = Log(
        users=np.array([users[deed.user] for deed in ordered], dtype=np.int64),
        items=np.array([places[deed.item] for deed in ordered], dtype=np.int64),
        strengths=np.array([strength_of(d.kind, d.value) for d in ordered], dtype=np.float32),
        positive=np.array([is_positive(d.kind, d.value) for d in ordered], dtype=bool),
        times=np.array([deed.timestamp for deed in ordered], dtype=np.float64),
    )
    return log, names


def _lot(deed: Interaction) -> int:
    return zlib.crc32(f"{deed.user}\0{deed.item}".encode())


def _interaction(record: dict[str, Any], known: set[str]) -> Interaction:
    user, item = str(record["user_id"]).strip(), str(record["item_id"]).strip()
    kind = str(record["kind"]).strip()
    if not user:
        raise ValueError("'user_id' is empty")
    if item not in known:
        raise ValueError(f"there is no item {item!r}")
    if kind != "rating" and kind not in STRENGTH:
        kinds = ", ".join(["rating", *STRENGTH])
        raise ValueError(f"{kind!r} is not a kind of interaction ({kinds})")
    value = _value(record["value"])
    if kind == "rating" and value is None:
        raise ValueError("a rating needs a value")
    return Interaction(user, item, kind, value, _timestamp(record["timestamp"]))


def _value(given: Any) -> float | None:
    text = "" if given is None else str(given).strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"the value {text!r} is not a number") from error
    if not np.isfinite(value):
        raise ValueError(f"the value {text!r} is not a number")
    return value


def _timestamp(given: Any) -> float:
    text = str(given).strip()
    try:
        return _finite(float(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"the timestamp {text!r} is neither ISO 8601 nor seconds") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _finite(value: float) -> float:
    if not np.isfinite(value):
        raise ValueError("not finite")
    return value
