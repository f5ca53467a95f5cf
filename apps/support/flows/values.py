"""Reads the value of a slot from what the customer wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from django.conf import settings

from apps.support.flows.definition import Slot, SlotKind
from apps.support.flows.wording import shown
from ml.entities.detection import KINDS, detect

OPTION = "option_"
"""What the id of a choice begins with that answers a flow; no article's id has an underscore."""

_NUMBER = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|(?<![\d.,])\d+(?:\.\d{1,2})?")
_LAST_FOUR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_TOKEN = re.compile(r"\b(?=[A-Z-]*\d)[A-Z0-9][A-Z0-9-]{2,23}\b", re.IGNORECASE)
_INTRODUCED = re.compile(
    r"^(?:hi|hello)?[,.! ]*(?:my (?:full )?name(?: is|'s)|i am|i'm|it is|it's|this is|call me)\s+",
    re.IGNORECASE,
)
_LONGEST_NAME = 60
_EXPLAINED: dict[SlotKind, str] = {
    "card": "I need the last four digits of the card.",
    "iban": "That is no complete IBAN.",
    "amount": "I could not read an amount there, such as 84.20.",
    "date": "I could not read a day there, such as 12 March or yesterday.",
    "order": "I could not read a number there.",
    "email": "That is no complete e-mail address.",
    "phone": "That is no complete phone number.",
    "name": "I could not read a name there.",
    "number": "I could not read a number there.",
    "text": "I need a few words on that.",
    "choice": "Please choose one of those.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A message as a slot reads it.

    ``held`` are values of kinds that are masked in ``text``, ``names`` the people that the tagger
    found, ``option`` the choice that was tapped.
    """

    text: str
    today: date
    held: Mapping[str, str] = field(default_factory=dict)
    names: Sequence[str] = ()
    option: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """The value, or what is wrong with the reply, in words for the customer."""

    value: str = ""
    wrong: str = ""


def read_value(slot: Slot, reply: Reply) -> Read:
    """The value of the slot that was asked for, from an entity or from a plain reply."""
    value = entity(slot, reply) or _PLAIN.get(slot.kind, _nothing)(slot, reply)
    if not value:
        return Read(wrong=_EXPLAINED[slot.kind])
    wrong = _out_of_bounds(slot, value, reply.today)
    return Read(wrong=wrong) if wrong else Read(value)


def volunteered(slot: Slot, reply: Reply) -> str:
    """The value of a slot that was not asked for, when the message has an entity that fits it.

    A name is taken only when asked for: the message may speak of somebody else.
    """
    if slot.kind == "choice":
        return _choice(slot, reply)
    value = "" if slot.kind == "name" else entity(slot, reply)
    return "" if not value or _out_of_bounds(slot, value, reply.today) else value


def entity(slot: Slot, reply: Reply) -> str:
    """The only value of the slot's kind in the message, normalised, or nothing."""
    if slot.kind in reply.held:
        return reply.held[slot.kind]
    if slot.kind == "name":
        return reply.names[0] if len(set(reply.names)) == 1 else ""
    kind = next((kind for kind in KINDS if kind == slot.kind), None)
    if kind is None:
        return ""
    detected = detect(reply.text, today=reply.today, region=settings.PHONE_REGION)
    found = {one.value for one in detected if one.kind == kind}
    value = found.pop() if len(found) == 1 else ""
    return kept(kind, value) if value and _has_shape(slot, value) else ""


def kept(kind: str, value: str) -> str:
    """As much of a value as a flow keeps: of a card's number the last four digits."""
    return value[-4:] if kind == "card" else value


def _nothing(slot: Slot, reply: Reply) -> str:
    return ""


def _card(slot: Slot, reply: Reply) -> str:
    found = set(_LAST_FOUR.findall(reply.text))
    return found.pop() if len(found) == 1 else ""


def _amount(slot: Slot, reply: Reply) -> str:
    found = _NUMBER.findall(reply.text)
    if len(found) != 1:
        return ""
    try:
        return f"{Decimal(found[0].replace(',', '')).quantize(Decimal('0.01'))} {slot.currency}"
    except InvalidOperation:  # more digits than a sum of money has
        return ""


def _number(slot: Slot, reply: Reply) -> str:
    found = _NUMBER.findall(reply.text)
    return found[0].replace(",", "") if len(found) == 1 else ""


def _date(slot: Slot, reply: Reply) -> str:
    """A bare weekday, read as the last or the next one."""
    which = "next" if slot.when == "future" else "last"
    found = [
        one.value
        for one in detect(f"{which} {reply.text.strip()}", today=reply.today, kinds=["date"])
    ]
    return found[0] if len(found) == 1 else ""


def _order(slot: Slot, reply: Reply) -> str:
    found = {token.upper() for token in _TOKEN.findall(reply.text)}
    fitting = [token for token in found if _has_shape(slot, token)]
    return fitting[0] if len(fitting) == 1 else ""


def _name(slot: Slot, reply: Reply) -> str:
    name = _INTRODUCED.sub("", reply.text.strip()).strip(" .,!")
    fits = 0 < len(name) <= _LONGEST_NAME and len(name.split()) <= 5
    letters = all(character.isalpha() or character in " -'’." for character in name)
    return name if fits and letters else ""


def _text(slot: Slot, reply: Reply) -> str:
    text = " ".join(reply.text.split())
    return text if any(map(str.isalnum, text)) else ""


def _choice(slot: Slot, reply: Reply) -> str:
    """The choice that was tapped, numbered, or named in the reply; nothing when it names two."""
    if reply.option.removeprefix(OPTION) in slot.choices and reply.option:
        return reply.option.removeprefix(OPTION)
    said = " ".join(reply.text.lower().split()).strip(" .!")
    values = list(slot.choices)
    if said.isdecimal() and 1 <= int(said) <= len(values):
        return values[int(said) - 1]
    named = {
        value
        for value, words in slot.choices.items()
        for word in (value.replace("_", " "), *words)
        if re.search(rf"(?<!\w){re.escape(word.lower())}(?!\w)", said)
    }
    return named.pop() if len(named) == 1 else ""


_PLAIN: Mapping[SlotKind, Callable[[Slot, Reply], str]] = {
    "card": _card,
    "amount": _amount,
    "number": _number,
    "date": _date,
    "order": _order,
    "name": _name,
    "text": _text,
    "choice": _choice,
}


def _has_shape(slot: Slot, value: str) -> bool:
    """Whether the value is written like ``shape``: 9 for a digit, A for a letter, others as is."""
    if not slot.shape:
        return True
    signs = {"9": r"\d", "A": "[A-Z]"}
    pattern = "".join(signs.get(sign, re.escape(sign)) for sign in slot.shape)
    return re.fullmatch(pattern, value.upper()) is not None


def _out_of_bounds(slot: Slot, value: str, today: date) -> str:
    if slot.kind in ("amount", "number"):
        return _outside(slot, value)
    if slot.kind == "date":
        return _wrong_day(slot, value, today)
    if slot.kind in ("text", "order") and not _has_shape(slot, value):
        return f"It should look like {slot.shape}."
    if len(value) > slot.longest:
        return f"That is longer than {slot.longest} characters."
    return ""


def _outside(slot: Slot, value: str) -> str:
    number, _, currency = value.partition(" ")
    unit = f" {currency}" if currency else ""
    if currency and currency != slot.currency:
        return f"I need the amount in {slot.currency}."
    if slot.least is not None and float(number) < slot.least:
        return f"It must be at least {shown(f'{slot.least:g}{unit}', None)}."
    if slot.most is not None and float(number) > slot.most:
        return f"It can be at most {shown(f'{slot.most:g}{unit}', None)}."
    return ""


def _wrong_day(slot: Slot, value: str, today: date) -> str:
    try:
        day = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        day = None
    if day is None:
        return "I need one day, such as 12 March."
    if slot.when == "past" and day > today:
        return "That day is still to come."
    if slot.when == "future" and day < today:
        return "That day is over already."
    return ""
