"""What is read off an article's words before any model sees it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence, Set
from itertools import pairwise

_PREFIX = re.compile(
    r"^(?:(?:newsflash|breaking|urgent|exclusive|alert|wrapup|update|refile|rpt|repeat|"
    r"correct(?:ed|ion|s)|clarified|clarification|retract(?:ed|ion)|withdrawn)\b[\s\d.:–—-]*)+",
    re.IGNORECASE,
)
_CORRECTED = re.compile(
    r"^\W*(?:(?:update|refile|rpt)\s*\d*\s*[-–:]\s*)?(?:correct(?:ed|ion)|clarifi(?:ed|cation))\b"
    r"\s*[-–—:(]",
    re.IGNORECASE,
)
_RETRACTED = re.compile(r"^\W*(?:retract(?:ed|ion)|withdrawn)\b\s*[-–—:(]", re.IGNORECASE)
_DATELINE = re.compile(r"^\s*\([^()]{2,40}\)\s*[-–—]+\s*")
_PUBLISHER = re.compile(r"\s+[-–—|]\s+[A-Z][\w&.']*(?: [\w&.']+){0,4}$")
_ATTRIBUTION = re.compile(r"\s+[-–—]\s*(?:sources?|reports?|officials?|analysts?|traders)$", re.I)
_SIGN_OFF = re.compile(
    r"\s*(?:\((?:reporting|writing|editing|additional reporting)\b[^()]*\)|more to follow\.?|"
    r"read more at \S+)\s*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\d+(?:[.,]\d+)*|%|[^\W\d_]+")
_SAME = {"percent": "%", "pct": "%", "mln": "million", "bln": "billion", "bn": "billion"}
_SMALL_WORDS = frozenset(
    """
    a an the its it is are to of in on for and or as at by with from after over into has have had
    will be was were their his her this that about monday tuesday wednesday thursday friday
    """.split()  # noqa: SIM905
)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9$€£])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Inc|Corp|Co|Ltd|Mr|Mrs|Ms|Dr|St|No|vs|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov"
    r"|Dec)|\b[A-Z])\.$"
)

LEAD_CHARACTERS = 320
"""How much of one sentence, or of a company's passage, the classifiers read."""

READ_SENTENCES = 12
"""How many sentences of a body the classifiers read, each by itself."""

READ_CHARACTERS = 4000
"""How much of a body is searched for companies; what follows is stored and shown only."""


def correction_kind(title: str) -> str:
    """``"corrected"``, ``"retracted"`` or ``""``, from the words that wires put first."""
    if _RETRACTED.match(title):
        return "retracted"
    return "corrected" if _CORRECTED.match(title) else ""


def content_words(title: str, body: str) -> list[str]:
    """The words that make the content: without wire prefixes, datelines and sign-offs.

    Case, punctuation and the spelling of numbers ("4,300", "12 percent") do not count.
    """
    headline = _PREFIX.sub("", _ATTRIBUTION.sub("", _PUBLISHER.sub("", title.strip())))
    story = _DATELINE.sub("", body.strip())
    while (shorter := _SIGN_OFF.sub("", story)) != story:
        story = shorter
    words = _WORD.findall(f"{headline} {story}".lower())
    return [_SAME.get(word, word.replace(",", "")) for word in words]


def content_hash(title: str, body: str) -> str:
    """Equal for articles of equal content; a correction differs from what it corrects."""
    content = " ".join([correction_kind(title), *content_words(title, body)])
    return hashlib.sha256(content.encode()).hexdigest()


def shingles(words: Sequence[str]) -> frozenset[str]:
    """The words and the pairs of neighbouring words; small words (a, of, its) do not count."""
    telling = [word for word in words if word not in _SMALL_WORDS] or words
    return frozenset(telling) | {f"{left} {right}" for left, right in pairwise(telling)}


def headline_facts(title: str) -> frozenset[str]:
    """The numbers and names of a headline, as :func:`content_words` has words.

    A name is a word with a capital, or the first word; in a headline all of whose words have
    capitals only the first word is known to be one.
    """
    headline = _PREFIX.sub("", _ATTRIBUTION.sub("", _PUBLISHER.sub("", title.strip())))
    found = [word for word in _WORD.findall(headline) if word.lower() not in _SMALL_WORDS]
    words = [word for word in found if word[0].isalpha() and len(word) > 1]
    capitals = sum(word[0].isupper() for word in words)
    told = words[:1] if capitals > 0.8 * len(words) else [w for w in words if w[0].isupper()]
    numbers = [word.replace(",", "") for word in found if word[0].isdigit()]
    return frozenset({*(word.lower() for word in (*words[:1], *told)), *numbers})


def contradicts(
    facts: frozenset[str], words: Set[str], other_facts: frozenset[str], other_words: Set[str]
) -> bool:
    """Whether each of two headlines has a fact of one kind that the other text does not have.

    "Dividend of 40 cents" and "of 44 cents" are two stories, however alike; a headline that only
    leaves a fact out is not.
    """
    only, other_only = facts - other_words, other_facts - words
    for number in (True, False):
        if any(_is_number(f) is number for f in only) and any(
            _is_number(f) is number for f in other_only
        ):
            return True
    return False


def _is_number(word: str) -> bool:
    return word[0].isdigit()


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """The share of common elements among all, in [0, 1]."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the sentences of ``text`` begin and end (offsets in characters)."""
    spans, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if "\n" not in match.group() and _ABBREVIATION.search(text[start : match.start()]):
            continue
        spans.append((start, match.start()))
        start = match.end()
    spans.append((start, len(text)))
    return [(first, last) for first, last in spans if text[first:last].strip()]


def read_spans(body: str) -> list[tuple[int, int]]:
    """Where the sentences that the classifiers read stand in ``body``, none too long for them."""
    spans = sentence_spans(body[:READ_CHARACTERS])[:READ_SENTENCES]
    return [(first, min(last, first + LEAD_CHARACTERS)) for first, last in spans]


def read_text(title: str, body: str) -> tuple[str, int]:
    """Headline and body as one text to search for names, and where in it the body begins."""
    head = _closed(title) + "\n"
    return head + body[:READ_CHARACTERS], len(head)


def _closed(title: str) -> str:
    title = title.rstrip()
    return title if title.endswith((".", "!", "?", ":")) else f"{title}."
