"""What a file or a request says of an item or an interaction, checked value by value."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.core.file_imports import RowError
from apps.recommend import item_values
from apps.recommend.models import Kind
from ml.ranking.interactions import item_text
from ml.wording import Wording

ITEM_COLUMNS = ("item_id", "title", "text", "tags")
INTERACTION_COLUMNS = ("user_id", "item_id", "kind", "value", "timestamp")

MAX_TEXT = 100_000
MAX_DWELL = 86_400
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an event's time may lie ahead of ours; it is then stored as happening now."""
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_PUBLISHED = re.compile(r"^(-?\d{1,4})(?:-(\d{2})(?:-(\d{2}))?(?:[T ].*)?)?$")
_FALSE = frozenset({"0", "false", "no"})
_TRUE = frozenset({"1", "true", "yes", ""})


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item's content, cleaned and within the table's limits."""

    external_id: str
    title: str
    text: str
    tags: tuple[str, ...]
    authors: tuple[str, ...]
    published: str
    year: int | None
    available: bool
    image_url: str = ""
    price: Decimal | None = None
    currency: str = ""
    language: str = ""
    expires_at: datetime | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def text_hash(self) -> str:
        """Changes when what the encoder reads changes."""
        return hashlib.sha256(item_text(self.title, self.text, self.tags).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DeletedRow:
    """An item that a file says is gone."""

    external_id: str


@dataclass(frozen=True, slots=True)
class InteractionRow:
    """What a reader did. ``reader`` and ``item`` are the outside ids, ``at`` is aware."""

    reader: str
    item: str
    kind: str
    value: float | None
    at: datetime
    event_id: str


def item_row(record: Mapping[str, Any]) -> ItemRow:
    """An item from a CSV or JSON object; lists may be lists or texts split by ``|``.

    Raises :class:`RowError`.
    """
    published, further = _text(record, "published_at", 32), _further(record)
    year, first = _published(published)
    if first and further["expires_at"] and further["expires_at"].date() < first:
        raise RowError(Wording("expires_at is before published_at %(value)r", value=published))
    return ItemRow(
        external_id=_address(_required(record, "item_id", 120)),
        title=_required(record, "title", 500),
        text=_text(record, "text", MAX_TEXT),
        tags=_names(record, "tags", 80),
        authors=_names(record, "authors", 200),
        published=published,
        year=year,
        available=_flag(record, "available"),
        **further,
    )


def file_row(record: Mapping[str, Any]) -> ItemRow | DeletedRow:
    """An item of a file, or that it is gone (``deleted`` is true); raises :class:`RowError`."""
    if record.get("deleted") not in (None, "") and _flag(record, "deleted"):
        return DeletedRow(_required(record, "item_id", 120))
    return item_row(record)


def _further(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "image_url": item_values.image_url(_text(record, "image_url", item_values.MAX_URL)),
        "price": item_values.price(record.get("price")),
        "currency": item_values.currency(_text(record, "currency", 20)),
        "language": item_values.language(_text(record, "language", 40)),
        "expires_at": item_values.expiry(_text(record, "expires_at", 40)),
        "attributes": item_values.attributes(record.get("attributes")),
    }


def interaction_row(record: Mapping[str, Any], now: datetime) -> InteractionRow:
    """An interaction from a CSV or JSON object; raises :class:`RowError`.

    Without an ``event_id`` it is known by its content, so a file read twice counts once.
    """
    reader, item = _required(record, "user_id", 120), _required(record, "item_id", 120)
    kind = _required(record, "kind", 16).lower()
    value, at = checked_value(kind, record.get("value")), moment(record.get("timestamp"), now)
    content = "\x1f".join((reader, item, kind, at.isoformat(), str(value)))
    event_id = _text(record, "event_id", 80)
    return InteractionRow(
        reader,
        item,
        kind,
        value,
        at,
        event_id or f"row:{hashlib.sha256(content.encode()).hexdigest()[:40]}",
    )


def checked_value(kind: str, value: Any) -> float | None:
    """The value of an interaction: a rating needs one from 0 to 10, dwell the seconds of it.

    Raises :class:`RowError`.
    """
    if kind not in Kind.values:
        raise RowError(
            Wording(
                "kind %(value)r is none of %(kinds)s", value=kind[:40], kinds=", ".join(Kind.values)
            )
        )
    try:
        number = None if value is None or str(value).strip() == "" else float(value)
    except (TypeError, ValueError) as error:
        raise RowError(Wording("value %(value)r is not a number", value=str(value)[:40])) from error
    if number is not None and not math.isfinite(number):
        raise RowError(Wording("value %(value)r is not a finite number", value=str(value)[:40]))
    if kind == Kind.RATING and (number is None or not 0 <= number <= 10):
        raise RowError(Wording("value of a rating must be a number from 0 to 10"))
    if kind == Kind.DWELL and (number is None or not 0 <= number <= MAX_DWELL):
        raise RowError(
            Wording("value of dwell must be its seconds, from 0 to %(most)s", most=MAX_DWELL)
        )
    return number


def moment(value: Any, now: datetime) -> datetime:
    """A time given as ISO 8601 (UTC unless it says otherwise) or as seconds since 1970.

    A clock that is a little ahead is brought back to ``now``; one far ahead is refused, since such
    an event would stay the newest forever. Raises :class:`RowError`.
    """
    text = str(value if value is not None else "").strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text) and len(text.split(".")[0]) != 8:
            at = datetime.fromtimestamp(float(text), tz=UTC)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RowError(
            Wording("timestamp %(value)r is no time (ISO 8601 or seconds)", value=text[:40])
        ) from error
    if at < _EARLIEST:
        raise RowError(Wording("timestamp %(value)r is before 1970", value=text[:40]))
    if at > now + CLOCK_TOLERANCE:
        raise RowError(Wording("timestamp %(value)r lies in the future", value=text[:40]))
    return min(at, now)


def _clean(text: str) -> str:
    """One line without NUL and half surrogates, which a database does not take."""
    return " ".join(text.replace("\x00", " ").encode("utf-8", "replace").decode().split())


def _text(record: Mapping[str, Any], column: str, limit: int) -> str:
    value = record.get(column)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise RowError(Wording("%(column)s is not a text", column=column))
    text = _clean(str(value))
    if len(text) > limit:
        raise RowError(
            Wording(
                "%(column)s has %(length)s characters, at most %(most)s are allowed",
                column=column,
                length=len(text),
                most=limit,
            )
        )
    return text


def _address(item_id: str) -> str:
    """An id whose page can be opened: browsers take ``.`` and ``..`` out of an address."""
    if {".", ".."} & set(item_id.split("/")):
        raise RowError(Wording("item_id %(item)r cannot stand in an address", item=item_id[:40]))
    return item_id


def _required(record: Mapping[str, Any], column: str, limit: int) -> str:
    text = _text(record, column, limit)
    if not text:
        raise RowError(Wording("%(column)s is empty", column=column))
    return text


def _names(record: Mapping[str, Any], column: str, limit: int) -> tuple[str, ...]:
    value = record.get(column) or ()
    parts = value.split("|") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise RowError(Wording("%(column)s is not a list of texts", column=column))
    names = [_clean(part) for part in parts]
    for name in names:
        if len(name) > limit:
            raise RowError(
                Wording(
                    "%(column)s holds a name of %(length)s characters, at most %(most)s",
                    column=column,
                    length=len(name),
                    most=limit,
                )
            )
    return tuple(dict.fromkeys(name for name in names if name))


def _published(text: str) -> tuple[int | None, date | None]:
    """The year and the first day of what says when an item came out; no day before our era."""
    if not text:
        return None, None
    match = _PUBLISHED.match(text)
    try:
        if match is None:
            raise ValueError(text)
        year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
        # Years that have no calendar here are held against one that has each day.
        first = date(year if year > 0 else 2000, month, day)
    except ValueError as error:
        raise RowError(
            Wording("published_at %(value)r is no year or date (1895, 1895-05-07)", value=text)
        ) from error
    return year, first if year > 0 else None


def _flag(record: Mapping[str, Any], column: str) -> bool:
    value = record.get(column)
    if value is None or isinstance(value, bool):
        return value is not False
    word = str(value).strip().lower()
    if word not in _FALSE | _TRUE:
        raise RowError(
            Wording(
                "%(column)s %(value)r is neither true nor false", column=column, value=word[:20]
            )
        )
    return word in _TRUE
