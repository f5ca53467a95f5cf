"""Link what a text names to the registry of companies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ml.linking.evidence import WEIGHTS, Context, confidence, context_of, evidence_for
from ml.linking.gazetteer import Company, Gazetteer, NameEntry
from ml.linking.names import tokens_of
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
        found = list(self._tickers(text))
        tickers = [mention for mention, _ in found]
        taken = [span for _, span in found]
        names = [
            (mention, entry)
            for mention, entry in self._names(context)
            if not any(mention.start < end and start < mention.end for start, end in taken)
        ]
        sure = {mention.company_id for mention in tickers if mention.confidence >= threshold}
        sure.update(
            m.company_id for m, entry in names if not entry.ambiguous and m.confidence >= threshold
        )
        mentions = tickers + [_supported(mention, entry, sure) for mention, entry in names]
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

    def _tickers(self, text: str) -> Iterator[tuple[Mention, tuple[int, int]]]:
        """Tickers, marked as such or bare in capitals where they cannot be a word.

        With each goes the span that nothing else may use, such as that of "(NYSE: X)".
        """
        taken: set[int] = set()
        for pattern, why, sure in (
            (_CASHTAG, "cashtag", 0.98),
            (_QUOTED, "exchange and ticker", 0.98),
            (_REUTERS, "ticker in brackets", 0.9),
            (_BARE, "ticker", 0.6),
        ):
            if pattern is _BARE and sum(map(str.isupper, text)) > sum(map(str.islower, text)):
                continue
            for match in pattern.finditer(text):
                ticker = match.group(1)
                company = self._company_of(ticker, marked=pattern in (_CASHTAG, _QUOTED))
                if company is None or match.start(1) in taken:
                    continue
                taken.add(match.start(1))
                start, end = match.span() if pattern is _CASHTAG else match.span(1)
                mention = Mention(start, end, text[start:end], company.id, sure, (why,))
                yield mention, match.span()

    def _company_of(self, ticker: str, *, marked: bool) -> Company | None:
        if not marked and (not ticker.isupper() or self._gazetteer.ticker_is_word(ticker)):
            return None
        return self._gazetteer.by_ticker(ticker)


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


def _supported(mention: Mention, entry: NameEntry, sure: set[str]) -> Mention:
    """The mention, stronger when the same company is surely named elsewhere in the text."""
    doubted = "lower case" in mention.evidence or "part of a longer name" in mention.evidence
    if not entry.ambiguous or doubted or mention.company_id not in sure:
        return mention
    return Mention(
        mention.start,
        mention.end,
        mention.text,
        mention.company_id,
        min(0.99, mention.confidence + WEIGHTS["named elsewhere"]),
        (*mention.evidence, "named elsewhere"),
    )
