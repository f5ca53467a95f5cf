"""Scores the catalogue for a reader: the language layer's ranker, and what the reader stated.

A score is a sum: a part for each thing in the history (:mod:`ml.ranking.taste`), and one for each
thing that the reader said or chose. So every part can be named, shown and taken away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.recommend.candidates import (
    MOST_STATED,
    as_scores,
    climbed,
    cosines_with,
    near_likes,
    popular,
    share_of_best,
)
from apps.recommend.index import Snapshot
from apps.recommend.models import Kind
from apps.recommend.rankers import ranker_of
from apps.recommend.search import WishWords
from apps.recommend.taste import Deed, Taste
from apps.recommend.weights import strength_of
from ml.ranking.familiarity import dialled, nearness
from ml.ranking.history import History
from ml.ranking.selection import diversified
from ml.ranking.taste import Ranker
from ml.retrieval.hybrid import LEXICAL_WEIGHT

Scores = NDArray[np.float32]
Positions = NDArray[np.int64]

MAX_HISTORY, LEAST_HISTORY, HISTORY_CELLS = 400, 40, 1_000_000
"""The newest items of a history that count: as many as leave history times catalogue within so many
cells, which is what a score costs."""
WISH_WEIGHT, UNWANTED_WEIGHT, CHOSEN_WEIGHT = 0.15, 0.1, 0.03
"""In the ranker's unit: an item much like a saved one gains about 0.02 to 0.08 from it."""
SEEN = frozenset(Kind.values) - {Kind.VIEW}
"""What a reader has done one of these to is not recommended again."""
_PASSING = frozenset({Kind.VIEW, Kind.CLICK, Kind.DWELL})
_MOST_PASSING = 0.7
TRADE_OFF = 0.85
"""How much a good score counts beside being unlike what is shown already."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is shown. ``kind``: ``history`` (``position`` and ``deed`` say which item and
    what was done to it), ``again`` (that very item was looked at), ``wish``, ``unwanted``, ``tag``,
    ``author``, ``popular``, ``rule`` or ``new``; ``words`` names the tag, the author or the part of
    the wish. ``is_new``: it has a place that is kept for items that nobody has touched."""

    kind: str
    position: int | None = None
    deed: str = ""
    words: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """An item of the history with what it says about taste and the deed that says it."""

    position: int
    strength: float
    deed: str


@dataclass(frozen=True, slots=True)
class Part:
    """One named part of one item's score."""

    reason: Reason
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The whole catalogue scored for one reader; all arrays have shape (items,).

    ``scores`` is the sum of the history's parts and of ``stated``, by reason.
    """

    snapshot: Snapshot
    ranker: Ranker
    history: tuple[HistoryItem, ...]
    stated: tuple[tuple[Reason, Scores], ...]
    scores: Scores
    eligible: NDArray[np.bool_]

    def vying(self, new: NDArray[np.bool_]) -> Scores:
        """By what ``new`` items vie for the places that are kept for them, shape (items,)."""
        return self.ranker.vying(as_history(self.history), self.scores, new)

    def effects(self, positions: Positions) -> Scores:
        """What removing each history item would take from each item, shape (history, positions)."""
        if not self.history:
            return np.zeros((0, len(positions)), dtype=np.float32)
        return self.ranker.removal_effects(as_history(self.history), positions)

    def leading(self, effects: Scores) -> Positions:
        """For each column of ``effects`` the history item that may be named as its reason, or -1.

        It is the one whose removal would lower the score most, provided that the reader meant it
        well: to have dismissed something is no reason to show another thing.
        """
        if not self.history:
            return np.full(effects.shape[1], -1, dtype=np.int64)
        meant = np.array([item.strength > 0 for item in self.history])
        first = effects.argmax(axis=0)
        return np.where((effects.max(axis=0) > 0) & meant[first], first, -1)

    def parts(self, position: int) -> list[Part]:
        """All parts of one item's score, largest first; their sum is the score."""
        given = self.ranker.contributions(as_history(self.history), np.array([position]))
        parts = [
            Part(Reason("history", item.position, item.deed), float(amount))
            for item, amount in zip(self.history, given[:, 0], strict=True)
        ]
        parts += [Part(reason, float(amounts[position])) for reason, amounts in self.stated]
        return sorted(parts, key=lambda part: -part.amount)

    def reasons(self, positions: Positions) -> list[Reason]:
        """Why each item is where it is: what would lower its score most if it were taken away.

        Popularity is named only when nothing of the reader's own counts.
        """
        effects = self.effects(positions)
        return [
            self._reason(int(position), int(lead), effects[:, column])
            for column, (position, lead) in enumerate(
                zip(positions, self.leading(effects), strict=True)
            )
        ]

    def _reason(self, position: int, lead: int, effects: Scores) -> Reason:
        parts = [Part(reason, float(amounts[position])) for reason, amounts in self.stated]
        if lead >= 0:
            item = self.history[lead]
            reason = Reason("history", item.position, item.deed)
            if item.position == position:
                reason = Reason("again", deed=item.deed)
            parts.append(Part(reason, float(effects[lead])))
        speaking = [part for part in parts if part.amount > 0]
        own = [part for part in speaking if part.reason.kind != "popular"]
        return max(own or speaking, key=lambda part: part.amount).reason if speaking else NEW

    def diversified(
        self,
        pool: Positions,
        count: int,
        *,
        familiarity: float = 0.0,
        trade_off: float = TRADE_OFF,
    ) -> Positions:
        """``count`` of ``pool``, each good and unlike those before it.

        ``familiarity`` from -1 (surprising) to 1 (familiar) is the reader's dial: it moves the
        order, not the scores, so that reasons stay true.
        """
        scores = self.scores
        if familiarity:
            near = nearness(self.ranker.vectors, as_history(self.history), pool)
            scores = scores.copy()
            scores[pool] = dialled(scores[pool], near, familiarity)
        return diversified(pool, scores, self.ranker.vectors, count, trade_off=trade_off)

    def tag_weights(self, count: int) -> list[tuple[str, float]]:
        """The tags that the reader's history and choices favour, with weights, strongest first."""
        amounts: dict[str, float] = defaultdict(float)
        for item in self.history:
            for tag in self.snapshot.entries[item.position].tags:
                amounts[tag] += item.strength
        for reason, _ in self.stated:
            if reason.kind == "tag":
                amounts[reason.words] += 1.0
        ordered = sorted(amounts, key=lambda tag: (-amounts[tag], tag))
        return [(tag, amounts[tag]) for tag in ordered if amounts[tag] > 0][:count]


NEW = Reason("new")


def rank(
    snapshot: Snapshot,
    taste: Taste,
    *,
    words: WishWords | None = None,
    open_of: Callable[[NDArray[np.bool_]], NDArray[np.bool_]] | None = None,
    lifted: Sequence[NDArray[np.bool_]] = (),
) -> Ranked:
    """Score every item of ``snapshot`` for ``taste``; ``words`` is the wish by its words.

    In a large catalogue only what may be among the best is scored. What ``open_of`` leaves out of
    the eligible items is not, and the best of each group of ``lifted`` is: what the team hides
    takes nobody's place, and what it moves up is there to be moved.
    """
    ranker = ranker_of(snapshot)
    longest = HISTORY_CELLS // max(1, len(snapshot))
    history = history_of(taste.deeds)[-min(MAX_HISTORY, max(LEAST_HISTORY, longest)) :]
    stated = tuple(_stated(snapshot, ranker, taste, words))
    eligible = snapshot.shown & ~_refused(snapshot, taste)
    if words is not None:
        eligible &= ~words.refused
    wanted = eligible if open_of is None else open_of(eligible)
    scores = _scores(snapshot, ranker, as_history(history), stated, wanted, lifted)
    return Ranked(snapshot, ranker, history, stated, scores, eligible)


def _scores(
    snapshot: Snapshot,
    ranker: Ranker,
    history: History,
    stated: Sequence[tuple[Reason, Scores]],
    wanted: NDArray[np.bool_],
    lifted: Sequence[NDArray[np.bool_]],
) -> Scores:
    """What the history and the reader's words say of each item.

    ``-inf`` for those of a large catalogue that neither they nor a rule brings near.
    """
    groups = [amounts > 0 for reason, amounts in stated if reason.kind in ("tag", "author")]
    chosen = ranker.worth_scoring(
        history,
        wanted=wanted,
        groups=[*groups, *lifted],
        near=near_likes(snapshot, history, wanted),
    )

    def score(items: Positions | None) -> Scores:
        found = ranker.scores(history) if items is None else ranker.scores_of(history, items)
        for _, amounts in stated:
            found = found + (amounts if items is None else amounts[items])
        return found

    if chosen is None:
        return score(None)
    found = [chosen, popular(snapshot).leading]
    for reason, amounts in stated:
        if reason.kind in ("wish", "unwanted"):
            found.append(np.argpartition(-amounts, MOST_STATED)[:MOST_STATED])
    chosen = np.unique(np.concatenate(found))
    scores = np.full(len(ranker), -np.inf, dtype=np.float32)
    scores[chosen] = score(chosen)
    climbed(snapshot, scores, chosen, wanted, score)
    return scores


def history_of(deeds: Sequence[Deed]) -> tuple[HistoryItem, ...]:
    """One entry for each item, oldest first, from deeds in any order.

    The latest opinion (saved, liked, rated, dismissed, ...) says what the item means; where there
    is none, opening it again and again says more and more, up to a limit.
    """
    by_item: dict[int, list[Deed]] = defaultdict(list)
    for deed in sorted(deeds, key=lambda deed: deed.at):
        by_item[deed.position].append(deed)
    items = [_history_item(position, done) for position, done in by_item.items()]
    items.sort(key=lambda item: by_item[item.position][-1].at)
    return tuple(item for item in items if item.strength)


def _history_item(position: int, done: Sequence[Deed]) -> HistoryItem:
    opinions = [deed for deed in done if deed.kind not in _PASSING]
    if opinions:
        last = opinions[-1]
        return HistoryItem(position, strength_of(last.kind, last.value), last.kind)
    total = sum(strength_of(deed.kind, deed.value) for deed in done)
    opened = any(deed.kind == Kind.CLICK for deed in done)
    return HistoryItem(position, min(total, _MOST_PASSING), Kind.CLICK if opened else Kind.VIEW)


def as_history(items: Sequence[HistoryItem]) -> History:
    """The history as the ranker takes it."""
    return History(
        np.array([item.position for item in items], dtype=np.int64),
        np.array([item.strength for item in items], dtype=np.float32),
    )


def _stated(
    snapshot: Snapshot, ranker: Ranker, taste: Taste, words: WishWords | None
) -> list[tuple[Reason, Scores]]:
    stated: list[tuple[Reason, Scores]] = []
    if taste.wanted is not None:
        cosines = cosines_with(snapshot, ranker.vectors, taste.wanted)
        fit = (1 - LEXICAL_WEIGHT) * share_of_best(cosines) ** 2
        fit += LEXICAL_WEIGHT * share_of_best(words.wanted) if words is not None else 0.0
        stated.append((Reason("wish", words=taste.wish_wanted), as_scores(WISH_WEIGHT * fit)))
    if len(taste.unwanted):
        alike = [cosines_with(snapshot, ranker.vectors, vector) for vector in taste.unwanted]
        near = share_of_best(np.max(alike, axis=0)) ** 2
        reason = Reason("unwanted", words=", ".join(taste.unwanted_words))
        stated.append((reason, as_scores(-UNWANTED_WEIGHT * near)))
    for names, places, kind in (
        (taste.more_tags, snapshot.with_tag, "tag"),
        (taste.more_authors, snapshot.with_author, "author"),
    ):
        for name in sorted(names.keys() & places.keys()):
            amounts = np.zeros(len(snapshot), dtype=np.float32)
            amounts[places[name]] = CHOSEN_WEIGHT * (1 + names[name]) / 2
            stated.append((Reason(kind, words=name), amounts))
    stated.append((Reason("popular"), popular(snapshot).amounts))
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
