"""Tells whether a message is in a language that the models do not read."""

from __future__ import annotations

import re
from functools import cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

_LANGUAGES = (
    Language.ENGLISH,
    Language.FRENCH,
    Language.GERMAN,
    Language.SPANISH,
    Language.ITALIAN,
    Language.PORTUGUESE,
    Language.POLISH,
    Language.RUSSIAN,
    Language.TURKISH,
    Language.ARABIC,
    Language.CHINESE,
)
_UNKNOWN = "und"  # ISO 639-2: undetermined, in a script that the models do not read
_MIN_WORDS = 4
_MIN_CONFIDENCE = 0.85
_MAX_ENGLISH = 0.03
_ENGLISH_SHARE = 0.15

# Frequent in English questions, and no words of the other languages: a text that holds enough of
# them is English whatever its letters look like ("I lost my passcode" resembles German).
_ENGLISH_WORDS = frozenset(
    """
    the my is it its how what why where when which who you your i'm i've i'd i'll have has had does
    did doesn't don't didn't can can't won't could would should with and of for from been this that
    these there they their want wanna need help please get got out about after before my our we us
    are were be being by at if or but any some much many long new make made find send sent call tell
    speak cancel buy order book card
    """.split()  # noqa: SIM905 - a list of one hundred strings is no easier to read
)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


@cache
def _detector() -> LanguageDetector:
    # The compact models: they are enough for sentences, and short texts are not judged at all.
    return LanguageDetectorBuilder.from_languages(*_LANGUAGES).with_low_accuracy_mode().build()


def foreign_language(text: str) -> str | None:
    """The ISO 639-1 code of the text's language if it is surely not English, else ``None``.

    Few words in Latin letters are not judged: they may be names, products or slips.
    """
    words = _WORD.findall(text.lower().replace("\u2019", "'"))
    latin = sum(word[0] < "\u0250" for word in words)
    is_latin = latin * 2 >= len(words)
    if is_latin:
        english = sum(word in _ENGLISH_WORDS for word in words)
        if len(words) < _MIN_WORDS or english >= _ENGLISH_SHARE * len(words):
            return None
    confidences = _detector().compute_language_confidence_values(text)
    best = confidences[0]
    english_confidence = next(c.value for c in confidences if c.language == Language.ENGLISH)
    if best.value < _MIN_CONFIDENCE or english_confidence > _MAX_ENGLISH:
        return None if is_latin else _UNKNOWN
    return str(best.language.iso_code_639_1.name).lower()


def warm() -> None:
    """Load the models now."""
    _detector()
