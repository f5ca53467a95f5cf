"""Retells headlines as other wires would, to measure how well repeats are recognised."""

from __future__ import annotations

import random
from collections.abc import Callable

Retelling = Callable[[str, random.Random], str]

_PREFIXES = (
    "UPDATE 1-",
    "UPDATE 3-",
    "BREAKING: ",
    "RPT-",
    "WRAPUP 2-",
    "EXCLUSIVE-",
    "NEWSFLASH: ",
)
_PUBLISHERS = ("Harbour Wire", "Quayside Times", "Fathom Business News")
_UNITS = (
    (" million", " mln"),
    (" billion", " bln"),
    (" percent", "%"),
    ("%", " percent"),
    (" bln", " billion"),
)
_SMALL_WORDS = frozenset("a an the its of to in on for as and at by with".split())  # noqa: SIM905


def _prefix(title: str, chance: random.Random) -> str:
    return chance.choice(_PREFIXES) + title


def _publisher(title: str, chance: random.Random) -> str:
    return f"{title} - {chance.choice(_PUBLISHERS)}"


def _capitals(title: str, chance: random.Random) -> str:
    return title.upper() if chance.random() < 0.5 else title.title().replace("'S", "'s")


def _units(title: str, chance: random.Random) -> str:
    for written, other in _UNITS:
        if written in title:
            return title.replace(written, other)
    return title.replace("'", "\u2019")


def _small_word(title: str, chance: random.Random) -> str:
    """Without one of the small words, or with one more."""
    words = title.split()
    places = [place for place, word in enumerate(words) if word in _SMALL_WORDS]
    if places:
        del words[chance.choice(places)]
    else:
        words.insert(chance.randrange(1, len(words) + 1), "the")
    return " ".join(words)


def _added_word(title: str, chance: random.Random) -> str:
    words = title.split()
    words.insert(len(words), chance.choice(("- sources", "on Tuesday", "- report")))
    return " ".join(words)


RETELLINGS: tuple[Retelling, ...] = (
    _prefix,
    _publisher,
    _capitals,
    _units,
    _small_word,
    _added_word,
)


def retell(title: str, chance: random.Random) -> str:
    """``title`` as another wire has it: one or two of :data:`RETELLINGS`, drawn by ``chance``."""
    for change in chance.sample(RETELLINGS, chance.choice((1, 2))):
        title = change(title, chance)
    return title
