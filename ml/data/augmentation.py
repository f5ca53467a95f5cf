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
from ml.data.text import is_sign
from ml.evaluation.decoding import spans_of
from ml.evaluation.perturbations import slip

Row = TypeVar("Row")
Text = TypeVar("Text", bound=LabelledText | MultiLabelText)

_Mentions = dict[str, tuple[tuple[str, ...], ...]]
"""By type of entity its different names, each the words of one."""

_LISTS = Path(__file__).parent / "written"
_SIGN = "\u0301"
"""Stands for all signs and joiners where words are looked for: no class of ``re`` holds them."""
_JOINERS = "\u200c\u200d"  # between letters of a word, in Persian and in the scripts of India
_PART = re.compile(rf"(\w[\w{_SIGN}]*(?:['\u2019-]\w[\w{_SIGN}]*)*)(\W*)")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Characters of scripts in which no blanks part the words: a run of them is a clause."""
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

    What becomes of a row depends on the seed and its place alone. Words are lost, swapped and
    exchanged whole, with their accents and vowel signs. A run of Chinese, Japanese, Thai or another
    script without blanks is no word but a clause, and stays as and where it is.
    """
    more: list[Text] = []
    for row, generator in _copies(rows, settings, seed):
        parts = _parts(row.text)
        lead = row.text[: len(row.text) - sum(len(part.word) + len(part.after) for part in parts)]
        changed = _changed(parts, settings, generator)
        text = " ".join((lead + "".join(part.word + part.after for part in changed)).split())
        if text and text != " ".join(row.text.split()):
            more.append(replace(row, text=text))
    return [*rows, *more]


def augmented_sentences(
    rows: Sequence[TaggedSentence], settings: Augmentation, seed: int
) -> list[TaggedSentence]:
    """As :func:`augmented_texts`; words of entities are exchanged with the whole entity only.

    Of scripts without blanks the file's words are lost and swapped, but those of one character:
    files that are tagged by characters know no words. Entities of a type that no list of names fits
    are exchanged for others of the type in the rows, as Dai and Adel do; what becomes of such a row
    depends on the others too.
    """
    more, mentions = [], _mentions(rows) if settings.entity else {}
    for row, generator in _copies(rows, settings, seed):
        parts = [_Part(word, " ", tag) for word, tag in zip(row.tokens, row.tags, strict=True)]
        parts = _other_names(parts, settings.entity, mentions, generator)
        parts = _changed(parts, settings, generator)
        changed = replace(
            row,
            tokens=tuple(part.word for part in parts),
            tags=tuple(part.tag for part in parts),
        )
        if changed.tokens != row.tokens:
            more.append(changed)
    return [*rows, *more]


def has_other_names(rows: Sequence[TaggedSentence]) -> bool:
    """Whether any entity of the rows can be exchanged: a list of names fits its type, or the rows
    name others of it."""
    return any(_list_of(label) or len(names) > 1 for label, names in _mentions(rows).items())


@dataclass(frozen=True, slots=True)
class _Part:
    """A word, what stands between it and the next, and its tag; ``found`` are words that a blank
    or a sign parts from others, not those of a file that has them one by one."""

    word: str
    after: str
    tag: str = "O"
    found: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it may be changed: no name, no number, no word that turns a statement, and no
        clause or character of a script without blanks."""
        if (self.found or len(self.word) == 1) and _UNSPACED.search(self.word):
            return False
        small = self.word.lower()
        negates = small in _KEPT or small.endswith(("n't", "n\u2019t"))
        names = self.tag != "O" or self.word in STAND_INS
        return self.word[:1].isalpha() and not names and not negates


def _parts(text: str) -> list[_Part]:
    """The words of a text from its first one on."""
    alike = text if text.isascii() else "".join(_SIGN if _joins(one) else one for one in text)
    return [
        _Part(text[slice(*part.span(1))], text[slice(*part.span(2))], found=True)
        for part in _PART.finditer(alike)
    ]


def _joins(character: str) -> bool:
    return character in _JOINERS or is_sign(character)


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


def _other_names(
    parts: list[_Part], share: float, mentions: _Mentions, generator: random.Random
) -> list[_Part]:
    found: list[_Part] = []
    place = 0
    for first, last, label in spans_of([part.tag for part in parts]):
        found += parts[place:first]
        own = tuple(part.word for part in parts[first : last + 1])
        words = own
        if generator.random() < share:
            listed = _listed_name(label, generator)
            words = tuple(listed.split()) if listed else _another(own, mentions[label], generator)
        if words == own:
            found += parts[first : last + 1]
        else:
            found.append(_Part(words[0], " ", f"B-{label}"))
            found += [_Part(word, " ", f"I-{label}") for word in words[1:]]
        place = last + 1
    return found + parts[place:]


def _mentions(rows: Sequence[TaggedSentence]) -> _Mentions:
    """The different names of each type in the rows, in the order in which they come."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for row in rows:
        for first, last, label in spans_of(row.tags):
            found.setdefault(label, {})[row.tokens[first : last + 1]] = None
    return {label: tuple(names) for label, names in found.items()}


def _another(
    own: tuple[str, ...], names: Sequence[tuple[str, ...]], generator: random.Random
) -> tuple[str, ...]:
    """One of the different names that is not the entity's own, if there is any."""
    other = own
    while other == own and len(names) > 1:
        other = generator.choice(names)
    return other


def _list_of(label: str) -> str | None:
    """Which list of names fits a data set's label; ``None`` if none does."""
    kinds = _names()["types"]
    return next((kind for kind, labels in kinds.items() if label.lower() in labels), None)


def _listed_name(label: str, generator: random.Random) -> str | None:
    """Another name of a data set's label; ``None`` for labels that no list fits."""
    lists, kind = _names(), _list_of(label)
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
