"""The words of a text as a classifier reads it, each with its place in the text as it was given.

:func:`ml.data.text.normalise` changes a text before it is classified, and a tagger needs places in
the unchanged one. A model that does both in one pass reads these words.
"""

from __future__ import annotations

import html
import re
import unicodedata

from ml.data.text import INVISIBLE, URL, Word, plain_letters, split_words

_ENTITY = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
_CHANGED = re.compile(f"(?P<url>{URL.pattern})|(?P<none>{INVISIBLE.pattern})|{_ENTITY}", URL.flags)


def readable_words(text: str) -> list[Word]:
    """The words of ``text`` without URLs and invisible characters, with HTML entities decoded and
    decorated letters as plain ones.

    A word's ``text`` is what is read; ``start`` and ``end`` are places in the text as given.
    """
    if _CHANGED.search(text) is None:
        return [_composed(word) for word in split_words(plain_letters(text))]
    characters: list[str] = []
    places: list[tuple[int, int]] = []
    for piece, start, end in _pieces(text):
        characters.append(piece)
        # An entity's characters all have the place of the entity.
        plain = len(piece) == end - start
        places += [(start + i, start + i + 1) if plain else (start, end) for i in range(len(piece))]
    words = split_words(plain_letters("".join(characters)))
    return [
        _composed(Word(word.text, places[word.start][0], places[word.end - 1][1])) for word in words
    ]


def _pieces(text: str) -> list[tuple[str, int, int]]:
    """What is read of each stretch of ``text``, and where the stretch begins and ends."""
    found, done = [], 0
    for match in _CHANGED.finditer(text):
        found.append((text[done : match.start()], done, match.start()))
        if match["url"]:
            found.append((" ", match.start(), match.end()))
        elif not match["none"]:
            found.append((html.unescape(match.group()), match.start(), match.end()))
        done = match.end()
    return [*found, (text[done:], done, len(text))]


def _composed(word: Word) -> Word:
    if unicodedata.is_normalized("NFC", word.text):
        return word
    return Word(unicodedata.normalize("NFC", word.text), word.start, word.end)
