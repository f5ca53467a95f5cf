"""Splits a message into the matters that it may be about."""

from __future__ import annotations

import re

MOST = 3
"""Matters that one message is answered on."""

_FEWEST_WORDS = 3
_ASKS = (
    r"(?:how|what|when|where|why|which|who|can|could|do|does|did|is|are|am|will|would|should|has|have"
    r"|may|i (?:want|need|would like|wanna|have to|also want|also need|cannot|can't|lost|never)"
    r"|i'd like|my|the|please|tell me|help me)\b"
)
_QUESTION = (
    r"(?:how|what|when|where|why|which|(?:can|could|do|may) (?:i|you|we)|(?:is|are) there)\b"
)
_TROUBLE = (
    r"(?:my (?:[^\s,;?!]*[^\s.,;?!] ){1,8}?"
    r"(?:is|are|was|were|has|have|had|does|did|isn|wasn|hasn|haven|doesn|didn)\b"
    r"|i (?:lost|cannot|can'?t|was|never|have(?:n'?t| not)|did(?:n'?t| not)"
    r"|(?:need|want|would like) (?:to|a|an|my|the))\b)"
)
_BREAK = re.compile(
    r"(?<=[.!?;])\s+|\n+"
    r"|,?\s+(?:and\s+(?:also|then|another thing)|also|plus|as well as|besides|oh and"
    rf"|another thing)\s*,?\s+(?={_ASKS})"
    rf"|,\s+(?:and\s+)?(?={_QUESTION})"
    rf"|\s+and\s+(?=(?:{_QUESTION}|{_TROUBLE}))",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:and|also|plus|then|secondly|second|besides|oh|finally)\b[\s,:]*", re.I)


def clauses(text: str) -> list[str]:
    """The parts of a message that may be questions of their own, in order, at most :data:`MOST`.

    One part or none means that there is nothing to tell apart.
    """
    parts = (_OPENING.sub("", part.strip(" ,\t")) for part in _BREAK.split(text))
    found = [part for part in parts if len(part.split()) >= _FEWEST_WORDS]
    return found[:MOST] if len(found) > 1 else []


def asks(clause: str) -> bool:
    """Whether a clause reads as a question or wish, not as what led to one."""
    return "?" in clause or re.match(_ASKS, clause, re.IGNORECASE) is not None
