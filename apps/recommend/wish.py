"""Reads a reader's sentence: what is wanted and what is not ("quiet science fiction, no gore")."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLAUSES = re.compile(r"[,;.!?()\n]+|\bbut\b", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:no|not|without|avoid|except|never|nothing|minus|skip|hate|dislike"
    r"|(?:do|does|should|must|would|can)(?:\s+not|n['’]?t)(?:\s+(?:like|want|be|have|need))?)\b",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"^(?:(?:too|very|much|many|any|about|with|of|a|an|the|more|so|really|please|overly|like"
    r"|want|it|to|be|have|having|is|are)\b\s*)+",
    re.IGNORECASE,
)
_MORE_UNWANTED = re.compile(
    r"\s*(?:/|\bor\b|\bnor\b|\band\b(?!\s+(?:a|an|with|some|lots)\b))\s*", re.I
)
_WANTED_AGAIN = re.compile(r"\band\s+(?=(?:a|an|with|some|lots)\b)", re.IGNORECASE)
_TOO = re.compile(r"\b(?:not|never|nothing)\s+(?:too|very|overly|so)\s+([\w-]+)", re.IGNORECASE)
_EMPTY = re.compile(
    r"^(?:i|me|we|please|something|anything|a book|books?|(?:show|give) me"
    r"|i(?: would|'d)? (?:like|want))$",
    re.IGNORECASE,
)
_AFTER_WANT = re.compile(r"^(?:and|or|with|yet|though)\b\s*|\s*\b(?:and|or|with|yet|though)$", re.I)


@dataclass(frozen=True, slots=True)
class Wish:
    """``wanted`` is what to look for (may be empty), ``unwanted`` what to keep away from."""

    wanted: str
    unwanted: tuple[str, ...]


def parse_wish(sentence: str) -> Wish:
    """Split a sentence at its negations.

    Within a clause (up to a comma, a full stop or "but") all that follows "no", "without", "not"
    and their kin is unwanted, joined parts ("no gore or cruelty") one by one, until "and a ..."
    or "and with ..." turns back to what is wanted. "Not too long" refuses its one word only.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for clause in _CLAUSES.split(" ".join(sentence.split())):
        unwanted.extend(_TOO.findall(clause))
        pieces = _NEGATION.split(_TOO.sub(" ", clause))
        wanted.append(_trimmed(pieces[0]))
        for piece in pieces[1:]:
            refused, *again = _WANTED_AGAIN.split(piece, maxsplit=1)
            unwanted.extend(_refused(part) for part in _MORE_UNWANTED.split(refused))
            wanted.extend(_trimmed(part) for part in again)
    return Wish(
        wanted=", ".join(part for part in wanted if part),
        unwanted=tuple(dict.fromkeys(part for part in unwanted if part)),
    )


def _trimmed(part: str) -> str:
    words = _AFTER_WANT.sub("", " ".join(part.split())).strip()
    return "" if _EMPTY.match(words) else words


def _refused(part: str) -> str:
    words = re.sub(r"\bplease$", "", part.strip(), flags=re.IGNORECASE).strip()
    return _FILLER.sub("", words).strip()
