"""Fills values into the texts of a flow, personal ones shortened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from apps.support.flows.definition import Flow, SlotKind

_NAME = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")
_SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}
_MONEY = re.compile(r"^(-?\d+(?:\.\d+)?) ([A-Z]{3})$")
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
_LONGEST = 300  # characters of a value in a text


def names_in(text: str) -> list[str]:
    """The names that a text has in braces."""
    return _NAME.findall(text)


def looked_up(name: str, values: Mapping[str, Any]) -> Any:
    """The value of ``name``; the parts behind dots lead into objects. ``None`` if there is none."""
    value: Any = values
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def filled(text: str, values: Mapping[str, Any]) -> str:
    """The text with raw values, as actions get them; what is in a value is not filled again."""

    def one(match: re.Match[str]) -> str:
        value = looked_up(match[1], values)
        return "" if value is None else str(value)

    return _NAME.sub(one, text)


def spoken(text: str, values: Mapping[str, Any], flow: Flow) -> str:
    """The text as the customer reads it: money with its sign, days in words, numbers shortened."""

    def one(match: re.Match[str]) -> str:
        slot = flow.slots.get(match[1])
        value = looked_up(match[1], values)
        return "" if value is None else shown(value, slot.kind if slot else None)[:_LONGEST]

    return _NAME.sub(one, text)


def shown(value: Any, kind: SlotKind | None) -> str:
    """A value for people; a personal one only as far as its owner knows it again."""
    text = str(value)
    if kind == "card":
        return text[-4:]
    if kind in ("iban", "phone"):
        return f"{text[:3]}…{text[-3:]}"
    if kind == "email":
        local, _, domain = text.partition("@")
        return f"{local[:1]}…@{domain}"
    if (money := _MONEY.match(text)) is not None:
        number, currency = f"{float(money[1]):,.2f}", money[2]
        return f"{_SIGNS[currency]}{number}" if currency in _SIGNS else f"{number} {currency}"
    if _DAY.match(text):
        day = date.fromisoformat(text)
        return f"{day.day} {day:%B %Y}"
    return text
