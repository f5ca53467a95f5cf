"""Misspelt words, read as the words of the knowledge base that they are nearest to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from english_words import get_english_words_set
from rapidfuzz import process
from rapidfuzz.distance import OSA

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_SHORTEST = 4
_LONG = 8
"""Letters from which a word may differ in two places; shorter ones in one."""
_ENDINGS = ("s", "es", "ed", "d", "ing", "er", "ers", "ly", "'s", "\u2019s")


@dataclass(frozen=True)
class Speller:
    """Knows the words of a knowledge base, and how often they stand there."""

    counts: Counter[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Speller:
        return cls(Counter(word for text in texts for word in _words(text)))

    def read(self, text: str) -> str:
        """The text with words that are none exchanged for the nearest of the knowledge base.

        Numbers, addresses, codes, short words and names within a sentence stay.
        """
        parts, at = [], 0
        for match in _WORD.finditer(text):
            word = match.group()
            beside = text[max(0, match.start() - 1) : match.start()] + text[match.end() :][:1]
            if any(mark.isdigit() or mark in "@_/#$" for mark in beside):
                continue
            if word[0].isupper() and match.start() > 0 and not word.isupper():
                continue
            better = self._nearest(word.lower())
            if better:
                parts += [text[at : match.start()], better]
                at = match.end()
        return "".join([*parts, text[at:]])

    def _nearest(self, word: str) -> str | None:
        if len(word) < _SHORTEST or word in self.counts or _is_english(word):
            return None
        places = 2 if len(word) >= _LONG else 1
        near = process.extract(
            word, self.counts.keys(), scorer=OSA.distance, score_cutoff=places, limit=None
        )
        alike = [(found, distance) for found, distance, _ in near if len(found) >= _SHORTEST - 1]
        if not alike:
            return None
        return min(alike, key=lambda one: (one[1], one[0][0] != word[0], -self.counts[one[0]]))[0]


def _words(text: str) -> list[str]:
    return [match.group().lower() for match in _WORD.finditer(text)]


def _is_english(word: str) -> bool:
    """Whether a word, or what it is a form of, is in the dictionary."""
    known = _dictionary()
    if word in known:
        return True
    stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
    return any(stem in known or f"{stem}e" in known for stem in stems if len(stem) >= _SHORTEST - 1)


@cache
def _dictionary() -> frozenset[str]:
    """Words of a general dictionary, in small letters: names begin with capitals there."""
    words: set[str] = get_english_words_set(["web2"])
    return frozenset(word for word in words if word.islower())
