"""More training rows from those there are: texts changed in ways that leave their label alone.

Synonyms, deletion and swaps after Wei and Zou 2019 ("EDA: Easy Data Augmentation Techniques");
typing slips after Pruthi et al. 2019; names exchanged for others of their type after Dai and Adel
2020 ("An Analysis of Simple Data Augmentation for Named Entity Recognition").
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ml.data.multi_label import MultiLabelText
from ml.data.readers import LabelledText, TaggedSentence
from ml.data.targeting import STAND_INS
from ml.evaluation.decoding import spans_of
from ml.evaluation.perturbations import slip

Row = TypeVar("Row")
Text = TypeVar("Text", bound=LabelledText | MultiLabelText)

_LISTS = Path(__file__).parent / "written"
_PART = re.compile(r"(\w+(?:['\u2019-]\w+)*)(\W*)")
_KEPT = frozenset({"no", "not", "never", "none", "nothing", "nor", "neither", "without", "cannot"})
_SLIPPING = re.compile(r"[A-Za-z]{4,}")
_LONGEST_GROUP = 3  # words of the longest entries of the list of synonyms


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How rows are changed: ``copies`` of each, in which about the given share of the words is
    exchanged for a ``synonym``, lost (``deletion``), swapped with the next (``swap``) or misspelt
    (``typo``), and the share ``entity`` of the names is exchanged (in tagged sentences).

    Raises ``ValueError`` naming a share that does not lie in [0, 1], or copies below 0.
    """

    copies: int = 1
    synonym: float = 0.0
    deletion: float = 0.0
    swap: float = 0.0
    typo: float = 0.0
    entity: float = 0.0

    def __post_init__(self) -> None:
        if type(self.copies) is not int or not 0 <= self.copies <= 100:
            raise ValueError(f"augment.copies = {self.copies!r} is not a number from 0 to 100")
        for name in ("synonym", "deletion", "swap", "typo", "entity"):
            share = getattr(self, name)
            if type(share) not in (int, float) or not 0 <= share <= 1:
                raise ValueError(f"augment.{name} = {share!r} is not a share from 0 to 1")


def augmentation(settings: dict[str, Any]) -> Augmentation | None:
    """The augmentation of a recipe's table ``augment``; ``None`` if it is empty.

    Raises ``ValueError`` for an unknown setting, a value that is not allowed, and copies that are
    to be changed in no way.
    """
    known = [field.name for field in fields(Augmentation)]
    for name in settings:
        if name not in known:
            raise ValueError(f"augment.{name} is unknown; there are {', '.join(known)}")
    found = Augmentation(**settings) if settings else None
    if found and found.copies and settings.keys() == {"copies"}:
        raise ValueError(f"augment.copies change nothing; give one of {', '.join(known[1:])}")
    return found


def augmented_texts(rows: Sequence[Text], settings: Augmentation, seed: int) -> list[Text]:
    """The rows and, behind them, their changed copies; a copy that came out the same is left out.

    What becomes of a row depends on the seed and its place alone.
    """
    more: list[Text] = []
    for row, generator in _copies(rows, settings, seed):
        parts = [_Part(word, after) for word, after in _PART.findall(row.text)]
        lead = row.text[: len(row.text) - sum(len(part.word) + len(part.after) for part in parts)]
        changed = _changed(parts, settings, generator)
        text = " ".join((lead + "".join(part.word + part.after for part in changed)).split())
        if text and text != " ".join(row.text.split()):
            more.append(replace(row, text=text))
    return [*rows, *more]


def augmented_sentences(
    rows: Sequence[TaggedSentence], settings: Augmentation, seed: int
) -> list[TaggedSentence]:
    """As :func:`augmented_texts`; words of entities are exchanged with the whole entity only."""
    more = []
    for row, generator in _copies(rows, settings, seed):
        parts = [_Part(word, " ", tag) for word, tag in zip(row.tokens, row.tags, strict=True)]
        parts = _changed(_other_names(parts, settings.entity, generator), settings, generator)
        changed = replace(
            row,
            tokens=tuple(part.word for part in parts),
            tags=tuple(part.tag for part in parts),
        )
        if changed.tokens != row.tokens:
            more.append(changed)
    return [*rows, *more]


@dataclass(frozen=True, slots=True)
class _Part:
    """A word, what stands between it and the next, and its tag."""

    word: str
    after: str
    tag: str = "O"

    @property
    def is_free(self) -> bool:
        """Whether it may be changed: no name, no number, and no word that turns a statement."""
        small = self.word.lower()
        negates = small in _KEPT or small.endswith(("n't", "n\u2019t"))
        names = self.tag != "O" or self.word in STAND_INS
        return self.word[:1].isalpha() and not names and not negates


def _copies(
    rows: Sequence[Row], settings: Augmentation, seed: int
) -> Iterable[tuple[Row, random.Random]]:
    for place, row in enumerate(rows):
        for copy in range(settings.copies):
            yield row, random.Random(f"{seed} {place} {copy}")  # noqa: S311 - reproducible


def _changed(parts: list[_Part], settings: Augmentation, generator: random.Random) -> list[_Part]:
    steps: tuple[tuple[float, Callable[[list[_Part], float, random.Random], list[_Part]]], ...] = (
        (settings.synonym, _with_synonyms),
        (settings.deletion, _without_some),
        (settings.swap, _swapped),
        (settings.typo, _misspelt),
    )
    for share, step in steps:
        if share:
            parts = step(parts, share, generator)
    return parts


def _with_synonyms(parts: list[_Part], share: float, generator: random.Random) -> list[_Part]:
    groups, found, place = _synonyms(), [], 0
    while place < len(parts):
        size = _known_words(parts, place, groups)
        if size and generator.random() < share:
            run = parts[place : place + size]
            own = " ".join(part.word for part in run)
            other = generator.choice([word for word in groups[own.lower()] if word != own.lower()])
            cased = other[0].upper() + other[1:] if own[0].isupper() else other
            words = cased.split()
            found += [_Part(word, " ") for word in words[:-1]]
            found.append(_Part(words[-1], run[-1].after))
        else:
            size = max(1, size)
            found += parts[place : place + size]
        place += size
    return found


def _known_words(parts: list[_Part], place: int, groups: dict[str, tuple[str, ...]]) -> int:
    """How many words from ``place`` on are an entry of the list; the longest counts, 0 if none."""
    for size in range(min(_LONGEST_GROUP, len(parts) - place), 0, -1):
        run = parts[place : place + size]
        joined = all(part.after == " " for part in run[:-1])
        words = " ".join(part.word for part in run).lower()
        if joined and all(part.is_free for part in run) and words in groups:
            return size
    return 0


def _without_some(parts: list[_Part], share: float, generator: random.Random) -> list[_Part]:
    kept = [part for part in parts if not (part.is_free and generator.random() < share)]
    return kept or parts


def _swapped(parts: list[_Part], share: float, generator: random.Random) -> list[_Part]:
    found = list(parts)
    for place in range(len(found) - 1):
        one, other = found[place], found[place + 1]
        if one.is_free and other.is_free and generator.random() < share:
            found[place] = replace(one, word=other.word)
            found[place + 1] = replace(other, word=one.word)
    return found


def _misspelt(parts: list[_Part], share: float, generator: random.Random) -> list[_Part]:
    return [
        replace(part, word=slip(part.word, generator))
        if part.is_free and _SLIPPING.fullmatch(part.word) and generator.random() < share
        else part
        for part in parts
    ]


def _other_names(parts: list[_Part], share: float, generator: random.Random) -> list[_Part]:
    found: list[_Part] = []
    place = 0
    for first, last, label in spans_of([part.tag for part in parts]):
        found += parts[place:first]
        name = _name_of(label, generator) if generator.random() < share else None
        if name is None:
            found += parts[first : last + 1]
        else:
            words = name.split()
            found.append(_Part(words[0], " ", f"B-{label}"))
            found += [_Part(word, " ", f"I-{label}") for word in words[1:]]
        place = last + 1
    return found + parts[place:]


def _name_of(label: str, generator: random.Random) -> str | None:
    """Another name of a data set's label; ``None`` for labels that no list fits."""
    lists = _names()
    kind = next((k for k, labels in lists["types"].items() if label.lower() in labels), None)
    if kind == "person":
        first, last = generator.choice(lists["first"]), generator.choice(lists["last"])
        return str(generator.choice((first, last, f"{first} {last}")))
    if kind == "place":
        return str(generator.choice(lists["place"]))
    if kind == "organisation":
        name: str = generator.choice(lists["organisation"])
        for part in ("last", "place"):
            while f"{{{part}}}" in name:
                name = name.replace(f"{{{part}}}", generator.choice(lists[part]), 1)
        return name
    return None


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    lines = (_LISTS / "synonyms.txt").read_text(encoding="utf-8").splitlines()
    groups = [
        tuple(word.strip() for word in line.split(","))
        for line in lines
        if line and not line.startswith("#")
    ]
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        for word in group:
            found[word] = tuple(dict.fromkeys((*found.get(word, ()), *group)))
    return found


@cache
def _names() -> dict[str, Any]:
    return tomllib.loads((_LISTS / "entities.toml").read_text(encoding="utf-8"))
