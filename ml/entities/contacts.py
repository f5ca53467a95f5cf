"""E-mail addresses, phone numbers, and the numbers by which people name an order or a payment."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from ml.entities.spans import Detected

# The signs of RFC 5322 but those that divide addresses from others in links and tables, and the
# apostrophe as telephones write it; the length of RFC 5321.
_EMAIL = re.compile(r"\b\w[\w.!#$%&'\u2019*+^`{}~-]{0,63}@[\w-]+(?:\.[\w-]+)+\b")
_COUNTRY_CODE = re.compile(r"[+\uff0b]|00")
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


def international_phones(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each valid number that begins with its country's code."""
    for match in phonenumbers.PhoneNumberMatcher(text, "GB"):
        if _COUNTRY_CODE.match(match.raw_string):
            yield match.start, match.end


def orders(text: str) -> Iterator[Detected]:
    """What follows "order number", "ref." and the like, or a ``#``, and holds a digit."""
    for pattern in (_ORDER, _HASHED):
        for match in pattern.finditer(text):
            value = re.sub(r"\s", "", match["number"]).upper()
            if len(value) in _ORDER_LENGTHS:
                yield Detected("order", match["number"], *match.span("number"), value)
