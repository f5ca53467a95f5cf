"""Patterns of written texts: their file format, and how one becomes a text.

A line is one or more signs (``+`` good, ``0`` neutral, ``-`` bad news) and a text in which
``[one|another|]`` is a choice, that may hold others, and ``{slot}`` is filled from a
:class:`ml.data.written.scene.Scene`. ``{Slot}`` begins with a capital, ``{SLOT}`` is in capitals.
The signs are those of the text or, for texts about several companies, of ``{a}``, ``{b}`` and
``{c}``. Lines that begin with ``#`` are comments.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ml.errors import DataError

Drawn = TypeVar("Drawn")
"""What is drawn of a pattern."""

LABELS = {"+": "positive", "0": "neutral", "-": "negative"}

_LINE = re.compile(r"([-+0]{1,3}) (\S.*)")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([A-Za-z]\w*)\}")
_SPACE_BEFORE = re.compile(r"\s+(?=[,.;:?!](?:\s|$))")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of a pattern file; ``labels`` in the order of its signs."""

    labels: tuple[str, ...]
    text: str

    @property
    def slots(self) -> set[str]:
        """The names, in lower case, of all slots that may be filled."""
        return {name.lower() for name in _SLOT.findall(self.text)}

    @property
    def compares(self) -> bool:
        """Whether both figures of a pair stand in the text."""
        slots = self.slots
        return any(f"{slot.removesuffix('high')}low" in slots for slot in slots if "high" in slot)


def read_patterns(path: Path) -> list[Pattern]:
    """The patterns of a file, in order. Raises :class:`DataError` that names the bad line."""
    patterns: dict[str, Pattern] = {}
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(path, row, "is not signs (+, 0 or -) and a text")
        signs, text = match.groups()
        if text in patterns:
            raise DataError(path, row, "repeats an earlier pattern")
        if set("[]|") & set(_without_choices(text)):
            raise DataError(path, row, "has a choice that is not closed")
        patterns[text] = Pattern(tuple(LABELS[sign] for sign in signs), text)
    return list(patterns.values())


def compose(pattern: str, fill: Callable[[str], str], generator: random.Random) -> str:
    """A text of ``pattern``: choices drawn, slots filled by their names in lower case."""

    def choose(match: re.Match[str]) -> str:
        return generator.choice(match.group(1).split("|"))

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        found = fill(name.lower())
        if len(name) > 1 and name.isupper():
            return found.upper()
        return found[:1].upper() + found[1:] if name[0].isupper() else found

    while _CHOICE.search(pattern):
        pattern = _CHOICE.sub(choose, pattern)
    text = " ".join(_SLOT.sub(value, pattern).split())
    return _SPACE_BEFORE.sub("", text)


def distinct(
    draw: Callable[[], Drawn],
    key: Callable[[Drawn], str],
    number: int,
    seen: set[str],
    *,
    tries: int,
) -> Iterator[Drawn]:
    """Up to ``number`` of what ``draw`` gives, asked at most ``tries`` times for each: a pattern
    with few choices may have fewer. None has a ``key`` that was ``seen``; theirs are added."""
    found = 0
    for _ in range(number * tries):
        if found == number:
            return
        drawn = draw()
        if key(drawn) not in seen:
            seen.add(key(drawn))
            found += 1
            yield drawn


def _without_choices(text: str) -> str:
    while _CHOICE.search(text):
        text = _CHOICE.sub("", text)
    return text
