"""Scores the catalogue for a reader: a sum of parts, each of which can be named and taken away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from apps.recommend.index import Snapshot
from apps.recommend.models import Kind
from apps.recommend.search import WishWords
from apps.recommend.taste import Deed, Taste
from ml.retrieval.hybrid import LEXICAL_WEIGHT

Scores = NDArray[np.float32]
Positions = NDArray[np.int64]

WEIGHTS = {
    Kind.VIEW: 0.15,
    Kind.CLICK: 0.35,
    Kind.LIKE: 1.0,
    Kind.SAVE: 1.0,
    Kind.PURCHASE: 1.2,
    Kind.DISLIKE: -1.0,
    Kind.NOT_INTERESTED: -0.8,
}
HALF_LIFE = timedelta(days=60)
WISH_WEIGHT, UNWANTED_WEIGHT, TAG_WEIGHT, POPULARITY_WEIGHT = 3.0, 2.0, 0.4, 0.15
MMR_TRADE_OFF = 0.85
SEEN = frozenset(Kind.values) - {Kind.VIEW}
"""What a reader has done one of these to is not recommended again."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is shown. ``kind``: ``history`` (``position`` and ``deed`` say which item and
    what was done to it), ``wish``, ``tag``, ``author``, ``popular`` or ``new``; ``words`` names the
    tag, the author or the wanted part of the wish."""

    kind: str
    position: int | None = None
    deed: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """An item of the history with its weight and the deed that weighs most."""

    position: int
    weight: float
    deed: str


@dataclass(frozen=True, slots=True)
class Part:
    """One named part of one item's score."""

    reason: Reason
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The whole catalogue scored for one reader; all arrays have shape (items,).

    ``scores`` is exactly the sum of the history's parts and of ``stated`` (by reason), so the part
    that a reason names is what removing it takes away.
    """

    snapshot: Snapshot
    history: tuple[HistoryItem, ...]
    stated: tuple[tuple[Reason, Scores], ...]
    scores: Scores
    eligible: NDArray[np.bool_]

    def history_parts(self, positions: Positions) -> Scores:
        """What each history item gives to each item, shape (history, positions)."""
        if not self.history:
            return np.zeros((0, len(positions)), dtype=np.float32)
        own = self.snapshot.matrix[[item.position for item in self.history]]
        weights = np.array([item.weight for item in self.history], dtype=np.float32)
        parts: Scores = weights[:, None] * (own @ self.snapshot.matrix[positions].T)
        return parts

    def leading_history(self, positions: Positions) -> Positions:
        """Which history item gives most to each item; -1 where none gives anything."""
        parts = self.history_parts(positions)
        if not len(parts):
            return np.full(len(positions), -1, dtype=np.int64)
        return np.where(parts.max(axis=0) > 0, parts.argmax(axis=0), -1)

    def history_by_weight(self, positions: Positions) -> list[int]:
        """The history items that lead somewhere among ``positions``, the most giving first."""
        parts, leading = self.history_parts(positions), self.leading_history(positions)
        given: dict[int, float] = defaultdict(float)
        for column, lead in enumerate(leading):
            if lead >= 0:
                given[int(lead)] += float(parts[lead, column])
        return sorted(given, key=lambda index: (-given[index], index))

    def parts(self, position: int) -> list[Part]:
        """All parts of one item's score, largest first."""
        place = np.array([position])
        history = self.history_parts(place)[:, 0]
        parts = [
            Part(Reason("history", item.position, item.deed), float(amount))
            for item, amount in zip(self.history, history, strict=True)
        ]
        parts += [Part(reason, float(amounts[position])) for reason, amounts in self.stated]
        return sorted(parts, key=lambda part: -part.amount)

    def reasons(self, positions: Positions) -> list[Reason]:
        """The largest part of each item's score; popularity only when nothing else counts."""
        return [self._reason(int(position)) for position in positions]

    def _reason(self, position: int) -> Reason:
        parts = [part for part in self.parts(position) if part.amount > 0]
        named = [part for part in parts if part.reason.kind != "popular"]
        return (named or parts)[0].reason if parts else Reason("new")

    def diversified(self, pool: Positions, count: int) -> Positions:
        """``count`` of ``pool``, each the best that is not too like those before it (MMR)."""
        if not len(pool):
            return pool
        vectors = self.snapshot.matrix[pool]
        scores = self.scores[pool]
        spread = float(scores.max() - scores.min()) or 1.0
        relevance = (scores - scores.min()) / spread
        nearest = np.zeros(len(pool), dtype=np.float32)
        free = np.ones(len(pool), dtype=bool)
        chosen: list[int] = []
        for _ in range(min(count, len(pool))):
            marginal = MMR_TRADE_OFF * relevance - (1 - MMR_TRADE_OFF) * nearest
            best = int(np.argmax(np.where(free, marginal, -np.inf)))
            chosen.append(best)
            free[best] = False
            nearest = np.maximum(nearest, vectors @ vectors[best])
        return pool[chosen]

    def tag_weights(self, count: int) -> list[tuple[str, float]]:
        """The tags that the reader's history and choices favour, with weights, strongest first."""
        amounts: dict[str, float] = defaultdict(float)
        for item in self.history:
            for tag in self.snapshot.entries[item.position].tags:
                amounts[tag] += item.weight
        for reason, _ in self.stated:
            if reason.kind == "tag":
                amounts[reason.words] += 1.0
        ordered = sorted(amounts, key=lambda tag: (-amounts[tag], tag))
        return [(tag, amounts[tag]) for tag in ordered if amounts[tag] > 0][:count]


def rank(
    snapshot: Snapshot, taste: Taste, now: datetime, *, words: WishWords | None = None
) -> Ranked:
    """Score every item of ``snapshot`` for ``taste``; ``words`` is the wish by its words."""
    history = weighted_history(taste.deeds, now)
    stated = tuple(_stated(snapshot, taste, words))
    scores = np.zeros(len(snapshot), dtype=np.float32)
    if history:
        weights = np.array([item.weight for item in history], dtype=np.float32)
        profile = weights @ snapshot.matrix[[item.position for item in history]]
        scores += snapshot.matrix @ profile
    for _, amounts in stated:
        scores += amounts
    eligible = snapshot.shown & ~_refused(snapshot, taste)
    if words is not None:
        eligible &= ~words.refused
    return Ranked(snapshot, history, stated, scores, eligible)


def weighted_history(deeds: Sequence[Deed], now: datetime) -> tuple[HistoryItem, ...]:
    """One entry for each item: what was done to it, weighted and faded, within [-1.2, 1.2]."""
    totals: dict[int, float] = defaultdict(float)
    strongest: dict[int, tuple[float, str]] = {}
    for deed in deeds:
        weight = deed_weight(deed) * 0.5 ** ((now - deed.at) / HALF_LIFE)
        totals[deed.position] += weight
        if abs(weight) > strongest.get(deed.position, (0.0, ""))[0]:
            strongest[deed.position] = (abs(weight), deed.kind)
    return tuple(
        HistoryItem(position, max(-1.2, min(1.2, total)), strongest[position][1])
        for position, total in totals.items()
        if abs(total) > 1e-4
    )


def deed_weight(deed: Deed) -> float:
    """How much a deed says, from -1 to 1.2; a rating of three of five says nothing."""
    if deed.kind == Kind.RATING:
        return max(-1.0, min(1.0, ((deed.value or 3.0) - 3.0) / 2.0))
    return WEIGHTS[Kind(deed.kind)]


def _stated(
    snapshot: Snapshot, taste: Taste, words: WishWords | None
) -> list[tuple[Reason, Scores]]:
    stated: list[tuple[Reason, Scores]] = []
    if taste.wanted is not None:
        reason = Reason("wish", words=taste.wish_wanted)
        fit = (1 - LEXICAL_WEIGHT) * (snapshot.matrix @ taste.wanted)
        fit += LEXICAL_WEIGHT * words.wanted if words is not None else 0.0
        stated.append((reason, (WISH_WEIGHT * fit).astype(np.float32)))
    if len(taste.unwanted):
        near = np.maximum(snapshot.matrix @ taste.unwanted.T, 0.0).max(axis=1)
        stated.append(
            (Reason("unwanted", words=", ".join(taste.unwanted_words)), -UNWANTED_WEIGHT * near)
        )
    for names, places, kind in (
        (taste.more_tags, snapshot.with_tag, "tag"),
        (taste.more_authors, snapshot.with_author, "author"),
    ):
        for name in sorted(names & places.keys()):
            amounts = np.zeros(len(snapshot), dtype=np.float32)
            amounts[places[name]] = TAG_WEIGHT
            stated.append((Reason(kind, words=name), amounts))
    most = float(snapshot.popularity.max(initial=0.0))
    if most > 0:
        prior = np.log1p(snapshot.popularity) / np.log1p(most)
        stated.append((Reason("popular"), (POPULARITY_WEIGHT * prior).astype(np.float32)))
    return stated


def _refused(snapshot: Snapshot, taste: Taste) -> NDArray[np.bool_]:
    """What was muted, judged or acted upon already."""
    refused = np.zeros(len(snapshot), dtype=bool)
    refused[[deed.position for deed in taste.deeds if deed.kind in SEEN]] = True
    for names, places in (
        (taste.muted_tags, snapshot.with_tag),
        (taste.muted_authors, snapshot.with_author),
    ):
        for name in names & places.keys():
            refused[places[name]] = True
    return refused
