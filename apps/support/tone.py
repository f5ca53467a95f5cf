"""How a customer's message sounds: upset, calm or pleased, and by which words.

By rules, in microseconds, since the shipped sentiment model learned from financial news and finds
complaints of bank customers neutral. The words stand in ``tone.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Label = Literal["negative", "neutral", "positive"]

RULES = "rules 1"
"""What tells the tone, in the place of a model's version."""
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
_READ = 4_000  # characters
_SHOUTED = 3  # words in capitals
_EXCLAIMED = re.compile(r"[!?]{3,}|!{2,}")

_FILE = Path(__file__).with_name("tone.toml")


@dataclass(frozen=True, slots=True)
class Tone:
    """A label, and the words or signs that it is told by."""

    label: Label
    signs: tuple[str, ...] = ()


def _read() -> tuple[dict[str, re.Pattern[str]], re.Pattern[str]]:
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    patterns = {
        kind: re.compile(rf"\b(?:{'|'.join(f'(?:{one})' for one in content[kind])})\b")
        for kind in ("upset", "impatient", "pleased")
    }
    return patterns, re.compile(rf"\b{content['negations']}(?: \w+)?$")


_PATTERNS, _NEGATED = _read()


def tone_of(text: str) -> Tone:
    """The tone of a message; ``neutral`` where nothing tells another."""
    text = text[:_READ]
    words = _plain(text)
    if upset := _found("upset", words):
        return Tone("negative", upset)
    loud = _loud(text)
    impatient = _found("impatient", words)
    if len(impatient) + len(loud) > 1:
        return Tone("negative", (*impatient, *loud))
    if not impatient and (pleased := _found("pleased", words)):
        return Tone("positive", pleased)
    return Tone("neutral")


def _found(kind: str, words: str) -> tuple[str, ...]:
    """The phrases of a kind, each once, without those behind a word that turns them round."""
    found: dict[str, None] = {}
    for match in _PATTERNS[kind].finditer(words):
        if not _NEGATED.search(words[: match.start()].rstrip()):
            found[match[0]] = None
    return tuple(found)


def _loud(text: str) -> tuple[str, ...]:
    """Signs of a raised voice: most words in capitals, several marks at once."""
    words = re.findall(r"[^\W\d_]{2,}", text)
    shouted = [word for word in words if word.isupper()]
    signs = []
    if len(shouted) >= _SHOUTED and 2 * len(shouted) > len(words):
        signs.append("capitals")
    if _EXCLAIMED.search(text):
        signs.append("exclamation marks")
    return tuple(signs)


def _plain(text: str) -> str:
    """Lower-case words without apostrophes and signs."""
    lower = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'").replace("'", "")
    kept = (character if character.isalnum() else " " for character in lower)
    return " ".join("".join(kept).split())
