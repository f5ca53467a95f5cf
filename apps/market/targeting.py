"""What an article says about one company of several: the text from which it is scored.

An article about one company is scored as a whole. Where it names several, each is scored on the
clauses that name it alone ("Brent's fall lifts Skyrill | and hurts Anchor"), or, when there is no
such clause, on the sentences that name it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps.market.text import LEAD_CHARACTERS, sentence_spans

_CLAUSE_END = re.compile(
    r"[;:\u2014]\s+|,?\s+(?=(?:while|whereas|but|although|though|as|after|and|leaves?|hurts?)\b)",
    re.IGNORECASE,
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Named:
    """A company named at ``start`` (offset in the text)."""

    company_id: int
    start: int


def contexts(text: str, names: Sequence[Named], *, whole: str) -> dict[int, str]:
    """The text to score each company on, by its id; ``whole`` is what the article is scored on."""
    companies = list(dict.fromkeys(name.company_id for name in names))
    if len(companies) < 2:
        return dict.fromkeys(companies, whole)
    sentences = sentence_spans(text)
    clauses = [clause for sentence in sentences for clause in _clauses(text, sentence)]
    return {
        company: _join(text, _alone(clauses, names, company))
        or _join(text, _naming(sentences, names, company))
        or whole
        for company in companies
    }


def _clauses(text: str, sentence: Span) -> list[Span]:
    start, end = sentence
    spans = []
    for match in _CLAUSE_END.finditer(text, start, end):
        spans.append((start, match.start()))
        start = match.end()
    return [*spans, (start, end)]


def _companies_in(span: Span, names: Sequence[Named]) -> set[int]:
    return {name.company_id for name in names if span[0] <= name.start < span[1]}


def _alone(spans: Sequence[Span], names: Sequence[Named], company: int) -> list[Span]:
    return [span for span in spans if _companies_in(span, names) == {company}]


def _naming(spans: Sequence[Span], names: Sequence[Named], company: int) -> list[Span]:
    return [span for span in spans if company in _companies_in(span, names)]


def _join(text: str, spans: Sequence[Span]) -> str:
    return " ".join(text[start:end].strip() for start, end in spans)[:LEAD_CHARACTERS]
