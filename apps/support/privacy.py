"""Masks personal numbers before a message is stored: the original never reaches the database."""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from stdnum import iban, luhn
from stdnum.exceptions import ValidationError

_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}\b")
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_HOME_REGION = "GB"


def mask(text: str) -> tuple[str, list[str]]:
    """The text with card numbers, IBANs, e-mail addresses and phone numbers replaced.

    Returns it with the kinds that were found, in order. A number counts as a card's only with a
    right Luhn digit, as an IBAN only with right check digits.
    """
    found: list[str] = []
    text = _replace(_EMAIL, "email", lambda value: True, text, found)
    text = _replace(_IBAN, "iban", _is_iban, text, found)
    text = _replace(_CARD, "card", _is_card, text, found)
    return _mask_phones(text, found), found


def _replace(
    pattern: re.Pattern[str],
    kind: str,
    is_kind: Callable[[str], bool],
    text: str,
    found: list[str],
) -> str:
    def substitute(match: re.Match[str]) -> str:
        if not is_kind(match.group()):
            return match.group()
        found.append(kind)
        return f"[{kind}]"

    return pattern.sub(substitute, text)


def _is_card(value: str) -> bool:
    return bool(luhn.is_valid(re.sub(r"\D", "", value)))


def _is_iban(value: str) -> bool:
    try:
        iban.validate(value)
    except ValidationError:
        return False
    return True


def _mask_phones(text: str, found: list[str]) -> str:
    if sum(character.isdigit() for character in text) < 7:
        return text
    matches = list(phonenumbers.PhoneNumberMatcher(text, _HOME_REGION))
    for match in reversed(matches):
        text = f"{text[: match.start]}[phone]{text[match.end :]}"
    found.extend("phone" for _ in matches)
    return text
