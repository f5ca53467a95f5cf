"""What an article says about one company of several: the text from which it is scored.

An article about one company is scored as a whole. Where it names several, each is scored on the
clauses of the headline that name it alone ("Brent's fall lifts Skyrill | and hurts Anchor"), else
on the headline that names it, else on the clauses or sentences of the body that do.
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
    """A company named at ``start`` (offset in its text)."""

    company_id: int
    start: int


def contexts(
    title: str, in_title: Sequence[Named], body: str, in_body: Sequence[Named]
) -> dict[int, str]:
    """The text to score each company on, by its id; empty where the whole article is."""
    companies = list(dict.fromkeys(name.company_id for name in (*in_title, *in_body)))
    if len(companies) < 2:
        return dict.fromkeys(companies, "")
    named_in_title = {name.company_id for name in in_title}
    return {
        company: _alone(title, in_title, company)
        or (title if company in named_in_title else "")
        or _alone(body, in_body, company)
        or _naming(body, in_body, company)
        for company in companies
    }


def _alone(text: str, names: Sequence[Named], company: int) -> str:
    """The clauses of ``text`` that name this company and no other."""
    spans = [clause for sentence in sentence_spans(text) for clause in _clauses(text, sentence)]
    return _join(text, [span for span in spans if _companies_in(span, names) == {company}])


def _naming(text: str, names: Sequence[Named], company: int) -> str:
    """The sentences of ``text`` that name this company."""
    spans = sentence_spans(text)
    return _join(text, [span for span in spans if company in _companies_in(span, names)])


def _clauses(text: str, sentence: Span) -> list[Span]:
    start, end = sentence
    spans = []
    for match in _CLAUSE_END.finditer(text, start, end):
        spans.append((start, match.start()))
        start = match.end()
    return [*spans, (start, end)]


def _companies_in(span: Span, names: Sequence[Named]) -> set[int]:
    return {name.company_id for name in names if span[0] <= name.start < span[1]}


def _join(text: str, spans: Sequence[Span]) -> str:
    return " ".join(text[start:end].strip() for start, end in spans)[:LEAD_CHARACTERS]
