"""The names, numbers and products of a message, each in one form however it was written.

Personal numbers are masked before a message is stored, so that only their kind is left of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ml.entities.detection import detect
from ml.entities.spans import DetectedKind
from ml.labelling.spans import Span

_FILE = Path(__file__).with_name("products.toml")
_DETECTED: tuple[DetectedKind, ...] = ("order", "date", "amount")
_KINDS = {"PER": "person", "ORG": "organisation", "LOC": "place"}


@dataclass(frozen=True, slots=True)
class Particular:
    """What stands at ``start`` of a text as ``text``, and the ``value`` that it means.

    ``kind`` is ``order``, ``date``, ``amount`` (values as :class:`ml.entities.spans.Detected` has
    them), ``product``, ``person``, ``organisation``, ``place``, or the type that a tagger of other
    names has.
    """

    kind: str
    text: str
    start: int
    value: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def particulars(text: str, names: Iterable[Span], *, today: date) -> list[Particular]:
    """What ``text`` holds, in order and without overlaps; ``names`` are the tagger's.

    ``today`` is the day from which "yesterday" is counted: that on which it was written.
    """
    numbers = [
        Particular(one.kind, one.text, one.start, one.value)
        for one in detect(text, today=today, kinds=_DETECTED)
    ]
    kept: list[Particular] = []
    for one in (*numbers, *_products(text), *_named(text, names)):
        if not any(one.start < other.end and other.start < one.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _named(text: str, names: Iterable[Span]) -> Iterator[Particular]:
    for start, end, label in names:
        said = text[start:end]
        yield Particular(_KINDS.get(label, label), said, start, _name(said))


def _name(said: str) -> str:
    """A name with single gaps, without "'s", with capitals where it was written without any."""
    plain = re.sub(r"['\u2019][sS]$", "", " ".join(said.split()))
    is_shouted = plain.isupper() and len(plain) > 4
    return plain.title() if plain.islower() or is_shouted else plain


def _products(text: str) -> Iterator[Particular]:
    for match in _PATTERN.finditer(text):
        name = _NAMES[" ".join(match[1].lower().split())]
        yield Particular("product", match[0], match.start(), name)


def _read() -> dict[str, str]:
    """What customers say, to the product's name."""
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))["products"]
    return {word: name for name, words in told.items() for word in words}


_NAMES = _read()
_PATTERN = re.compile(
    r"(?<!\w)("
    + "|".join(
        r"\s+".join(map(re.escape, word.split())) for word in sorted(_NAMES, key=len, reverse=True)
    )
    + r")s?(?!\w)",
    re.IGNORECASE,
)
