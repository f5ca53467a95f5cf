"""The registry of companies, ready to be looked up by any of their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from english_words import get_english_words_set

from ml.linking.names import Token, name_keys, short_form, spellings, without_legal_form

NameKind = Literal["name", "alias", "former name", "brand", "short"]


@dataclass(frozen=True, slots=True)
class Company:
    """A listed company. ``id`` is the caller's; ``brands`` are its products and subsidiaries."""

    id: str
    ticker: str
    name: str
    aliases: tuple[str, ...] = ()
    sector: str = ""
    former_names: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameEntry:
    """One way to name a company.

    ``ambiguous`` says that every word of it is a common English word (Target, Harvest), so that
    the name alone proves nothing.
    """

    company: Company
    kind: NameKind
    ambiguous: bool


class Gazetteer:
    """Names and tickers of companies.

    Each company is found by its name, by the name without its legal form, by its aliases and, when
    that leaves no doubt, by a short form. Of companies that share a name the first one given is
    meant (registries list the larger company, or its main share, first). 10,000 companies load in
    well under a second.
    """

    def __init__(self, companies: Iterable[Company]) -> None:
        self._companies = list(companies)
        self._common = get_english_words_set(["web2"])
        self._entries: dict[str, NameEntry] = {}
        self._longest: dict[str, int] = {}
        self._tickers: dict[str, Company] = {}
        for company in self._companies:
            self._tickers.setdefault(company.ticker.upper(), company)
        for kind in get_args(NameKind):
            self._add_all(kind)
        self._common_tickers = {
            ticker for ticker in self._tickers if self._is_common(ticker.lower())
        }
        del self._common  # 235,000 words, needed for the loading only

    def __len__(self) -> int:
        return len(self._companies)

    def by_ticker(self, ticker: str) -> Company | None:
        return self._tickers.get(ticker.upper())

    def ticker_is_word(self, ticker: str) -> bool:
        """Whether a ticker is also a common word, as ALL and NOW are."""
        return ticker.upper() in self._common_tickers

    def names_at(self, tokens: Sequence[Token], start: int) -> Iterator[tuple[int, NameEntry]]:
        """Names that begin at ``tokens[start]``, longest first, each with its number of words."""
        longest = self._longest.get(tokens[start].key, 0)
        keys = []
        for token in tokens[start : start + longest]:
            keys.append(token.key)
            if not token.joined:
                break
        for number in range(len(keys), 0, -1):
            entry = self._entries.get(" ".join(keys[:number]))
            if entry is not None:
                yield number, entry

    def _add_all(self, kind: NameKind) -> None:
        """Add the names of one kind; names of an earlier kind, and doubtful short forms, stay."""
        owners: dict[tuple[str, ...], list[Company]] = {}
        for company in self._companies:
            for keys in _names(company, kind):
                owners.setdefault(keys, []).append(company)
        for keys, companies in owners.items():
            doubtful = kind == "short" and len({company.name for company in companies}) > 1
            phrase = " ".join(keys)
            if doubtful or phrase in self._entries or len(phrase) < 2 or phrase.isdigit():
                continue
            ambiguous = all(self._is_common(key) for key in keys)
            self._entries[phrase] = NameEntry(companies[0], kind, ambiguous)
            self._longest[keys[0]] = max(self._longest.get(keys[0], 0), len(keys))

    def _is_common(self, key: str) -> bool:
        return key in self._common or (key.endswith("s") and key[:-1] in self._common)


def _names(company: Company, kind: NameKind) -> Iterator[tuple[str, ...]]:
    """A company's names of one kind as word keys."""
    given: dict[NameKind, Iterable[str]] = {
        "alias": company.aliases,
        "former name": company.former_names,
        "brand": company.brands,
    }
    for name in given.get(kind, (company.name,)):
        keys = name_keys(name)
        if not keys:
            continue
        plain = without_legal_form(keys)
        if kind == "short":
            short = short_form(plain)
            forms = [short] if short else []
        else:
            forms = [plain, keys]
        for form in forms:
            yield from spellings(form)
