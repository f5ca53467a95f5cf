"""The written texts: patterns filled in, always the same ones for the same numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.data.readers import read_classification
from ml.data.splits import text_key
from ml.data.written.patterns import Pattern, compose, distinct, read_patterns
from ml.data.written.scene import Scene

FOLDER = Path(__file__).parent
HELD_OUT_STATEMENTS = FOLDER / "statements_held_out.jsonl"
FORMAL, HEADLINES = "filings.txt", "headlines.txt"
COMPANIES, OPPOSED = "companies.txt", "opposed.txt"

HELD_OUT = 0.08
"""The share of the patterns of which no text is trained on."""

OPPOSED_HELD_OUT = 0.25
"""The same of the patterns about companies that fare differently, which are measured apart."""

_SEED = 29
_TRIES = 6  # per text wanted
_TARGETS = ("company", "tag", "commodity", "currency")
_UNSIGNED = {"other", "other2", "other3", "tag2"}  # names whose sign the pattern does not say
_COMPANIES = ("a", "b", "c")
_TAGS = {"a": "atag", "b": "btag"}


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A composed text. ``labels`` are those of its pattern, ``entities`` the sign of each name
    whose sign is known, ``held_out`` says that its pattern is kept for measuring."""

    text: str
    labels: tuple[str, ...]
    entities: Mapping[str, str]
    pattern: str
    held_out: bool


def statements(
    *,
    per_pattern: Mapping[str, int],
    files: Sequence[str] = (FORMAL, HEADLINES),
    compared: int = 1,
) -> Iterator[WrittenText]:
    """Texts about one company: ``per_pattern`` of each pattern of a label.

    ``compared`` times as many are made of a pattern that holds a figure and the one before it:
    which is the greater one is learned from many examples only.

    No text comes twice, and none is one of the held-out statements.
    """
    seen = {text_key(row.text) for row in read_classification(HELD_OUT_STATEMENTS)}
    for file in files:
        for pattern in read_patterns(FOLDER / file):
            times = compared if pattern.compares else 1
            yield from _texts(pattern, file, per_pattern[pattern.labels[0]] * times, seen)


def company_texts(
    *, per_pattern: int, files: Sequence[str] = (COMPANIES,)
) -> Iterator[WrittenText]:
    """Texts about two or three companies, with the sign of each. No text twice."""
    seen: set[str] = set()
    for file in files:
        for pattern in read_patterns(FOLDER / file):
            yield from _texts(pattern, file, per_pattern, seen)


def _texts(pattern: Pattern, file: str, number: int, seen: set[str]) -> Iterator[WrittenText]:
    generator = random.Random(f"{_SEED} {file} {pattern.text}")  # noqa: S311 - not secret
    held_out = generator.random() < (OPPOSED_HELD_OUT if file == OPPOSED else HELD_OUT)

    def draw() -> tuple[str, Scene]:
        scene = Scene(generator, formal=file == FORMAL)
        return compose(pattern.text, scene.__getitem__, generator), scene

    def key(drawn: tuple[str, Scene]) -> str:
        return text_key(drawn[0])

    for text, scene in distinct(draw, key, number, seen, tries=_TRIES):
        entities = _entities(pattern, text, scene)
        yield WrittenText(text, pattern.labels, entities, pattern.text, held_out)


def _entities(pattern: Pattern, text: str, scene: Scene) -> dict[str, str]:
    """The sign of each name that ``text`` has, as it stands there."""
    slots = pattern.slots
    if slots & {*_COMPANIES, *_TAGS.values()}:
        signed: dict[str, str] = {}
        for slot, label in zip(_COMPANIES, pattern.labels, strict=False):
            spelled = [scene[slot], *([scene[_TAGS[slot]]] if slot in _TAGS else [])]
            signed |= {name: label for name in spelled if name in text}
        return signed
    target = next((slot for slot in _TARGETS if slot in slots), None)
    if target is None or slots & _UNSIGNED:
        return {}
    names = [scene[slot] for slot in ("tag", target) if slot in slots]
    ways = [way for name in names for way in (name, name[:1].upper() + name[1:], name.upper())]
    return {found: pattern.labels[0] for found in ways if found in text}
