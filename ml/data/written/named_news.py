"""Tagged sentences in the manner of financial news: patterns filled in, always the same ones.

A line of ``named_news.txt`` is a pattern as in :mod:`ml.data.written.patterns`, without signs.
The slots that ``named_news.toml`` lists under a label are names; what fills them is drawn from its
``names``, whose own slots are ``parts``. A slot has one value in a text, and siblings
(``city2``) differ from it.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from ml.data.readers import TaggedSentence
from ml.data.splits import text_key
from ml.data.text import split_words
from ml.data.written.patterns import compose, distinct
from ml.data.written.scene import words
from ml.errors import DataError

_FOLDER = Path(__file__).parent
PATTERNS = _FOLDER / "named_news.txt"
HELD_OUT = 0.08
"""The share of the patterns of which no sentence is trained on."""

_SEED = 31
_TRIES = 4  # per sentence wanted
_OPEN, _CLOSE = "\ue000", "\ue001"  # around a name: <open> digit of its label, name, <close>
_MARKED = re.compile(f"{_OPEN}(\\d)([^{_CLOSE}]*){_CLOSE}")
_SLOT = re.compile(r"\{(\w+)\}")
_LEAD = re.compile(r"the |The ")
_ENDS_SHORT = re.compile(r"\w{1,5}\.$")
_STYLES = {"plain": 0.82, "lower": 0.06, "upper": 0.06, "split": 0.06}
_NUMBERS = {"day": (1, 28), "year": (1998, 2027), "n": (12, 9800), "age": (31, 74)}


@dataclass(frozen=True, slots=True)
class NamedSentence:
    """A composed sentence; ``held_out`` says that its pattern is kept for measuring."""

    sentence: TaggedSentence
    pattern: str
    held_out: bool


def named_sentences(*, per_pattern: int) -> Iterator[NamedSentence]:
    """Up to ``per_pattern`` sentences of each pattern; no sentence comes twice.

    Some are all in small or in capital letters, and in some what belongs together is split
    (``U.S .``, ``Coca - Cola``), as tagged data of other tokenizers has it.
    """
    seen: set[str] = set()
    for row, pattern in enumerate(_patterns(), start=1):
        generator = random.Random(f"{_SEED} {pattern}")  # noqa: S311 - not secret
        held_out = generator.random() < HELD_OUT
        draw = partial(_drawn, pattern, generator)
        for text in distinct(draw, text_key, per_pattern, seen, tries=_TRIES):
            style = generator.choices(list(_STYLES), list(_STYLES.values()))[0]
            yield NamedSentence(_tagged(text, row, style), pattern, held_out)


def _drawn(pattern: str, generator: random.Random) -> str:
    return compose(pattern, _Names(generator).value, generator)


class _Names:
    """Values for the slots of one text, names marked with their label."""

    def __init__(self, generator: random.Random) -> None:
        self._random = generator
        self._values: dict[str, str] = {}

    def value(self, slot: str) -> str:
        """The value of ``slot``. Raises :class:`DataError` for an unknown one."""
        if slot not in self._values:
            known = set(self._values.values())
            value = self._draw(slot)
            while value in known and slot[-1].isdigit():
                value = self._draw(slot)
            self._values[slot] = value
        return self._values[slot]

    def _draw(self, slot: str) -> str:
        banks = _banks()
        base = slot.rstrip("0123456789")
        if base in _NUMBERS:
            return str(self._random.randint(*_NUMBERS[base]))
        if base == "ticker":
            return "".join(self._random.choices("ABCDEFGHIKLMNOPRSTUVWXYZ", k=4))
        if base not in banks["names"]:
            if base in banks:
                return str(self._random.choice(banks[base]))
            raise DataError(PATTERNS, None, f"there is no slot {slot!r}")
        name = self._name(self._random.choice(banks["names"][base]))
        labels = list(banks["labels"])
        label = next((n for n, kind in enumerate(labels) if slot in banks["labels"][kind]), None)
        if label is None:
            raise DataError(PATTERNS, None, f"the slot {slot!r} has no label")
        lead = _LEAD.match(name)
        said = lead.group() if lead else ""
        return f"{said}{_OPEN}{label}{name[len(said) :]}{_CLOSE}"

    def _name(self, template: str) -> str:
        banks = _banks()

        def part(match: re.Match[str]) -> str:
            slot = match.group(1)
            if slot == "made":
                made = words()["names"]
                return "".join(
                    self._random.choice(made[each]) for each in ("start", "middle", "end")
                )
            base = slot if slot in banks["parts"] else slot.rstrip("0123456789")
            return str(self._random.choice(banks["parts"].get(base) or banks["names"][base]))

        return _SLOT.sub(part, template)


def _tagged(marked: str, row: int, style: str) -> TaggedSentence:
    """The sentence of a text whose names are marked, written in a style of ``_STYLES``."""
    labels = list(_banks()["labels"])
    tokens: list[str] = []
    tags: list[str] = []
    place = 0
    for match in _MARKED.finditer(marked):
        _append(tokens, tags, marked[place : match.start()], None, style)
        _append(tokens, tags, match.group(2), labels[int(match.group(1))], style)
        place = match.end()
    _append(tokens, tags, marked[place:], None, style)
    return TaggedSentence(tuple(tokens), tuple(tags), row)


def _append(tokens: list[str], tags: list[str], text: str, label: str | None, style: str) -> None:
    if style in ("lower", "upper"):
        text = text.lower() if style == "lower" else text.upper()
    for index, word in enumerate(_words(text, split=style == "split")):
        tokens.append(word)
        tags.append("O" if label is None else f"{'I' if index else 'B'}-{label}")


def _words(text: str, *, split: bool) -> Sequence[str]:
    found = [word.text for word in split_words(text)]
    if not split:
        return found
    parts: list[str] = []
    for word in found:
        if _ENDS_SHORT.search(word):
            parts += [word[:-1], "."]
        else:
            parts += re.sub(r"(?<=\w)-(?=\w)", " - ", word).split()
    return parts


def _patterns() -> list[str]:
    lines = PATTERNS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@cache
def _banks() -> dict[str, Any]:
    path = PATTERNS.with_suffix(".toml")
    banks: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return banks
