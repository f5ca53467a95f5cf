"""Messages that mean something only behind the question before them."""

from __future__ import annotations

import re

_LONGEST = 12
_REST = 7
_OPENS = re.compile(
    r"^(?:and|but|so|then|ok(?:ay)?,? (?:and|but|so)|what about|how about|what if|same for|also for"
    r"|or|only|even|in that case|for|with|without|from|to|if)\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:it|its|it's|that|this|those|these|they|them|one|ones|instead|too|as well"
    r"|the same|the other|both|either|another)\b",
    re.IGNORECASE,
)


def points_back(text: str) -> bool:
    """Whether a message leaves open what it is about: short, and with words that point back."""
    words = text.split()
    if not 1 <= len(words) <= _LONGEST:
        return False
    return _OPENS.match(text.strip()) is not None or _POINTS.search(text) is not None


def leans(text: str) -> bool:
    """Whether a message is the rest of a question, as "and to France?" is."""
    return len(text.split()) <= _REST and _OPENS.match(text.strip()) is not None


def behind(question: str, text: str) -> str:
    """The message read together with the question that it follows."""
    return f"{question.rstrip(' .!?')}. {text.strip()}"
