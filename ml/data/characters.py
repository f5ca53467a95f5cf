"""Words as the ids of their characters, case and all: what an uncased tokenizer throws away."""

from __future__ import annotations

from functools import lru_cache

CHARACTERS = "characters"
"""The setting of an artifact whose model reads them."""

WORD_CHARACTERS = 16
"""Of a longer word the beginning and the end are read, half of the places each."""

_OTHER, _UPPER, _LOWER, _DIGIT, _ASCII = 1, 2, 3, 4, 5
_FIRST, _LAST = "!", "~"
ALPHABET = _ASCII + ord(_LAST) - ord(_FIRST) + 1
"""The number of ids: padding (0), four sorts of characters beyond ASCII, visible ASCII."""


@lru_cache(maxsize=1 << 16)
def character_ids(word: str) -> tuple[int, ...]:
    """The ids of a word's characters, ``WORD_CHARACTERS`` of them, padded with 0."""
    if len(word) > WORD_CHARACTERS:
        half = WORD_CHARACTERS // 2
        word = word[:half] + word[-half:]
    ids = [_character_id(character) for character in word]
    return (*ids, *[0] * (WORD_CHARACTERS - len(ids)))


NO_CHARACTERS = (0,) * WORD_CHARACTERS
"""The ids of a token that is of no word."""


def _character_id(character: str) -> int:
    if _FIRST <= character <= _LAST:
        return _ASCII + ord(character) - ord(_FIRST)
    if character.isupper():
        return _UPPER
    if character.islower():
        return _LOWER
    return _DIGIT if character.isdigit() else _OTHER
