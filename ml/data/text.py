"""Text normalisation and word splitting: the same functions when training and when serving."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b-\u001f\u007f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]"
)
_DECORATED = re.compile(
    "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9\U0001d400-\U0001d7ff]+"
)
_WORD = re.compile(
    r"(?:[A-Za-z]\.){2,}"  # U.S., e.g.
    r"|[$#@]?[A-Za-z]\w*\.[A-Z]{1,2}\b"  # JNJ.N
    r"|[$\u00a3\u20ac]?\d+(?:[.,]\d+)*(?!\w)"  # 1,234.50 and $3.5
    r"|['\u2019](?:s|m|d|t|ll|re|ve)\b"  # clitics stand alone, as in the training data
    r"|[$#@]?\w+(?:[-&]\w+)*"  # words, hyphenated words, AT&T, $AAPL, #1234-A
    r"|[^\w\s]",
    re.IGNORECASE,
)


def normalise(text: str) -> str:
    """The form in which a text is classified.

    HTML entities are decoded, Unicode is brought to NFC, invisible characters and URLs are
    removed, white space is folded, decorated letters are plain ones. Case stays, since only the
    tokenizer knows if it matters.
    """
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = plain_letters(URL.sub(" ", INVISIBLE.sub("", text)))
    return _SPACE.sub(" ", text).strip()


def label_form(label: str) -> str:
    """The form in which a label is known, so that two that look the same are one: Unicode is
    brought to NFC, without invisible characters and the white space around it."""
    return unicodedata.normalize("NFC", INVISIBLE.sub("", label)).strip()


def plain_letters(text: str) -> str:
    """The text with full-width, circled and mathematical letters and digits as plain ones, each in
    its place: no tokenizer of words knows them, so that words can be hidden in them."""
    return _DECORATED.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, ``source[start:end] == text``."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """Split raw text into words and punctuation marks, keeping character offsets."""
    words = [Word(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
    return words if text.isascii() else _with_their_signs(words)


def _with_their_signs(words: list[Word]) -> list[Word]:
    """The words with the accents and vowel signs that are characters of their own, which a pattern
    of letters parts them at."""
    found: list[Word] = []
    for word in words:
        last = found[-1] if found else None
        if last is not None and last.end == word.start and _goes_on(last.text, word.text):
            found[-1] = Word(last.text + word.text, last.start, word.end)
        else:
            found.append(word)
    return found


def _goes_on(last: str, word: str) -> bool:
    """Whether ``word``, right behind ``last``, is the sign of a letter or stands behind one."""
    if is_sign(word[0]):
        return last[-1].isalnum() or (len(last) > 1 and is_sign(last[-1]))
    return word[0].isalnum() and len(last) > 1 and is_sign(last[-1])


def is_sign(character: str) -> bool:
    """Whether it is an accent or a vowel sign that is a character of its own."""
    return unicodedata.category(character)[0] == "M"


SHAPES = (
    "padding",
    "lower",
    "title",
    "upper",
    "single_upper",
    "mixed",
    "digits",
    "with_digits",
    "punctuation",
    "symbol_prefixed",
    "other",
)
"""Word shapes, in the order of their ids: what an uncased encoder cannot see of a word."""

_SHAPE_ID = {name: index for index, name in enumerate(SHAPES)}


def word_shape(word: str) -> int:
    """The id (an index into ``SHAPES``) of a word's shape; never that of padding."""
    return _SHAPE_ID[_shape_name(word)]


def _shape_name(word: str) -> str:
    if len(word) > 1 and word[0] in "$#@":
        return "symbol_prefixed"
    if not any(character.isalnum() for character in word):
        return "punctuation"
    if any(character.isdigit() for character in word):
        plain = word.replace(",", "").replace(".", "")
        return "digits" if plain.isdigit() else "with_digits"
    letters = "".join(character for character in word if character.isalpha())
    if not letters:  # numbers that are no digits, such as one half
        return "other"
    if letters.islower():
        return "lower"
    if letters.isupper():
        return "single_upper" if len(letters) == 1 else "upper"
    if letters[0].isupper() and letters[1:].islower():
        return "title"
    return "mixed" if letters.lower() != letters.upper() else "other"
