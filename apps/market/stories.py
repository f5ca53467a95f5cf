"""Which story an article belongs to: exact repeats, near-duplicates, corrections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from apps.market.corrected import CorrectedFinder
from apps.market.fingerprints import LEAST_AGREEMENT, SIMILAR, Signature, agreement, signature
from apps.market.models import Article, Fingerprint
from apps.market.rows import ArticleRow
from apps.market.text import (
    content_words,
    contradicts,
    correction_kind,
    headline_facts,
    jaccard,
    shingles,
)

WINDOW = timedelta(days=3)
"""How far apart in time two articles may be published and still tell the same story."""

NOVELTY_WINDOW = timedelta(hours=24)
"""How long a telling takes from the novelty of the next one."""

MOST_TELLINGS = 60
"""After so many tellings nothing of a story is new, and they are no longer counted."""

_COMPARED = 20  # candidates that are compared in full
_AT_ONCE = 20_000  # bands that are read for a chunk
_SAME_AT_ONCE = 2000  # articles of the same content
_PER_VALUE = 60  # of each value, where there are more


@dataclass(slots=True)
class Prepared:
    """A row with all that is computed from its words, before any transaction."""

    row: ArticleRow
    content_hash: str
    correction: str
    words: list[str]
    pairs: frozenset[str]
    facts: frozenset[str]
    signature: Signature
    published_at: datetime

    def near(self, moment: datetime) -> bool:
        return abs(self.published_at - moment) <= WINDOW


def prepare(row: ArticleRow, published_at: datetime) -> Prepared:
    """Compute the fingerprints of a row; ``published_at`` is the time that it is stored with."""
    words = content_words(row.title, row.body)
    pairs = shingles(words)
    return Prepared(
        row=row,
        content_hash=row.content_hash,
        correction=correction_kind(row.title),
        words=words,
        pairs=pairs,
        facts=headline_facts(row.title),
        signature=signature(pairs),
        published_at=published_at,
    )


def novelty(tellings: int) -> float:
    """How new an article is after so many tellings of its story within ``NOVELTY_WINDOW``: each
    halves it, from 1."""
    return 0.5**tellings


def _most_alike(found: tuple[int, int]) -> tuple[int, int]:
    agreeing, article_id = found
    return -agreeing, article_id


def _written(moment: datetime) -> str:
    """A time as databases write it, to the second: such texts are in the order of their times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


Print = tuple[int, str, int | None]
"""What shares a band: the article, when it was published (in writing: thousands are read for a
chunk, and making times of them would take longest), and its sketch where it has one."""


@dataclass(slots=True)
class StoryFinder:
    """Finds the story of each article of a chunk, among what is stored and the chunk itself.

    Made inside the transaction that stores the chunk: reads three times, however large the chunk,
    unless thousands of stored articles share text with it (see :func:`read_bounded`).
    """

    by_hash: dict[str, list[Article]] = field(default_factory=dict)
    by_key: dict[int, list[Print]] = field(default_factory=dict)
    articles: dict[int, Article] = field(default_factory=dict)
    pairs: dict[int, frozenset[str]] = field(default_factory=dict)
    corrected: CorrectedFinder = field(default_factory=CorrectedFinder)

    @classmethod
    def among_stored(cls, chunk: Sequence[Prepared]) -> StoryFinder:
        finder = cls()
        if not chunk:
            return finder
        first = min(part.published_at for part in chunk) - WINDOW
        last = max(part.published_at for part in chunk) + WINDOW
        hashes = {part.content_hash for part in chunk}
        told = Article.objects.filter(published_at__range=(first, last))
        same = read_bounded(
            told, "content_hash", hashes, newest="published_at", at_once=_SAME_AT_ONCE
        )
        for article in sorted(same, key=lambda article: article.pk):
            finder.by_hash.setdefault(article.content_hash, []).append(article)
        keys = {key for part in chunk for key in part.signature.keys}
        prints = (
            Fingerprint.objects.filter(at__range=(first, last))
            .annotate(written=Cast("at", TextField()))
            .values_list("key", "article_id", "written", "sketch")
        )
        for key, *found in read_bounded(prints, "key", keys, newest="at", at_once=_AT_ONCE):
            finder.by_key.setdefault(key, []).append(tuple(found))
        compared = {article_id for part in chunk for article_id in finder._candidates(part)}
        finder.articles = Article.objects.in_bulk(compared) if compared else {}
        return finder

    def add(self, article: Article, part: Prepared) -> None:
        """Let the rest of the chunk find ``article``."""
        self.by_hash.setdefault(part.content_hash, []).append(article)
        self.articles[article.pk] = article
        self.pairs[article.pk] = part.pairs
        self.corrected.words[article.pk] = set(part.words)
        found = (article.pk, _written(article.published_at), part.signature.sketch)
        for key in part.signature.keys:
            self.by_key.setdefault(key, []).append(found)

    def find(self, part: Prepared, *, itself: int | None = None) -> Article | None:
        """The stored article whose story ``part`` belongs to, if there is one."""
        for article in self.by_hash.get(part.content_hash, []):
            if article.pk != itself and part.near(article.published_at):
                return article
        found = self._nearest(part, itself)
        if found is None and part.correction:
            found = self.corrected.find(part)
        return found

    def _candidates(self, part: Prepared) -> list[int]:
        """The articles near in time that share a band and whose sketch agrees, the most first."""
        first, last = (_written(part.published_at + span) for span in (-WINDOW, WINDOW))
        near = {
            article_id: sketch
            for key in part.signature.keys
            for article_id, written, sketch in self.by_key.get(key, ())
            if first <= written[: len(first)] <= last
        }
        mine = part.signature.sketch
        agreeing = [
            (64 if sketch is None else agreement(mine, sketch), article_id)
            for article_id, sketch in near.items()
        ]
        alike = [one for one in agreeing if one[0] >= LEAST_AGREEMENT]
        return [article_id for _, article_id in nsmallest(_COMPARED, alike, key=_most_alike)]

    def _nearest(self, part: Prepared, itself: int | None) -> Article | None:
        best, found = SIMILAR, None
        for article_id in self._candidates(part):
            article = self.articles.get(article_id)
            if article is None or article_id == itself:
                continue
            pairs = self._pairs_of(article)
            similarity = jaccard(part.pairs, pairs)
            if similarity < best or (found is not None and similarity == best):
                continue
            if contradicts(part.facts, part.pairs, headline_facts(article.title), pairs):
                continue
            best, found = similarity, article
        return found

    def _pairs_of(self, article: Article) -> frozenset[str]:
        if article.pk not in self.pairs:
            self.pairs[article.pk] = shingles(content_words(article.title, article.body))
        return self.pairs[article.pk]


def read_bounded(
    rows: QuerySet[Any, Any], field: str, values: Collection[Any], *, newest: str, at_once: int
) -> list[Any]:
    """The rows with one of ``values`` in ``field``, in any order.

    Where thousands have (one text sent over and over, filings of one pattern), only the newest of
    each value: that many stories are not compared, and their number must not slow intake down.
    """
    found = list(rows.filter(**{f"{field}__in": values})[: at_once + 1])
    if len(found) <= at_once:
        return found
    return [
        row
        for value in values
        for row in rows.filter(**{field: value}).order_by(f"-{newest}")[:_PER_VALUE]
    ]
