"""Seeded changes of a text that a good model should bear: CheckList's invariance tests.

Each takes a text and a generator, and returns the changed text, or ``None`` where there is
nothing to change (Ribeiro et al. 2020; typing slips after Pruthi et al. 2019).
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from ml.data.targeting import STAND_INS
from ml.evaluation.word_lists import INTERCHANGEABLE

Change = Callable[[str, random.Random], str | None]

_NEIGHBOURS = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for place, letter in enumerate(row)
}
_LONG_WORD = re.compile(r"[A-Za-z]{4,}")
_WORDS_A_SLIP = 8
# Addresses of pages and of mail, hosts, and letters each with its point: "U.S."
_NAMES = (
    r"(?:https?://|www\.)[!-~]*[A-Za-z0-9/]|[\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+"
    r"|\b\w[\w-]*(?:\.\w[\w-]*)*\.[a-z]{2,}\b|\b(?:[^\W\d_]\.){2,}"
)
_PUNCTUATION = re.compile(
    rf"(?P<name>{_NAMES})"
    r"|(?<!\d)[^\w\s$#@%&'\u2019-](?!\d)|[^\w\s$#@%&'\u2019-](?=\s|$)"
)
_AUXILIARY = re.compile(
    r"(?<!not )(?<!n['\u2019]t )"
    r"\b(is|are|was|were|am|can|could|will|would|should|do|does|did|has|have|had|must|may|might)\b"
    r"(?P<have>['\u2019]ve\b)?(?!\s*(?:not\b|n?['\u2019]t)|['\u2019])",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"^\W*(?:wh\w+|how)\b", re.IGNORECASE)
_INVERTED = re.compile(
    r"^\s+(?:i|you|he|she|it|we|they|this|that|there|the\s+\w+|my\s+\w+)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A change; ``keeps_label`` is false where the right answer may change with the text."""

    name: str
    change: Change
    keeps_label: bool = True


def slip(word: str, generator: random.Random) -> str:
    """One typing slip in a word: two letters swapped, one lost, doubled, or its neighbour's key.

    The first letter stays, as it mostly does when people slip.
    """
    place = generator.randrange(1, len(word) - 1)
    kind = generator.choice(("swap", "drop", "double", "neighbour"))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    if kind == "swap" and after[0] != letter:
        return f"{before}{after[0]}{letter}{after[1:]}"
    if kind == "double":
        return f"{before}{letter}{letter}{after}"
    near = _NEIGHBOURS.get(letter.lower(), "")
    if kind == "neighbour" and near:
        return f"{before}{generator.choice(near)}{after}"
    return before + after


def typos(text: str, generator: random.Random) -> str | None:
    """One slip in about every eight words, at least one."""
    words = [found for found in _LONG_WORD.finditer(text) if found.group() not in STAND_INS]
    if not words:
        return None
    count = max(1, round(len(text.split()) / _WORDS_A_SLIP))
    for match in sorted(
        generator.sample(words, min(count, len(words))), key=lambda found: -found.start()
    ):
        text = text[: match.start()] + slip(match.group(), generator) + text[match.end() :]
    return text


def lower_case(text: str, generator: random.Random) -> str | None:
    """All letters small."""
    return _changed(text, text.lower())


def upper_case(text: str, generator: random.Random) -> str | None:
    """All letters capital."""
    return _changed(text, text.upper())


def without_punctuation(text: str, generator: random.Random) -> str | None:
    """Marks that are in no number, name or contraction taken out."""
    return _changed(text, " ".join(_PUNCTUATION.sub(_taken_out, text).split()))


def more_punctuation(text: str, generator: random.Random) -> str | None:
    """An emphatic end."""
    return _changed(text, text.rstrip(".?! ") + generator.choice(("!!!", "...", "??", " !")))


def negated(text: str, generator: random.Random) -> str | None:
    """ "not" put behind the first auxiliary verb (behind the subject, where that follows it) that
    is not negated, nor follows a negation; "would've" becomes "would not have"."""
    match = _AUXILIARY.search(text)
    if match is None:
        return None
    if match["have"]:
        return f"{text[: match.start('have')]} not have{text[match.end() :]}"
    rest = text[match.end() :]
    inverted = _INVERTED.match(rest)
    asks = inverted and (_QUESTION.match(text) or not text[: match.start()].strip())
    place = match.end() + (inverted.end() if asks and inverted else 0)
    return f"{text[:place]} not{text[place:]}"


def other_names(text: str, generator: random.Random) -> str | None:
    """Each company, ticker, place, currency and card of a known list exchanged for another."""

    def exchanged(match: re.Match[str]) -> str:
        kind = _KIND_OF[match.group()]
        return generator.choice([name for name in INTERCHANGEABLE[kind] if name != match.group()])

    return _changed(text, _KNOWN_NAME.sub(exchanged, text))


PERTURBATIONS = (
    Perturbation("typos", typos),
    Perturbation("lower_case", lower_case),
    Perturbation("upper_case", upper_case),
    Perturbation("without_punctuation", without_punctuation),
    Perturbation("more_punctuation", more_punctuation),
    Perturbation("entity_swap", other_names),
    Perturbation("negation", negated, keeps_label=False),
)

_KIND_OF = {name: kind for kind, names in INTERCHANGEABLE.items() for name in names}
_KNOWN_NAME = re.compile(
    r"(?<![\w$])(?:" + "|".join(re.escape(name) for name in sorted(_KIND_OF, key=len)) + r")(?!\w)"
)


def _taken_out(found: re.Match[str]) -> str:
    """A blank for a mark or a sign; names stay, and vowel signs and accents of their own, which are
    parts of words."""
    if found["name"] or unicodedata.category(found.group())[0] not in "PS":
        return found.group()
    return " "


def _changed(before: str, after: str) -> str | None:
    return after if after != before and after.strip() else None
