"""Masks personal numbers before a message is stored: the original never reaches the database."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from stdnum import iban, luhn

Span = tuple[int, int, str]
"""Start and end in characters, and the kind of what stands there."""

_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_DIGITS = re.compile(r"\d+(?:[\s.\-–—]{1,2}\d+)*")
_GROUP = re.compile(r"\d+")
_CARD_LENGTHS = range(13, 20)
_CARD_FIRST = "23456"  # of the schemes whose cards people carry
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}")
_IBAN_LENGTHS = range(15, 35)
_IBAN_GAP = " -.\t\n"
_HOME_REGION = "GB"


def mask(text: str) -> tuple[str, list[str]]:
    """The text with card numbers, IBANs, e-mail addresses and phone numbers replaced.

    Returns it with the kinds that were found, in their order. A number counts as a card's only
    with a right Luhn digit, as an IBAN only with right check digits, whatever stands around it.
    """
    spans: list[Span] = []
    for find in (_emails, _ibans, _cards, _phones):
        found = [span for span in find(text) if not any(_overlap(span, known) for known in spans)]
        spans.extend(found)
    spans.sort()
    masked = text
    for start, end, kind in reversed(spans):
        masked = f"{masked[:start]}[{kind}]{masked[end:]}"
    return masked, [kind for _, _, kind in spans]


def _overlap(first: Span, second: Span) -> bool:
    return first[0] < second[1] and second[0] < first[1]


def _emails(text: str) -> Iterator[Span]:
    for match in _EMAIL.finditer(text):
        yield match.start(), match.end(), "email"


def _ibans(text: str) -> Iterator[Span]:
    """From each place where one may start, the longest run with right check digits."""
    for match in _IBAN_START.finditer(text):
        places = list(_alphanumerics(text, match.start()))
        value = "".join(text[at] for at in places)
        for length in reversed(list(_checked_lengths(value))):
            if iban.is_valid(value[:length]):
                yield match.start(), places[length - 1] + 1, "iban"
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
        elif text[at] in _IBAN_GAP and gap < 2:
            gap += 1
        else:
            return


def _cards(text: str) -> Iterator[Span]:
    """Each run of whole groups of digits that can be a card's number; runs that overlap are one.

    An expiry date or a security code may follow the number, a reference may go before it, so every
    run of neighbouring groups is looked at.
    """
    for run in _DIGITS.finditer(text):
        groups = [match.span() for match in _GROUP.finditer(text, run.start(), run.end())]
        masked: Span | None = None
        for start, end in _card_windows(text, groups):
            if masked is not None and start < masked[1]:
                masked = (masked[0], max(masked[1], end), "card")
                continue
            if masked is not None:
                yield masked
            masked = (start, end, "card")
        if masked is not None:
            yield masked


def _card_windows(text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, (start, _) in enumerate(groups):
        number = ""
        for begin, end in groups[first:]:
            number += "".join(str(int(digit)) for digit in text[begin:end])
            if len(number) >= _CARD_LENGTHS.stop:
                break
            if len(number) in _CARD_LENGTHS and number[0] in _CARD_FIRST and luhn.is_valid(number):
                yield start, end


def _phones(text: str) -> Iterator[Span]:
    if sum(character.isdigit() for character in text) < 7:
        return
    for match in phonenumbers.PhoneNumberMatcher(text, _HOME_REGION):
        yield match.start, match.end, "phone"
