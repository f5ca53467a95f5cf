"""An article as any door hands it in, checked value by value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from apps.core.file_imports import RowError
from apps.market.text import content_hash
from ml.wording import Wording

COLUMNS = ("title",)
MAX_TITLE, MAX_BODY, MAX_URL, MAX_SOURCE, MAX_ID = 500, 100_000, 2000, 120, 300
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article's content within the table's limits; ``published_at`` is aware or ``None``."""

    source: str
    external_id: str
    url: str
    title: str
    body: str
    published_at: datetime | None

    @property
    def content_hash(self) -> str:
        return content_hash(self.title, self.body)


def article_row(record: Mapping[str, Any], *, source: str = "", zone: tzinfo = UTC) -> ArticleRow:
    """Check a CSV row or JSON object; ``source`` is used when the row names none.

    A time without a zone is one of ``zone``.

    Raises :class:`RowError`.
    """
    title = " ".join(_text(record, "title", MAX_TITLE).split())
    if not title:
        raise RowError(Wording("'title' is empty"))
    body = _text(record, "body", MAX_BODY).strip()
    url = _url(_text(record, "url", MAX_URL).strip())
    name = " ".join(_text(record, "source", MAX_SOURCE).split()) or source
    if not name:
        raise RowError(Wording("'source' is empty"))
    given = _text(record, "external_id", 10_000).strip() or url
    return ArticleRow(
        source=name,
        external_id=_identity(given, title, body),
        url=url,
        title=title,
        body=body,
        published_at=parse_time(record.get("published_at"), zone),
    )


def parse_time(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """An ISO 8601 or RFC 2822 time as an aware datetime (of ``zone`` when it names none).

    Raises :class:`RowError`.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise RowError(Wording("%(field)r is not a text", field="published_at"))
    parsed = _iso(value.strip()) or _rfc(value.strip())
    if parsed is None:
        raise RowError(Wording("'published_at' is no ISO 8601 time: %(value)r", value=value[:40]))
    try:
        moment = (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        words = Wording("'published_at' is out of range: %(value)r", value=value[:40])
        raise RowError(words) from error
    if moment < _EARLIEST:
        raise RowError(Wording("'published_at' lies before 1970: %(value)r", value=value[:40]))
    return moment


def _iso(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _rfc(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None


def _identity(given: str, title: str, body: str) -> str:
    if not given:
        return f"sha256:{content_hash(title, body)}"
    if len(given) > MAX_ID:
        return f"sha256:{hashlib.sha256(given.encode()).hexdigest()}"
    return given


def _text(record: Mapping[str, Any], field: str, limit: int) -> str:
    value = record.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RowError(Wording("%(field)r is not a text", field=field))
    # Half a surrogate pair cannot be stored as UTF-8; a database refuses NUL.
    value = _CONTROL.sub("", value).encode("utf-8", "replace").decode()
    if len(value) > limit:
        words = Wording(
            "%(field)r has %(length)s characters; at most %(limit)s are taken",
            field=field,
            length=f"{len(value):,}",
            limit=f"{limit:,}",
        )
        raise RowError(words)
    return value


def _url(value: str) -> str:
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise RowError(Wording("'url' is no http or https address: %(value)r", value=value[:60]))
    return value
