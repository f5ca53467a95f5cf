"""Words as a text again: what a tagger's training rows looked like before they were split."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BEFORE = re.compile(r" (?=[.,;:!?%)\]}…]|['’](?:s|m|d|t|ll|re|ve)\b|n['’]t\b)", re.IGNORECASE)
_BEHIND = re.compile(r"(?<=[(\[{$£€]) ")


def joined(words: Sequence[str]) -> str:
    """The words with blanks between them, but for signs that stand close to a word."""
    return _BEHIND.sub("", _BEFORE.sub("", " ".join(words)))
