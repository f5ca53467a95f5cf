"""How sure a name in a text means the company: the evidence, each piece with its weight.

Confidence starts from what the name alone says and is the sum of the weights, cut to [0, 1]. The
weights were set by hand and checked on headlines with known companies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml.linking.names import LEGAL_FORMS, Token
from ml.linking.vocabulary import ACTS, BUSINESS, WILL_DO, other_sense
from ml.types import Entity

START = {"plain": 0.75, "ambiguous": 0.25}
WEIGHTS = {
    "legal form": 0.6,
    "organisation": 0.4,
    "no organisation": -0.05,
    "person or place": -0.3,
    "part of a longer name": -0.45,
    "business verb": 0.3,
    "business words": 0.25,
    "capital inside a sentence": 0.15,
    "several words": 0.15,
    "capitals throughout": 0.15,
    "lower case": -0.5,
    "another sense": -0.6,
    "speaks of itself": 0.2,
    "named elsewhere": 0.5,
    "named beside": 0.35,
    "ticker follows": 0.6,
}

_NEAR = 8  # words on each side that count as near
_PREPOSITIONS = frozenset({"with", "from", "after", "over", "into", "amid", "than", "upon"})
_NOT_NAMES = frozenset({"the", "a", "an", "in", "at", "on", "and", "of", "to", "for", "by", "as"})


@dataclass(frozen=True, slots=True)
class Context:
    """A text prepared for looking at evidence; ``title_case`` says that capitals mean nothing,
    ``capitals`` that its writer uses them at all.

    ``entities`` is what the tagger found, ``None`` when there was no tagger.
    """

    text: str
    tokens: Sequence[Token]
    title_case: bool
    capitals: bool
    entities: Sequence[Entity] | None


def context_of(text: str, tokens: Sequence[Token], entities: Sequence[Entity] | None) -> Context:
    """Look at a text once for all its names."""
    words = [t.text for t in tokens if len(t.text) > 3 and t.text[0].isalpha()]
    words = [word for word in words if word not in _PREPOSITIONS]
    capitals = sum(word[0].isupper() for word in words)
    title_case = len(words) > 3 and capitals > 0.85 * len(words)
    return Context(text, tokens, title_case, any(map(str.isupper, text)), entities)


def evidence_for(context: Context, first: int, last: int, *, ambiguous: bool) -> list[str]:
    """The pieces of evidence for the name at ``tokens[first]`` to ``tokens[last]``."""
    found = [
        _legal_form(context, last),
        *_tagged(context, first, last, ambiguous),
        _letter_case(context, first, ambiguous),
        *_several_words(context, first, last, ambiguous),
        _verb(context, last),
        _itself(context, last),
        _another_sense(context, first, last),
        _business(context, first, last),
    ]
    if "organisation" not in found and ambiguous:
        found.append(_longer_name(context, first, last))
    return [piece for piece in found if piece]


def confidence(pieces: Sequence[str], *, ambiguous: bool) -> float:
    """The confidence in [0, 1] that these pieces of evidence add up to."""
    start = START["ambiguous" if ambiguous else "plain"]
    return min(0.99, max(0.0, start + sum(WEIGHTS[piece] for piece in pieces)))


def _legal_form(context: Context, last: int) -> str | None:
    """A legal form follows (Apple Inc), or a comma and one (Gaia, Inc)."""
    if context.tokens[last].key in LEGAL_FORMS:
        return "legal form"
    following = context.tokens[last + 1 : last + 2]
    if following and following[0].key in LEGAL_FORMS and following[0].text[0].isupper():
        gap = context.text[context.tokens[last].end : following[0].start]
        return "legal form" if gap in (" ", ", ") else None
    return None


def _tagged(context: Context, first: int, last: int, ambiguous: bool) -> list[str | None]:
    if context.entities is None:
        return []
    start, end = context.tokens[first].start, context.tokens[last].end
    for entity in context.entities:
        if entity.end <= start or entity.start >= end:
            continue
        if entity.label not in ("ORG", "MISC"):
            return ["person or place"]
        # "Apple" in "Apple Valley College" is part of something else; "Inc" and "'s" are not.
        rest = context.text[entity.start : start] + context.text[end : entity.end]
        extra = [word for word in rest.replace("'s", "").split() if word[0].isupper()]
        if all(word.strip(".,").lower() in LEGAL_FORMS for word in extra):
            return ["organisation"]
        return ["part of a longer name"] if ambiguous else []
    return ["no organisation"]


def _letter_case(context: Context, first: int, ambiguous: bool) -> str | None:
    token = context.tokens[first]
    if token.text[0].islower():
        known = not ambiguous and len(token.text) > 3
        return None if known and not context.capitals else "lower case"
    if not context.title_case and not _begins_sentence(context, first):
        return "capital inside a sentence"
    return None


def _several_words(context: Context, first: int, last: int, ambiguous: bool) -> list[str]:
    """More words are less of a coincidence; of common words only if all have a capital."""
    words = context.tokens[first : last + 1]
    if len(words) == 1:
        return []
    if not ambiguous:
        return ["several words"]
    if not all(word.text[0].isupper() or word.key == "and" for word in words):
        return []
    return ["several words"] if context.title_case else ["several words", "capitals throughout"]


def _begins_sentence(context: Context, first: int) -> bool:
    before = context.text[: context.tokens[first].start].rstrip(" \"'\u201c\u2018(")
    return not before or before[-1] in ".!?:\n\u2022|-\u2013\u2014"


def _longer_name(context: Context, first: int, last: int) -> str | None:
    """A capitalised neighbour (Apple Valley, New Haven), where capitals mean something."""
    if context.title_case:
        return None
    tokens = context.tokens
    if tokens[last].joined and context.text[tokens[last].end] not in "'\u2019":
        following = tokens[last + 1]
        if following.text[0].isupper() and following.key not in LEGAL_FORMS | BUSINESS:
            return "part of a longer name"
    if first > 0 and tokens[first - 1].joined:
        before = tokens[first - 1]
        begins = _begins_sentence(context, first - 1)
        if before.text[0].isupper() and not begins and before.key not in _NOT_NAMES | BUSINESS:
            return "part of a longer name"
    return None


def _verb(context: Context, last: int) -> str | None:
    """The next word, after a genitive, is what companies do or have; or "to" and what they plan."""
    following = [token.key for token in context.tokens[last + 1 : last + 4]]
    if following[:1] == ["s"]:
        following = following[1:]
    if not following or context.text[context.tokens[last].end] in ".!?;:":
        return None
    plans = following[0] in ("to", "will") and following[1:2] and following[1] in WILL_DO
    return "business verb" if plans or following[0] in ACTS | BUSINESS else None


def _itself(context: Context, last: int) -> str | None:
    """It does something to what is its own: "Lemonade narrows its loss"."""
    following = [token.key for token in context.tokens[last + 1 : last + 5]]
    acts = following[:1] and (following[0] in ACTS or following[0] == "to")
    return "speaks of itself" if acts and "its" in following else None


def _another_sense(context: Context, first: int, last: int) -> str | None:
    """A word near the name tells that the word of the language or another thing is meant."""
    near = [*context.tokens[max(0, first - 3) : first], *context.tokens[last + 1 : last + 4]]
    name = " ".join(token.key for token in context.tokens[first : last + 1])
    return "another sense" if other_sense(name, {token.key for token in near}) else None


def _business(context: Context, first: int, last: int) -> str | None:
    near = [*context.tokens[max(0, first - _NEAR) : first]]
    near += context.tokens[last + 1 : last + 1 + _NEAR]
    return "business words" if any(token.key in BUSINESS for token in near) else None
