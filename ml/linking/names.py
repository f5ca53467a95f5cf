"""Company names as sequences of words, however they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+|&")
_GAPS = frozenset({"", " ", "  ", "\u00a0", "-", "\u2010", "\u2011", ".", "'", "\u2019", "/"})
_REGISTRY_NOTE = re.compile(r"\s*[/\\].*$")  # "EXAMPLE CORP /DE/", "Example plc/ADR"

LEGAL_FORMS = frozenset(
    """
    inc incorporated corp corporation co company ltd limited plc llc llp lp sa ag nv se ab asa as
    oyj spa kgaa gmbh tbk bhd pty sas bv cv kk aktiengesellschaft adr ads trust reit
    """.split()  # noqa: SIM905
)
"""Endings that say what a company is in law and may be left out."""

_SPELT_OUT = tuple(
    tuple(letters)
    for letters in ("sa", "nv", "ag", "plc", "lp", "as", "spa", "llc", "se", "cv", "bv")
)

GENERAL_WORDS = frozenset(
    "group holdings holding international technologies technology companies enterprises".split()  # noqa: SIM905
)
"""Endings that newspapers leave out: the rest is a short form of the name."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text; ``key`` is how it is compared, ``joined`` whether the next one may follow
    in the same name (nothing but a space, a hyphen or an apostrophe lies between)."""

    key: str
    text: str
    start: int
    end: int
    joined: bool


def tokens_of(text: str) -> list[Token]:
    """The words of a text with their offsets."""
    matches = list(_WORD.finditer(text))
    tokens = []
    for number, match in enumerate(matches):
        following = matches[number + 1].start() if number + 1 < len(matches) else None
        joined = following is not None and _may_join(match.group(), text[match.end() : following])
        tokens.append(Token(_key(match.group()), match.group(), match.start(), match.end(), joined))
    return tokens


def name_keys(name: str) -> tuple[str, ...]:
    """A name's words as they are compared: ``("coca", "cola", "co")``."""
    return tuple(_key(match.group()) for match in _WORD.finditer(_REGISTRY_NOTE.sub("", name)))


def without_legal_form(keys: Sequence[str]) -> tuple[str, ...]:
    """The name without its endings in law and a leading "the"; something always remains."""
    rest = tuple(keys)
    while (shorter := _drop_ending(rest)) is not None and shorter != ("the",):
        rest = shorter
    return rest[1:] if rest[0] == "the" and len(rest) > 1 else rest


def short_form(keys: Sequence[str]) -> tuple[str, ...] | None:
    """The name without a general word at its end, if it has one: Example Group, Example."""
    if len(keys) > 1 and keys[-1] in GENERAL_WORDS:
        return tuple(keys[:-1])
    return None


def spellings(keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The name itself and, for a genitive (Macy's), the spelling without the apostrophe."""
    yield tuple(keys)
    for index in range(1, len(keys)):
        if keys[index] == "s":
            yield (*keys[: index - 1], keys[index - 1] + "s", *keys[index + 1 :])


def _drop_ending(keys: tuple[str, ...]) -> tuple[str, ...] | None:
    for ending in _SPELT_OUT:
        if keys[-len(ending) :] == ending and len(keys) > len(ending):
            return keys[: -len(ending)]
    if len(keys) > 1 and keys[-1] in LEGAL_FORMS:
        rest = keys[:-1]
        return rest[:-1] if len(rest) > 1 and rest[-1] == "and" else rest
    return None


def _may_join(word: str, gap: str) -> bool:
    return gap in _GAPS or (gap == ". " and len(word) <= 2) or (gap == " " or word == "&")


def _key(word: str) -> str:
    if word == "&":
        return "and"
    folded = unicodedata.normalize("NFKD", word).casefold()
    return "".join(character for character in folded if not unicodedata.combining(character))
