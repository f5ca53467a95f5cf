"""What an item may say beside its text: picture, price, language, expiry and free attributes."""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.fetching import is_public
from apps.core.file_imports import RowError
from ml.wording import Wording

MAX_URL = 1000
MAX_PRICE = Decimal("9999999999.99")
MAX_ATTRIBUTES = 16_384
"""Characters of an item's attributes as JSON."""
_CENT = Decimal("0.01")
_LANGUAGE = re.compile(r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$", re.IGNORECASE)
_CURRENCY = re.compile(r"^[A-Z]{3}$")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""What JSON may spell out and UTF-8 cannot, so that neither a database nor a page takes it."""
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def image_url(text: str) -> str:
    """An https address without a user's name; raises :class:`RowError`.

    A host inside a network (an address that is not public, ``localhost``) is refused unless the
    pages' policy names it: a reader's browser would look for it in the reader's own network.
    """
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port is not False and "@" not in parts.netloc
    except ValueError:
        usable, parts = False, urlsplit("")
    if parts.scheme != "https" or not usable or len(text) > MAX_URL or re.search(r"[\s<>\"]", text):
        raise RowError(Wording("image_url %(value)r is no https address", value=text[:60]))
    if _is_inside(parts.hostname or "") and parts.netloc.lower() not in settings.IMAGE_HOSTS:
        raise RowError(
            Wording("image_url %(value)r is at an address that is not public", value=text[:60])
        )
    return text


def _is_inside(host: str) -> bool:
    """Whether a host is named by an address, or a name, that only one machine or network knows."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False  # a name of the internet
    return not is_public(host)


def shown_image(url: str) -> str:
    """``url`` if it may be shown: the pages' policy names the hosts that pictures come from.

    A picture of another host would be blocked by the browser, so the drawn cover stands in.
    """
    return url if url and urlsplit(url).netloc.lower() in settings.IMAGE_HOSTS else ""


def price(value: Any) -> Decimal | None:
    """An amount of at least 0, in hundredths; raises :class:`RowError`."""
    text = str(value if value is not None else "").strip()
    if not text:
        return None
    try:
        amount = Decimal(text)
        usable = amount.is_finite() and 0 <= amount <= MAX_PRICE
    except InvalidOperation:
        usable = False
    if not usable or isinstance(value, bool):
        raise RowError(
            Wording(
                "price %(value)r is no amount from 0 to %(most)s", value=text[:40], most=MAX_PRICE
            )
        )
    return amount.quantize(_CENT)


def currency(text: str) -> str:
    """Three capital letters (ISO 4217) or nothing; raises :class:`RowError`."""
    text = text.upper()
    if text and not _CURRENCY.match(text):
        raise RowError(
            Wording("currency %(value)r is no code of three letters (EUR)", value=text[:20])
        )
    return text


def language(text: str) -> str:
    """A language tag (BCP 47: ``en``, ``pt-br``) in small letters; raises :class:`RowError`."""
    if text and (len(text) > 35 or not _LANGUAGE.match(text)):
        raise RowError(
            Wording("language %(value)r is no language tag (en, pt-BR)", value=text[:40])
        )
    return text.lower()


def expiry(text: str) -> datetime | None:
    """When an item ends, in UTC: a time, or the end of a day; raises :class:`RowError`."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(f"{text}T23:59:59" if _DAY.match(text) else text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RowError(
            Wording("expires_at %(value)r is no date or time (2026-12-31)", value=text[:40])
        ) from error


def attributes(value: Any) -> dict[str, Any]:
    """A JSON object, given as such or as its text; raises :class:`RowError`."""
    if value is None or value == "":
        return {}
    try:
        held = json.loads(value) if isinstance(value, str) else value
        text = json.dumps(held, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise RowError(
            Wording("attributes %(value)r is not JSON", value=str(value)[:40])
        ) from error
    if not isinstance(held, dict):
        raise RowError(Wording("attributes is not a JSON object"))
    if len(text) > MAX_ATTRIBUTES:
        raise RowError(
            Wording(
                "attributes has %(length)s characters as JSON, at most %(most)s are allowed",
                length=len(text),
                most=MAX_ATTRIBUTES,
            )
        )
    if "\\u0000" in text or _HALF_PAIR.search(json.dumps(held, ensure_ascii=False)):
        raise RowError(Wording("attributes holds a zero character or half a surrogate pair"))
    return held
