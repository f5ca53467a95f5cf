"""Measures a linker on texts in which people marked the companies.

A row of the JSONL file is ``{"text", "kind"}``. In ``text`` a company is marked as
``[name](TICKER)``, a name that could be taken for one but is none as ``[name](-)``; everything
else is expected to be left alone as well. A link counts as right when it overlaps a marked name
and means that company.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.data.readers import read_records
from ml.errors import DataError
from ml.linking.linker import Mention

_MARK = re.compile(r"\[([^\[\]]+)\]\(([A-Z0-9.-]{1,12}|-)\)")
NO_COMPANY = "-"


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked name: ``text[start:end]``, and the ticker of the company (``-`` for none)."""

    start: int
    end: int
    ticker: str


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text without its marks; ``kind`` groups the texts in the report."""

    text: str
    kind: str
    marks: tuple[Marked, ...]
    row: int = 0

    @property
    def companies(self) -> list[Marked]:
        return [mark for mark in self.marks if mark.ticker != NO_COMPANY]


@dataclass(frozen=True, slots=True)
class Failure:
    """A link that is wrong (``expected`` says what was marked there) or one that is missing."""

    row: int
    kind: str
    name: str
    expected: str
    found: str
    confidence: float | None
    text: str


@dataclass(frozen=True, slots=True)
class LinkReport:
    """Counts over all texts and per kind of text, and everything that went wrong."""

    texts: int
    mentions: int
    decoys: int
    counts: dict[str, Counter[str]]
    failures: tuple[Failure, ...]

    def as_json(self) -> dict[str, Any]:
        """Precision and recall, of all and per kind; the failures as objects."""
        total: Counter[str] = sum(self.counts.values(), Counter())
        return {
            "n": self.texts,
            "mentions": self.mentions,
            "decoys": self.decoys,
            **_figures(total),
            "per_kind": {kind: _figures(count) for kind, count in sorted(self.counts.items())},
            "failures": [
                {name: getattr(failure, name) for name in Failure.__slots__}
                for failure in self.failures
            ],
        }


def parse_marked(marked: str, *, kind: str = "", row: int = 0) -> MarkedText:
    """Take the marks out of a text."""
    text, marks, at = "", [], 0
    for match in _MARK.finditer(marked):
        text += marked[at : match.start()]
        marks.append(Marked(len(text), len(text) + len(match.group(1)), match.group(2)))
        text += match.group(1)
        at = match.end()
    return MarkedText(text + marked[at:], kind, tuple(marks), row)


def read_marked(path: Path, tickers: Iterable[str]) -> list[MarkedText]:
    """Read marked texts. Raises :class:`DataError` naming the row: an empty text, a ticker that is
    none of ``tickers``, a file without texts."""
    known = {*tickers, NO_COMPANY}
    texts = []
    for row, record in read_records(path, ("text",)):
        marked = str(record["text"]).strip()
        if not marked:
            raise DataError(path, row, "'text' is empty")
        parsed = parse_marked(marked, kind=str(record.get("kind") or ""), row=row)
        for mark in parsed.marks:
            if mark.ticker not in known:
                raise DataError(path, row, f"the registry has no ticker {mark.ticker!r}")
        texts.append(parsed)
    if not texts:
        raise DataError(path, None, "has no texts")
    return texts


def evaluate_links(
    texts: Sequence[MarkedText], links: Sequence[Sequence[Mention]], tickers: dict[str, str]
) -> LinkReport:
    """Compare what a linker found in each text; ``tickers`` are the tickers by company id."""
    counts: dict[str, Counter[str]] = {}
    failures: list[Failure] = []
    for text, found in zip(texts, links, strict=True):
        count = counts.setdefault(text.kind, Counter())
        met: set[Marked] = set()
        for link in found:
            ticker = tickers[link.company_id]
            marks = [m for m in text.marks if m.start < link.end and link.start < m.end]
            right = [mark for mark in marks if mark.ticker == ticker]
            met.update(right)
            count["found"] += 1
            count["right"] += bool(right)
            if not right:
                expected = marks[0].ticker if marks else NO_COMPANY
                failures.append(
                    _failure(text, link.text, expected, ticker, round(link.confidence, 2))
                )
        count["expected"] += len(text.companies)
        count["met"] += sum(mark in met for mark in text.companies)
        for mark in text.companies:
            if mark not in met:
                name = text.text[mark.start : mark.end]
                failures.append(_failure(text, name, mark.ticker, NO_COMPANY, None))
    companies = sum(len(text.companies) for text in texts)
    decoys = sum(len(text.marks) for text in texts) - companies
    return LinkReport(len(texts), companies, decoys, counts, tuple(failures))


def _failure(
    text: MarkedText, name: str, expected: str, found: str, confidence: float | None
) -> Failure:
    return Failure(text.row, text.kind, name, expected, found, confidence, text.text)


def _figures(count: Counter[str]) -> dict[str, float | None]:
    """Precision, recall and F1; ``None`` where there was nothing to find or nothing was found."""
    precision = count["right"] / count["found"] if count["found"] else None
    recall = count["met"] / count["expected"] if count["expected"] else None
    f1 = 2 * precision * recall / (precision + recall) if precision and recall else None
    return {
        "precision": None if precision is None else round(precision, 4),
        "recall": None if recall is None else round(recall, 4),
        "f1": None if f1 is None else round(f1, 4),
    }
