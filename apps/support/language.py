"""Tells whether a message is in a language that the models do not read."""

from __future__ import annotations

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
_MIN_LETTERS = 14
_MIN_CONFIDENCE = 0.85


@cache
def _detector() -> LanguageDetector:
    # The compact models: they are enough for sentences, and short texts are not judged at all.
    return LanguageDetectorBuilder.from_languages(*_LANGUAGES).with_low_accuracy_mode().build()


def foreign_language(text: str) -> str | None:
    """The ISO 639-1 code of the text's language if it is surely not English, else ``None``."""
    letters = [character for character in text if character.isalpha()]
    latin = sum(character.isascii() for character in letters)
    if len(letters) < _MIN_LETTERS and latin * 2 >= len(letters):
        return None
    if not letters:
        return None
    best = _detector().compute_language_confidence_values(text)[0]
    if best.language == Language.ENGLISH or best.value < _MIN_CONFIDENCE:
        return None
    return str(best.language.iso_code_639_1.name).lower()


def warm() -> None:
    """Load the models now."""
    _detector()
