"""Abusive texts and civil ones that look like them, composed from written patterns.

A line of ``abuse.txt`` is the letters of all labels that hold (:data:`LETTERS`) and a pattern as in
:mod:`ml.data.written.patterns`; lines of ``civil.txt`` are patterns alone, of which no label holds.
Words stand in ``abuse.toml``. Some texts are in small or in capital letters, and some of the words
that people hide from filters are masked as they do it: ``f***``, ``id1ot``, ``i d i o t``.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ml.data.multi_label import read_multi_label
from ml.data.splits import text_key
from ml.data.written.patterns import compose, distinct
from ml.errors import DataError

FOLDER = Path(__file__).parent
ABUSE, CIVIL = FOLDER / "abuse.txt", FOLDER / "civil.txt"
HELD_OUT_TEXTS = FOLDER / "abuse_held_out.jsonl"
LETTERS = {
    "I": "insult",
    "T": "threat",
    "O": "obscenity",
    "A": "identity_attack",
    "H": "harassment",
}
HELD_OUT = 0.12
"""The share of the patterns of which no text is trained on."""

_SEED = 37
_TRIES = 4  # per text wanted
_LINE = re.compile(r"(?:([ITOAH]+) )(\S.*)")
_MASKED = 0.2  # of the words that are masked at all
_STYLES = {"plain": 0.6, "small": 0.27, "capitals": 0.07, "no end": 0.06}
_LOOKS = str.maketrans({"i": "1", "o": "0", "a": "@", "s": "$", "e": "3", "t": "7"})
_VOWEL = re.compile(r"(?<=\w)[aeiou]")


@dataclass(frozen=True, slots=True)
class WrittenRemark:
    """A composed text; ``held_out`` says that its pattern is kept for measuring."""

    text: str
    labels: tuple[str, ...]
    pattern: str
    held_out: bool


def remarks(*, per_pattern: int) -> Iterator[WrittenRemark]:
    """Up to ``per_pattern`` texts of each pattern, always the same ones.

    No text comes twice, and none is one of the held-out texts, which were written apart.
    """
    seen = {text_key(row.text) for row in read_multi_label(HELD_OUT_TEXTS)}
    for labels, pattern in [*read_abuse(ABUSE), *(((), line) for _, line in _lines(CIVIL))]:
        generator = random.Random(f"{_SEED} {pattern}")  # noqa: S311 - not secret
        held_out = generator.random() < HELD_OUT
        draw = partial(_drawn, pattern, generator)
        for text in distinct(draw, text_key, per_pattern, seen, tries=_TRIES):
            yield WrittenRemark(text, labels, pattern, held_out)


def _drawn(pattern: str, generator: random.Random) -> str:
    plain = compose(pattern, _filler(generator), generator)
    return _styled(masked(plain, generator), generator)


def read_abuse(path: Path) -> list[tuple[tuple[str, ...], str]]:
    """The labels and pattern of each line; raises :class:`DataError` that names a bad one."""
    found = []
    for row, line in _lines(path):
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(path, row, f"is not letters ({''.join(LETTERS)}) and a text")
        letters, text = match.groups()
        found.append((tuple(sorted(LETTERS[letter] for letter in set(letters))), text))
    return found


def masked(text: str, generator: random.Random) -> str:
    """The text with some of its coarse words spelt so that a filter for words misses them."""

    def hide(match: re.Match[str]) -> str:
        word = match.group()
        if generator.random() >= _MASKED:
            return word
        return generator.choice(_MASKS)(word)

    return _maskable().sub(hide, text)


def _styled(text: str, generator: random.Random) -> str:
    """In small letters, in capitals, without its last mark, or as it is."""
    style = generator.choices(list(_STYLES), weights=list(_STYLES.values()))[0]
    if style == "small":
        return text.lower()
    if style == "capitals":
        return text.upper()
    return text.rstrip(".!?") if style == "no end" else text


def _filler(generator: random.Random) -> Callable[[str], str]:
    words = _words()
    return lambda slot: generator.choice(words[slot])


def _stars(word: str) -> str:
    return word[0] + "*" * (len(word) - 1)


def _star(word: str) -> str:
    return _VOWEL.sub("*", word, count=1)


def _looks(word: str) -> str:
    return word[0] + word[1:].translate(_LOOKS)


def _spaced(word: str) -> str:
    return " ".join(word)


def _longer(word: str) -> str:
    return _VOWEL.sub(lambda match: match.group() * 3, word, count=1)


_MASKS = (_stars, _star, _looks, _looks, _spaced, _longer)


def _lines(path: Path) -> list[tuple[int, str]]:
    """The patterns of a file with their rows; raises :class:`DataError` for a bad one."""
    words = _words()
    found: dict[str, int] = {}
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line in found:
            raise DataError(path, row, "repeats an earlier pattern")
        if line.count("[") != line.count("]"):
            raise DataError(path, row, "has a choice that is not closed")
        unknown = [slot for slot in re.findall(r"\{(\w+)\}", line) if slot.lower() not in words]
        if unknown:
            raise DataError(path, row, f"has the unknown slot {unknown[0]!r}")
        found[line] = row
    return [(row, line) for line, row in found.items()]


@cache
def offensive() -> frozenset[str]:
    """The single words, in small letters, that are offensive or that people hide from filters."""
    words = _words()
    slots = ("fool", "fools", "coarse", "coarse_noun", "coarse_fool", "coarse_fools", "maskable")
    return frozenset(word.casefold() for slot in slots for word in words[slot] if " " not in word)


@cache
def _words() -> dict[str, list[str]]:
    words: dict[str, list[str]] = tomllib.loads((FOLDER / "abuse.toml").read_text(encoding="utf-8"))
    return words


@cache
def _maskable() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(_words()['maskable'])})\b", re.IGNORECASE)
