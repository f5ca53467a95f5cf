"""Re-ranking: what the intent of a question adds to the articles that answer that intent.

An article that states its intents is supported by their probabilities. Both are evidence for the
same thing, and the classifier has seen many more ways to ask than a title tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml.retrieval.hybrid import Hit
from ml.types import Classification

SUPPORT = 0.5
"""What a certain intent adds to a score; hybrid scores lie between about 0 and 1."""

LEAST_SUPPORT = 0.2
"""The probability from which an article that was not found is proposed for its intent alone."""

_OUT_OF_SCOPE = 0.25  # of the support is left where the text seems to belong to no intent


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document with its ``score``: that of its ``hit``, if it was found, and the intent's.

    ``support`` is the probability of the likeliest of its intents, 0 without one.
    """

    document_id: str
    score: float
    support: float
    hit: Hit | None


def rerank(
    hits: Sequence[Hit],
    intents: Mapping[str, Sequence[str]],
    said: Classification,
    *,
    weight: float = SUPPORT,
    least: float = LEAST_SUPPORT,
) -> list[Ranked]:
    """Documents by the score of their hit and the support of their intents, best first.

    ``intents`` maps a document to the intents that it answers; hits of other documents are left
    out. ``weight`` is what a certain intent adds, ``least`` the support from which a document that
    was not found is proposed too.
    """
    probabilities = {scored.label: scored.score for scored in said.scores}
    weight *= 1.0 if said.in_scope else _OUT_OF_SCOPE
    found = {hit.document_id: hit for hit in hits}
    ranked = []
    for name, own in intents.items():
        support = max((probabilities.get(intent, 0.0) for intent in own), default=0.0)
        hit = found.get(name)
        if hit is None and support < least:
            continue
        score = (hit.score if hit else 0.0) + weight * support
        ranked.append(Ranked(name, score, support, hit))
    return sorted(ranked, key=lambda one: (-round(one.score, 4), one.document_id))
