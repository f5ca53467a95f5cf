"""Sums of money with their currency."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from ml.entities.spans import Detected, plain_letters

_SIGNS = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY", "₹": "INR", "zł": "PLN", "₺": "TRY"}
_WORDS = {
    "pound": "GBP", "pounds": "GBP", "quid": "GBP", "sterling": "GBP", "euro": "EUR",
    "euros": "EUR", "dollar": "USD", "dollars": "USD", "bucks": "USD", "yen": "JPY",
    "franc": "CHF", "francs": "CHF", "rupee": "INR", "rupees": "INR", "zloty": "PLN",
    "zlotys": "PLN", "lira": "TRY", "kronor": "SEK", "kroner": "NOK",
}  # fmt: skip
_CODES = (
    "GBP", "EUR", "USD", "JPY", "CHF", "INR", "PLN", "TRY", "SEK", "NOK", "DKK", "AUD", "CAD",
    "NZD", "CZK", "HUF", "RON", "CNY", "HKD", "SGD", "ZAR", "MXN", "BRL", "AED", "THB",
)  # fmt: skip
_PARTS = {"pence": "GBP", "penny": "GBP", "p": "GBP", "cents": "EUR", "cent": "EUR"}
_WHOLE_ONLY = ("JPY", "HUF")
_SCALES = {"k": 1000, "thousand": 1000, "m": 1_000_000, "million": 1_000_000}

_NUMBER = r"(?P<{0}>\d{{1,3}}(?:[,. \u00a0]\d{{3}})+(?:[.,]\d{{1,2}})?|\d+(?:[.,]\d{{1,2}})?)"
_SCALE = r"(?:\s?(?P<{0}>k|m|thousand|million)\b)?"
_SIGN = "|".join(map(re.escape, _SIGNS))
_CODE = "|".join(_CODES)
_NAME = "|".join(sorted([*_WORDS, *_CODES, *_PARTS], key=len, reverse=True))
_AMOUNT = re.compile(
    rf"(?<![\w.,])(?:(?:[A-Z]{{2}})?(?P<sign>{_SIGN})|(?P<code>{_CODE})\b)\s?"
    rf"{_NUMBER.format('after')}{_SCALE.format('after_scale')}(?![\d%])"
    rf"|(?<![\w.,£€$]){_NUMBER.format('before')}{_SCALE.format('before_scale')}"
    rf"\s?(?:(?P<last>{_SIGN})|(?P<name>{_NAME})\b)",
    re.IGNORECASE,
)


def amounts(text: str) -> Iterator[Detected]:
    """Numbers with a currency's sign, code or name; "$" alone is taken for US dollars."""
    for match in _AMOUNT.finditer(plain_letters(text)):
        number = match["after"] or match["before"]
        scale = _SCALES.get((match["after_scale"] or match["before_scale"] or "").lower(), 1)
        amount = _decimal(number) * scale
        name = (match["name"] or "").lower()
        if name in _PARTS:
            amount, currency = amount / 100, _PARTS[name]
        else:
            currency = _currency(match, name)
        places = Decimal(1) if currency in _WHOLE_ONLY else Decimal("0.01")
        try:
            value = f"{amount.quantize(places)} {currency}"
        except InvalidOperation:  # more digits than a sum of money has
            continue
        start, end = match.span()
        yield Detected("amount", text[start:end], start, end, value)


def _currency(match: re.Match[str], name: str) -> str:
    sign = match["sign"] or match["last"]
    if sign:
        return _SIGNS[sign.lower()]
    return _WORDS.get(name) or (match["code"] or name).upper()


def _decimal(written: str) -> Decimal:
    """A number as people write it: the last mark before one or two digits is the decimal one."""
    compact = re.sub(r"[ \u00a0]", "", written)
    fraction = re.search(r"[.,](\d{1,2})$", compact)
    whole = re.sub(r"[.,]", "", compact[: fraction.start()] if fraction else compact)
    return Decimal(f"{whole}.{fraction[1]}" if fraction else whole)
