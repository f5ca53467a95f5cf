"""What an article says about one company of several: the text from which it is scored.

An article about one company is scored as a whole. Where it names several, each is scored on the
headline if that names it, else on the sentences of the body that do, with its own mentions and
those of the others marked for the targeted sentiment model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.market.text import LEAD_CHARACTERS, sentence_spans
from ml.data.targeting import Span, mark_target


@dataclass(frozen=True, slots=True)
class Named:
    """A company named from ``start`` to ``end`` (offsets in its text)."""

    company_id: int
    start: int
    end: int


def contexts(
    title: str, in_title: Sequence[Named], body: str, in_body: Sequence[Named]
) -> dict[int, str]:
    """The marked text to score each company on, by its id; empty where the whole article is."""
    companies = list(dict.fromkeys(name.company_id for name in (*in_title, *in_body)))
    if len(companies) < 2:
        return dict.fromkeys(companies, "")
    named_in_title = {name.company_id for name in in_title}
    return {
        company: _marked(title, (0, len(title)), in_title, company)
        if company in named_in_title
        else _naming(body, in_body, company)
        for company in companies
    }


def _naming(text: str, names: Sequence[Named], company: int) -> str:
    """The sentences of ``text`` that name this company, marked."""
    wanted = [name.start for name in names if name.company_id == company]
    sentences = [
        _marked(text, (start, end), names, company)
        for start, end in sentence_spans(text)
        if any(start <= place < end for place in wanted)
    ]
    return " ".join(sentences)[:LEAD_CHARACTERS]


def _marked(text: str, part: Span, names: Sequence[Named], company: int) -> str:
    """A part of ``text`` with the mentions of this company and of the others marked in it."""
    first, last = part
    inside = [name for name in names if first <= name.start and name.end <= last]
    spans: dict[bool, list[Span]] = {True: [], False: []}
    for name in inside:
        spans[name.company_id == company].append((name.start - first, name.end - first))
    return mark_target(text[first:last], spans[True], spans[False])
