"""Messages that ask nothing: greetings, thanks, farewells, words about the bot.

A message is small talk if it is made of such phrases and of words that add nothing to them; a
question beside them ("thanks, and how do I freeze my card?") makes it a question. The phrases and
replies stand in ``small_talk.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

LONGEST = 16
"""Words of the longest message that is looked at."""

_FILE = Path(__file__).with_name("small_talk.toml")
_NATURE = "(?:bot|robot|machine|human|person|computer|ai|program|chatbot|real)"
_STRETCHED = re.compile(r"([a-z])\1{2,}")


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """A kind of small talk, what is said, and the reply."""

    kind: str
    pattern: re.Pattern[str]
    reply: str


def _read() -> tuple[tuple[SmallTalk, ...], frozenset[str]]:
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    kinds = []
    for kind, told in content["kinds"].items():
        phrases = "|".join(f"(?:{phrase})" for phrase in told["phrases"]) or r"(?!)"
        pattern = re.compile(rf"\b(?:{phrases.replace('NATURE', _NATURE)})\b")
        kinds.append(SmallTalk(kind, pattern, told["reply"]))
    return tuple(kinds), frozenset(content["fillers"].split())


_KINDS, _FILLERS = _read()
_SIGNS = next(one for one in _KINDS if one.kind == "signs")


def small_talk(text: str) -> SmallTalk | None:
    """The kind of small talk that a message is; ``None`` for any other message."""
    words = _words(text)
    if not words:
        return _SIGNS if text.strip() else None
    if len(words) > LONGEST:
        return None
    rest = " ".join(words)
    found = []
    for one in _KINDS:
        rest, count = one.pattern.subn(" ", rest)
        if count:
            found.append(one)
    return None if set(rest.split()) - _FILLERS or not found else found[0]


def _words(text: str) -> list[str]:
    """Lower-case words without apostrophes and marks; stretched letters once ("heyyy")."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'").replace("'", "")
    kept = (character if character.isalnum() else " " for character in plain)
    return _STRETCHED.sub(r"\1", "".join(kept)).split()
