"""E-mail addresses, phone numbers, and the numbers by which people name an order or a payment."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from ml.entities.spans import Detected

_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_PHONE_DIGITS = 7
_ORDER = re.compile(
    r"\b(?:order|booking|reference|ref|transaction|payment|case|ticket|parcel|tracking|invoice)"
    r"(?:\s+(?:number|no|nr|id|code|ref(?:erence)?))?\.?\s*(?:is|was|:|=)?\s*#?\s*"
    r"(?P<number>(?=[A-Z-]*\d)[A-Z0-9]{2,}(?:-[A-Z0-9]{2,})*(?:\s\d{3,})*)(?![\w@.,/:-]*\d)",
    re.IGNORECASE,
)
_HASHED = re.compile(r"(?<![\w&])#(?P<number>(?=[A-Z-]*\d)[A-Z0-9][A-Z0-9-]{3,})\b", re.IGNORECASE)
_ORDER_LENGTHS = range(4, 25)


def emails(text: str) -> Iterator[Detected]:
    for match in _EMAIL.finditer(text):
        yield Detected("email", match.group(), *match.span(), match.group().lower())


def phones(text: str, region: str = "GB") -> Iterator[Detected]:
    """Valid numbers; one without a country code is of ``region`` (ISO 3166-1)."""
    if sum(character.isdigit() for character in text) < _PHONE_DIGITS:
        return
    for match in phonenumbers.PhoneNumberMatcher(text, region):
        value = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        yield Detected("phone", text[match.start : match.end], match.start, match.end, value)


def orders(text: str) -> Iterator[Detected]:
    """What follows "order number", "ref." and the like, or a ``#``, and holds a digit."""
    for pattern in (_ORDER, _HASHED):
        for match in pattern.finditer(text):
            value = re.sub(r"\s", "", match["number"]).upper()
            if len(value) in _ORDER_LENGTHS:
                yield Detected("order", match["number"], *match.span("number"), value)
