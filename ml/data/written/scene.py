"""What a written text speaks of: companies, persons, places, periods and figures that fit."""

from __future__ import annotations

import random
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from ml.errors import DataError

_WORDS = Path(__file__).with_name("words.toml")
_NUMBERED = re.compile(r"([a-z_]+?)([23])")
_COMPANIES = frozenset({"company", "other", "other2", "other3", "a", "b", "c"})
_TAGS = {"tag": "company", "tag2": "other", "tag3": "other2", "atag": "a", "btag": "b"}
_PAIRS = ("", "sales", "eps", "pct", "ratio", "occ", "count")
_COUNTS = {
    "n": (12, 900),
    "n_small": (2, 60),
    "n_high": (1_200, 90_000),
    "staff": (15, 24_000),
    "age": (38, 61),
    "old_year": (1861, 1998),
}


@cache
def words() -> dict[str, Any]:
    """The word banks of ``words.toml``."""
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))


class Scene:
    """Values for the slots of one text, each drawn when it is first asked for.

    A slot has one value in a text. Numbered slots (``city2``) differ from their siblings, years and
    months agree, and of a pair of figures (``high`` and ``low``) the first is the greater one,
    both in the same unit and precision.
    """

    def __init__(self, generator: random.Random, *, formal: bool) -> None:
        self._random = generator
        self._formal = formal
        self._values: dict[str, str] = {}
        self._money, self._share = generator.choice(words()["money"])
        self._percent = generator.choice(words()["percent"])
        self._year = generator.randint(2003, 2027)

    def __getitem__(self, slot: str) -> str:
        """The value of ``slot`` (lower case). Raises :class:`DataError` for an unknown one."""
        if slot not in self._values:
            self._draw(slot)
        return self._values[slot]

    def _draw(self, slot: str) -> None:
        kind, _, side = slot.rpartition("_")
        if side in ("high", "low") and kind in _PAIRS:
            self._draw_pair(kind)
            return
        self._values[slot] = self._single(slot)

    def _single(self, slot: str) -> str:
        if slot in _COMPANIES:
            return self._unlike(self._company, *(self._values.get(name) for name in _COMPANIES))
        if slot in _TAGS:
            return "$" + _ticker(self[_TAGS[slot]])
        drawn = {
            "name": self._name,
            "person": lambda: f"{self._pick('first_name')} {self._name()}",
            "amount": lambda: self._money.format(_number(self._size())),
            "pct": lambda: self._percent.format(self._percentage()),
            "tonnes": lambda: f"{self._random.randint(2, 900) * 1000:,} tonnes",
            "ticker": lambda: _ticker(self["company"]),
            "year": lambda: str(self._year),
            "prev_year": lambda: str(self._year - 1),
            "next_year": lambda: str(self._year + 1),
            "date": lambda: f"{self._random.randint(1, 28)} {self['month']}",
        }
        if slot in drawn:
            return drawn[slot]()
        if slot in _COUNTS:
            return self._count(slot)
        if (sibling := _NUMBERED.fullmatch(slot)) is not None:
            base = sibling.group(1)
            siblings = (base, f"{base}2", f"{base}3")
            return self._unlike(
                lambda: Scene._single(self, base), *(self._values.get(name) for name in siblings)
            )
        if isinstance(words().get(slot), list):
            return self._pick(slot)
        raise DataError("pattern", None, f"there is no slot {slot!r}")

    def _pick(self, bank: str) -> str:
        text: str = self._random.choice(words()[bank])
        return re.sub(r"\{(\w+)\}", lambda match: self[match.group(1)], text)

    def _unlike(self, draw: Any, *known: str | None) -> str:
        while (value := draw()) in known:
            continue
        return str(value)

    def _name(self) -> str:
        parts = words()["names"]
        return "".join(self._random.choice(parts[part]) for part in ("start", "middle", "end"))

    def _company(self) -> str:
        parts = words()["names"]
        name = self._name()
        if self._random.random() < 0.35:
            name += " " + self._random.choice(parts["second"])
        if self._random.random() < (0.3 if self._formal else 0.06):
            name += " " + self._random.choice(parts["legal"])
        return name

    def _count(self, slot: str) -> str:
        low, high = _COUNTS[slot]
        value = self._random.randint(low, high)
        return str(value) if value < 2000 or "year" in slot else f"{value:,}"

    def _size(self) -> float:
        return float(10 ** self._random.uniform(-0.3, 2.9))

    def _percentage(self) -> str:
        value = 10 ** self._random.uniform(0.1, 1.75)
        return f"{value:.1f}" if self._random.random() < 0.5 else str(max(2, round(value)))

    def _draw_pair(self, kind: str) -> None:
        """Two figures of one kind, of which the lower is by 3 to 75% less."""
        show, top = self._figures(kind)
        while True:
            high = top()
            high_text, low_text = show(high), show(high * self._random.uniform(0.25, 0.97))
            if high_text != low_text and not re.fullmatch(r"\D*0?[.,0]*\D*", low_text):
                break
        prefix = f"{kind}_" if kind else ""
        self._values[f"{prefix}high"], self._values[f"{prefix}low"] = high_text, low_text

    def _figures(self, kind: str) -> tuple[Any, Any]:
        """How figures of ``kind`` are written, and what draws the greater one."""
        draw = self._random.uniform
        if kind in ("", "sales"):
            whole = self._random.random() < 0.25
            size = self._size() + 20 * whole
            return lambda v: self._money.format(_number(v, whole=whole)), lambda: size
        if kind == "eps":
            return lambda v: self._share.format(f"{v:.2f}"), lambda: 10 ** draw(-0.9, 1.3)
        if kind == "pct":
            return lambda v: self._percent.format(f"{v:.1f}"), lambda: draw(2, 40)
        if kind == "ratio":
            return lambda v: f"{v:.1f}", lambda: draw(92, 120)
        if kind == "occ":
            return lambda v: self._percent.format(f"{v:.0f}"), lambda: draw(45, 97)
        return lambda v: f"{v:,.0f}", lambda: 10 ** draw(3, 6.5)


def _number(value: float, *, whole: bool = False) -> str:
    if value >= 1000 or whole:
        return f"{max(1, round(value)):,}"
    return f"{value:.1f}"


def _ticker(company: str) -> str:
    """A symbol made of the consonants of a company's first word."""
    word = company.split()[0].upper()
    return (word[0] + re.sub(r"[AEIOUY\W]", "", word[1:]))[:4]
