"""Link what a text names to the registry of companies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ml.linking.evidence import WEIGHTS, Context, confidence, context_of, evidence_for
from ml.linking.gazetteer import Company, Gazetteer, NameEntry
from ml.linking.names import tokens_of
from ml.linking.vocabulary import ACRONYMS
from ml.types import Entity

THRESHOLD = 0.5
"""The confidence from which a mention counts."""

_TICKER = r"[A-Za-z]{1,5}(?:[.-][A-Za-z]{1,2})?"
_CASHTAG = re.compile(rf"(?<![\w$])\$({_TICKER})(?![\w$])")
_QUOTED = re.compile(
    rf"\b(?:NYSE(?: American| Arca)?|NASDAQ|AMEX|LSE|TSX|OTC|ASX|SGX|HKEX|NSE|Xetra|Euronext"
    rf"(?: [A-Z][a-z]+)?|Oslo Bors|Borsa Italiana|BME|SIX|TSE)\s*:\s*({_TICKER})\b",
    re.IGNORECASE,
)
_REUTERS = re.compile(rf"[(<\[]({_TICKER})[)>\]]")
_DOUBTS = frozenset({"lower case", "part of a longer name", "another sense"})
_BETWEEN_LISTED = frozenset({",", "and", "&", ", and", "/", "or", "vs", "versus", "than"})
_BEFORE_TICKER = frozenset({"", "inc", "corp", "co", "company", "plc", "ltd", "shares", "stock"})
_BARE = re.compile(r"(?<![\w$.&'-])([A-Z]{3,5})(?![\w&'-])")


@dataclass(frozen=True, slots=True)
class Mention:
    """A company named in a text: ``source[start:end] == text``; ``evidence`` says why."""

    start: int
    end: int
    text: str
    company_id: str
    confidence: float
    evidence: tuple[str, ...]


class Linker:
    """Finds the companies of a :class:`Gazetteer` in texts. Thread-safe, no model of its own."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    def link(
        self,
        text: str,
        entities: Sequence[Entity] | None = None,
        *,
        threshold: float = THRESHOLD,
    ) -> list[Mention]:
        """The mentions in ``text`` with at least ``threshold`` confidence, in order, not
        overlapping.

        ``entities`` are the tagger's for the same text; ``None`` when none looked at it. A name
        that is also a common word counts only with evidence: a corporate suffix, a ticker, the
        tagger, business words near it or another mention of the same company.
        """
        tokens = tokens_of(text)
        context = context_of(text, tokens, entities)
        found = list(self._tickers(context))
        tickers = [mention for mention, _ in found]
        taken = [span for _, span in found]
        names = [
            (mention, entry)
            for mention, entry in self._names(context)
            if not any(mention.start < end and start < mention.end for start, end in taken)
        ]
        mentions = tickers + _supported(context.text, names, tickers, threshold)
        return sorted(
            (mention for mention in mentions if mention.confidence >= threshold),
            key=lambda mention: mention.start,
        )

    def _names(self, context: Context) -> Iterator[tuple[Mention, NameEntry]]:
        position = 0
        while position < len(context.tokens):
            found = next(self._gazetteer.names_at(context.tokens, position), None)
            if found is None:
                position += 1
                continue
            number, entry = found
            yield _mention(context, position, position + number - 1, entry), entry
            position += number

    def _tickers(self, context: Context) -> Iterator[tuple[Mention, tuple[int, int]]]:
        """Tickers, marked as such or bare in capitals where they cannot be a word.

        With each goes the span that nothing else may use, such as that of "(NYSE: X)".
        """
        taken: set[int] = set()
        text = context.text
        for pattern, why, sure in (
            (_CASHTAG, "cashtag", 0.98),
            (_QUOTED, "exchange and ticker", 0.98),
            (_REUTERS, "ticker in brackets", 0.9),
            (_BARE, "ticker", 0.6),
        ):
            if pattern is _BARE and _shouts(text):
                continue
            for match in pattern.finditer(text):
                ticker = match.group(1)
                company = self._gazetteer.by_ticker(ticker)
                if company is None or match.start(1) in taken:
                    continue
                if pattern in (_REUTERS, _BARE) and not self._is_ticker(context, match, company):
                    continue
                taken.add(match.start(1))
                start, end = match.span() if pattern is _CASHTAG else match.span(1)
                mention = Mention(start, end, text[start:end], company.id, sure, (why,))
                yield mention, match.span()

    def _is_ticker(self, context: Context, match: re.Match[str], company: Company) -> bool:
        """Whether unmarked capitals are a ticker: no word of the news, or after its company."""
        ticker = match.group(1)
        if not ticker.isupper():
            return False
        if not self._gazetteer.ticker_is_word(ticker) and ticker not in ACRONYMS:
            return True
        return match.re is _REUTERS and self._ends_with_name(context, match.start(), company)

    def _ends_with_name(self, context: Context, end: int, company: Company) -> bool:
        """Whether the words right before ``end`` name the company."""
        before = [number for number, token in enumerate(context.tokens) if token.end <= end][-6:]
        for first in before:
            for number, entry in self._gazetteer.names_at(context.tokens, first):
                last = context.tokens[first + number - 1]
                gap = context.text[last.end : end].strip(" ,.")
                if entry.company.name == company.name and gap.lower() in _BEFORE_TICKER:
                    return True
        return False


def _mention(context: Context, first: int, last: int, entry: NameEntry) -> Mention:
    pieces = evidence_for(context, first, last, ambiguous=entry.ambiguous)
    start, end = context.tokens[first].start, context.tokens[last].end
    return Mention(
        start,
        end,
        context.text[start:end],
        entry.company.id,
        confidence(pieces, ambiguous=entry.ambiguous),
        (entry.kind, *pieces),
    )


def _shouts(text: str) -> bool:
    return sum(map(str.isupper, text)) > sum(map(str.islower, text))


def _supported(
    text: str, names: Sequence[tuple[Mention, NameEntry]], tickers: Sequence[Mention], least: float
) -> list[Mention]:
    """The mentions of names, doubtful ones stronger by what is sure of the same text.

    The same company surely named elsewhere, its ticker behind the name, or a sure company right
    beside it in a list ("BP, Shell") speak for a common word; nothing does when its letters or its
    neighbours speak for another sense.
    """
    sure = [mention for mention in tickers if mention.confidence >= least]
    sure += [m for m, entry in names if not entry.ambiguous and m.confidence >= least]
    companies = {mention.company_id for mention in sure}
    supported = []
    for mention, entry in names:
        pieces: list[str] = []
        if entry.ambiguous and not _DOUBTS.intersection(mention.evidence):
            if _ticker_follows(text, mention, tickers):
                pieces.append("ticker follows")
            elif mention.company_id in companies:
                pieces.append("named elsewhere")
            elif any(_listed(text, mention, other) for other in sure):
                pieces.append("named beside")
        supported.append(_with(mention, pieces))
    return supported


def _ticker_follows(text: str, mention: Mention, tickers: Sequence[Mention]) -> bool:
    return any(
        ticker.company_id == mention.company_id
        and ticker.start > mention.end
        and text[mention.end : ticker.start].strip(" ,.(").lower() in _BEFORE_TICKER
        for ticker in tickers
    )


def _listed(text: str, one: Mention, other: Mention) -> bool:
    first, last = sorted((one, other), key=lambda mention: mention.start)
    return text[first.end : last.start].strip().lower() in _BETWEEN_LISTED


def _with(mention: Mention, pieces: list[str]) -> Mention:
    if not pieces:
        return mention
    certainty = mention.confidence + sum(WEIGHTS[piece] for piece in pieces)
    return replace(mention, confidence=min(0.99, certainty), evidence=(*mention.evidence, *pieces))
