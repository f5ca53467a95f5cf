"""Parts of a test file on which a model may fare worse than on the whole."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingua import LanguageDetector

Measure = Callable[[Sequence[int]], dict[str, Any]]
Groups = dict[str, list[str]]

_LENGTHS = ((5, "1-5 words"), (10, "6-10 words"), (20, "11-20 words"), (40, "21-40 words"))
_LONGEST = "over 40 words"
_DENSITIES = ("no entity", "1 entity", "2 entities")
_DENSEST = "3 or more entities"
_NEGATED = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|cannot|without)\b|n['\u2019]t\b", re.I
)
_NO_WORDS = re.compile(r"https?://[!-~]+|[@#$]\w+|[!-~]*\d[!-~]*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Chinese and Japanese characters: no white space parts their words, and each counts as one."""
_JUDGED_WORDS = 4
_SURE = 0.5


def slice_table(groups: Groups, measure: Measure) -> dict[str, list[dict[str, Any]]]:
    """For each slice its groups: ranges by what they hold, others by size, the largest first.

    ``groups`` maps a slice's name to the group of each row; ``measure`` gets the indices of a
    group's rows. Each entry holds ``group``, ``n`` and what ``measure`` returned.
    """
    table = {}
    for name, row_groups in groups.items():
        members: dict[str, list[int]] = defaultdict(list)
        for index, group in enumerate(row_groups):
            members[group].append(index)
        table[name] = [
            {"group": group, "n": len(members[group]), **measure(members[group])}
            for group in sorted(members, key=lambda group: (_rank(group), -len(members[group])))
        ]
    return table


def length_groups(texts: Sequence[str]) -> list[str]:
    """The length of each text in words, as a range."""
    return [_length(_words(text)) for text in texts]


def density_groups(entities: Sequence[int]) -> list[str]:
    """The number of entities in each text, as a range."""
    return [_DENSITIES[n] if n < len(_DENSITIES) else _DENSEST for n in entities]


def negation_groups(texts: Sequence[str]) -> list[str]:
    """Whether an English word of each text negates."""
    return ["with a negation" if _NEGATED.search(text) else "without" for text in texts]


def language_groups(texts: Sequence[str]) -> list[str]:
    """The ISO 639-1 code of each text's language; ``unclear`` for few words or a close call.

    Addresses, numbers, handles and tickers say nothing of it and are left out.
    """
    return [_language(text) for text in texts]


def _language(text: str) -> str:
    words = _NO_WORDS.sub(" ", text)
    if _words(words) < _JUDGED_WORDS:
        return "unclear"
    best = _detector().compute_language_confidence_values(words)[0]
    if best.value < _SURE:
        return "unclear"
    return str(best.language.iso_code_639_1.name).lower()


@cache
def _detector() -> LanguageDetector:
    from lingua import Language, LanguageDetectorBuilder

    # A dozen frequent languages, 250 MB: all of them take a gigabyte. Their compact models take
    # one headline in twelve for German, Dutch or Polish that is English with names in it.
    languages = (
        Language.ENGLISH,
        Language.FRENCH,
        Language.GERMAN,
        Language.SPANISH,
        Language.ITALIAN,
        Language.PORTUGUESE,
        Language.DUTCH,
        Language.POLISH,
        Language.RUSSIAN,
        Language.TURKISH,
        Language.ARABIC,
        Language.CHINESE,
        Language.JAPANESE,
    )
    return LanguageDetectorBuilder.from_languages(*languages).build()


def _words(text: str) -> int:
    return len(_UNSPACED.sub(" x ", text).split())


def _length(words: int) -> str:
    return next((name for most, name in _LENGTHS if words <= most), _LONGEST)


_ORDER = {
    name: rank
    for rank, name in enumerate([*(name for _, name in _LENGTHS), _LONGEST, *_DENSITIES, _DENSEST])
}


def _rank(group: str) -> int:
    """Ranges go by what they hold; other groups come in order of their size."""
    return _ORDER.get(group, -1)
