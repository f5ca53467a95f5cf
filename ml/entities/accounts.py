"""Card numbers and IBANs, told from other numbers by their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban, luhn

from ml.entities.contacts import international_phones
from ml.entities.spans import Detected

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212-"
_DIGITS = re.compile(rf"\d+(?:(?:[\s.{_DASHES}]{{1,2}}|\s[{_DASHES}]\s)\d+)*")
_GROUP = re.compile(r"\d+")
_CARD_LENGTHS = range(13, 20)
_CARD_FIRST = "23456"  # of the schemes whose cards people carry
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}")
_IBAN_LENGTHS = range(15, 35)


def ibans(text: str) -> Iterator[Detected]:
    """From each place where one may start, the longest run with right check digits."""
    for match in _IBAN_START.finditer(text):
        places = list(_alphanumerics(text, match.start()))
        value = "".join(text[at] for at in places)
        for length in reversed(list(_checked_lengths(value))):
            if iban.is_valid(value[:length]):
                end = places[length - 1] + 1
                found = text[match.start() : end]
                yield Detected("iban", found, match.start(), end, value[:length].upper())
                break


def _checked_lengths(value: str) -> Iterator[int]:
    """Lengths at which the start of ``value`` has right check digits (ISO 7064, mod 97-10)."""
    head = int("".join(str(int(character, 36)) for character in value[:4]))
    remainder = 0
    for length, character in enumerate(value[4:], start=5):
        number = int(character, 36)
        remainder = (remainder * (100 if number > 9 else 10) + number) % 97
        if length in _IBAN_LENGTHS and (remainder * 1_000_000 + head) % 97 == 1:
            yield length


def _alphanumerics(text: str, start: int) -> Iterator[int]:
    """Places of the letters and digits from ``start`` on, with single gaps between them."""
    gap = 0
    for at in range(start, min(len(text), start + 3 * _IBAN_LENGTHS.stop)):
        if text[at].isalnum() and text[at].isascii():
            gap = 0
            yield at
        elif (text[at].isspace() or text[at] in f".{_DASHES}") and gap < 2:
            gap += 1
        else:
            return


def cards(text: str) -> Iterator[Detected]:
    """Each run of whole groups of digits that can be a card's number; runs that overlap are one.

    An expiry date or a security code may follow the number, a reference may go before it, so every
    run of neighbouring groups is looked at. Digits of a phone number with its country's code are
    none of a card.
    """
    international: list[tuple[int, int]] | None = None
    for run in _DIGITS.finditer(text):
        groups = [match.span() for match in _GROUP.finditer(text, run.start(), run.end())]
        found: tuple[int, int] | None = None
        for start, end in _card_windows(text, groups):
            if international is None:
                international = list(international_phones(text))
            if any(start < stop and begin < end for begin, stop in international):
                continue
            if found is not None and start < found[1]:
                found = (found[0], max(found[1], end))
                continue
            if found is not None:
                yield _card(text, *found)
            found = (start, end)
        if found is not None:
            yield _card(text, *found)


def _card(text: str, start: int, end: int) -> Detected:
    return Detected("card", text[start:end], start, end, _plain_digits(text[start:end]))


def _card_windows(text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, (start, _) in enumerate(groups):
        number = ""
        for begin, end in groups[first:]:
            number += _plain_digits(text[begin:end])
            if len(number) >= _CARD_LENGTHS.stop:
                break
            if len(number) in _CARD_LENGTHS and number[0] in _CARD_FIRST and luhn.is_valid(number):
                yield start, end


def _plain_digits(text: str) -> str:
    """The digits of a text, those of any script, as 0 to 9."""
    return "".join(str(int(character)) for character in text if character.isdecimal())
