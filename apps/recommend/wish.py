"""Reads a reader's sentence: what is wanted and what is not ("quiet science fiction, no gore").

Readers' rows hold the vectors of the parts of their sentences: whoever changes how these are told
apart has them read anew (migration 0009).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ANYTHING_BUT = re.compile(r"\b(?:any|every)thing\s+but\b", re.IGNORECASE)
_NOT_ONLY = re.compile(r"\bnot\s+(?:only|just|merely)\b", re.IGNORECASE)
_SENTENCES = re.compile(r"[;.!?()\n。；！？（）]+|\bbut\b|但是?|不过", re.IGNORECASE)
_CLAUSES = re.compile(r"[,，]+")
_NEGATION = re.compile(
    r"\b(?:no|not|without|avoid|except|excluding|never|nothing|neither|minus|skip|hate|dislike"
    r"|less|fewer|(?:rather|other)\s+than|instead\s+of|(?:free|away)\s+(?:of|from)"
    r"|(?:tired|sick|enough)\s+of|fed\s+up\s+with"
    r"|can(?:not|\s+not|['’]?t)\s+(?:stand|bear|abide|take|like|have|deal\s+with)"
    r"|(?:do|does|should|must|would)(?:\s+not|n['’]?t)(?!\s+(?:mind|know)\b)"
    r"(?:\s+(?:like|want|be|have|need|enjoy|care\s+(?:for|about)))?)\b"
    r"|不要|不想要?看?|不喜欢|没有|讨厌|避免|除了|别(?:太|有|是)?",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"^(?:(?:too|very|much|many|any|about|with|of|a|an|the|more|so|really|please|overly|like"
    r"|want|it|to|be|have|having|is|are)\b\s*)+|^(?:太|有|是)+",
    re.IGNORECASE,
)
_MORE_UNWANTED = re.compile(
    r"\s*(?:/|\bor\b|\bnor\b|\band\b(?!\s+(?:a|an|with|some|lots)\b)|[、或和与])\s*", re.I
)
_LIST_ENDS = re.compile(r"\b(?:or|nor)\b|或", re.IGNORECASE)
_WANTED_AGAIN = re.compile(r"\band\s+(?=(?:a|an|with|some|lots)\b)", re.IGNORECASE)
_TOO = re.compile(
    r"\b(?:not|never|nothing)\s+(?:too|very|overly|so)\s+([\w-]+)|不要?太(\w+)", re.IGNORECASE
)
_FREE = re.compile(r"\b(\w+)-free\b|(?:没有|无)(\w+?)的(?=\w)", re.IGNORECASE)
_EMPTY = re.compile(
    r"^(?:i|me|we|please|something|anything|a book|books?|(?:show|give) me"
    r"|i(?: am|['’]m)|i(?: would|['’]d)? (?:like|want|love))$",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"^(?:please\s+)?(?:i(?:\s+would|['’]d)?\s+(?:like|love|want|enjoy)(?:\s+to\s+read)?"
    r"|i(?:\s+am|['’]m)\s+(?:looking|in\s+the\s+mood)\s+for"
    r"|(?:show|give|find|recommend)\s+me|looking\s+for)\s+|^我?(?:想要?看?|喜欢|要)",
    re.IGNORECASE,
)
_AFTER_WANT = re.compile(
    r"^(?:and|or|with|yet|though)\b\s*|\s*\b(?:and|or|with|yet|though)$|的$", re.I
)


@dataclass(frozen=True, slots=True)
class Wish:
    """``wanted`` is what to look for (may be empty), ``unwanted`` what to keep away from."""

    wanted: str
    unwanted: tuple[str, ...]


def parse_wish(sentence: str) -> Wish:
    """Split a sentence at its negations.

    Within a clause (up to a comma, a full stop or "but") all that follows "no", "without", "not"
    and their kin is unwanted, joined parts ("no gore or cruelty") one by one, until "and a ..."
    or "and with ..." turns back to what is wanted; a list that ends with "or" ("no gore, war or
    cruelty") goes on over its commas. "Not too long" refuses its one word only, and "war-free" or
    "anything but war" what they name. The commonest negations of Chinese are read alike.
    """
    text = _NOT_ONLY.sub(" ", _ANYTHING_BUT.sub("no", " ".join(sentence.split())))
    wanted: list[str] = []
    unwanted: list[str] = []
    for part in _SENTENCES.split(text):
        clauses = _CLAUSES.split(part)
        listed_to = 0
        for at, clause in enumerate(clauses):
            if at < listed_to:
                unwanted.extend(_refused(one) for one in _MORE_UNWANTED.split(clause))
            elif _read(clause, wanted, unwanted):
                listed_to = at + 1 + _listed(clauses[at + 1 :])
    return Wish(
        wanted=", ".join(part for part in wanted if part),
        unwanted=tuple(dict.fromkeys(part for part in unwanted if part)),
    )


def _read(clause: str, wanted: list[str], unwanted: list[str]) -> bool:
    """Add a clause to what is ``wanted`` and ``unwanted``; whether it ends with what is refused."""
    for words in (_TOO, _FREE):
        unwanted.extend(first or second for first, second in words.findall(clause))
        clause = words.sub(" ", clause)
    pieces = _NEGATION.split(clause)
    wanted.append(_trimmed(pieces[0]))
    again: list[str] = []
    for piece in pieces[1:]:
        refused, *again = _WANTED_AGAIN.split(piece, maxsplit=1)
        unwanted.extend(_refused(part) for part in _MORE_UNWANTED.split(refused))
        wanted.extend(_trimmed(part) for part in again)
    return len(pieces) > 1 and not again


def _listed(clauses: Sequence[str]) -> int:
    """How many of ``clauses`` go on with a list of what is refused: those up to the one with the
    "or" that ends it."""
    for at, clause in enumerate(clauses):
        if _NEGATION.search(clause):
            return 0
        if _LIST_ENDS.search(clause):
            return at + 1
    return 0


def _trimmed(part: str) -> str:
    words = _AFTER_WANT.sub("", " ".join(part.split())).strip()
    words = _ASKING.sub("", words).strip()
    return "" if _EMPTY.match(words) else words


def _refused(part: str) -> str:
    words = re.sub(r"\bplease$", "", part.strip(), flags=re.IGNORECASE).strip()
    return _FILLER.sub("", words).strip()
