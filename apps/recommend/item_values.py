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


class ValueProblem(ValueError):
    """A value is unusable; the message names the column and the value."""


def image_url(text: str) -> str:
    """An https address without a user's name; raises :class:`ValueProblem`.

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
        raise ValueProblem(f"image_url {text[:60]!r} is no https address")
    if _is_inside(parts.hostname or "") and parts.netloc.lower() not in settings.IMAGE_HOSTS:
        raise ValueProblem(f"image_url {text[:60]!r} is at an address that is not public")
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
    """An amount of at least 0, in hundredths; raises :class:`ValueProblem`."""
    text = str(value if value is not None else "").strip()
    if not text:
        return None
    try:
        amount = Decimal(text)
        usable = amount.is_finite() and 0 <= amount <= MAX_PRICE
    except InvalidOperation:
        usable = False
    if not usable or isinstance(value, bool):
        raise ValueProblem(f"price {text[:40]!r} is no amount from 0 to {MAX_PRICE}")
    return amount.quantize(_CENT)


def currency(text: str) -> str:
    """Three capital letters (ISO 4217) or nothing; raises :class:`ValueProblem`."""
    text = text.upper()
    if text and not _CURRENCY.match(text):
        raise ValueProblem(f"currency {text[:20]!r} is no code of three letters (EUR)")
    return text


def language(text: str) -> str:
    """A language tag (BCP 47: ``en``, ``pt-br``) in small letters; raises :class:`ValueProblem`."""
    if text and (len(text) > 35 or not _LANGUAGE.match(text)):
        raise ValueProblem(f"language {text[:40]!r} is no language tag (en, pt-BR)")
    return text.lower()


def expiry(text: str) -> datetime | None:
    """When an item ends, in UTC: a time, or the end of a day; raises :class:`ValueProblem`."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(f"{text}T23:59:59" if _DAY.match(text) else text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueProblem(f"expires_at {text[:40]!r} is no date or time (2026-12-31)") from error


def attributes(value: Any) -> dict[str, Any]:
    """A JSON object, given as such or as its text; raises :class:`ValueProblem`."""
    if value is None or value == "":
        return {}
    try:
        held = json.loads(value) if isinstance(value, str) else value
        text = json.dumps(held, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueProblem(f"attributes {str(value)[:40]!r} is not JSON") from error
    if not isinstance(held, dict):
        raise ValueProblem("attributes is not a JSON object")
    if len(text) > MAX_ATTRIBUTES:
        raise ValueProblem(
            f"attributes has {len(text)} characters as JSON, at most {MAX_ATTRIBUTES} are allowed"
        )
    if "\\u0000" in text or _HALF_PAIR.search(json.dumps(held, ensure_ascii=False)):
        raise ValueProblem("attributes holds a zero character or half a surrogate pair")
    return held
