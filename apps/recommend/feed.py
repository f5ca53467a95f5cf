"""Builds a reader's page: labelled rows, each item once, each reason true.

Independent of the database: it works on a catalogue snapshot and a reader's taste.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from apps.recommend.index import Snapshot
from apps.recommend.models import Kind
from apps.recommend.policy import CAPPED_POOL, NO_POLICY, Policy, Ruling, explored
from apps.recommend.scoring import TRADE_OFF, Ranked, Reason
from apps.recommend.taste import Taste
from ml.ranking.fresh import with_fresh

FOR_YOU, ROW, LEAST = 12, 10, 4
"""Items in the first row and in the others, and the fewest that make a row worth its heading."""
POOL = 300
MAX_BECAUSE = 2
MAX_TAG_ROWS = 2
COLD_TAG_ROWS = 4


@dataclass(frozen=True, slots=True)
class Pick:
    """An item of a row, by its position in the snapshot."""

    position: int
    reason: Reason
    chance: float = 1.0
    """With what chance its place shows it; below 1 where an experiment explores."""
    for_new: bool = False
    """Whether the place is one that is kept for items that nobody has touched."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the page. ``kind`` names its template of a heading, ``about`` what it is about."""

    id: str
    kind: str
    picks: tuple[Pick, ...]
    about: Reason | None = None


@dataclass(slots=True)
class _Page:
    """The rows so far and the items that they use."""

    snapshot: Snapshot
    ranked: Ranked
    free: NDArray[np.bool_]
    policy: Policy = NO_POLICY
    rows: list[Row] = field(default_factory=list)

    def add(self, row_id: str, kind: str, picks: Iterable[Pick], about: Reason | None) -> bool:
        """Add a row, unless it would be too short; its items are used up."""
        by_place = {pick.position: pick for pick in picks}
        words = about.words if about else ""
        kept = self.policy.kept(by_place, self.snapshot, about=words)
        chosen = tuple(by_place[position] for position in kept)
        if len(chosen) < LEAST:
            return False
        self.free[[pick.position for pick in chosen]] = False
        self.rows.append(Row(row_id, kind, chosen, about))
        return True

    def best(self, scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """The free items with the highest ``scores``, best first; ``-inf`` excludes an item."""
        candidates = np.flatnonzero(self.free & (scores > -np.inf))
        own = scores[candidates]
        if count < len(candidates):
            top = np.argpartition(-own, count - 1)[:count]
            candidates, own = candidates[top], own[top]
        return candidates[np.lexsort((candidates, -own))][:count]


def build_feed(
    snapshot: Snapshot,
    taste: Taste,
    ranked: Ranked,
    *,
    familiarity: float = 0.0,
    policy: Policy = NO_POLICY,
) -> list[Row]:
    """The rows of the page, in order. A reader of whom nothing is known gets none "for you".

    ``familiarity`` in [-1, 1] leads the first row from the surprising (-1) to the familiar (1);
    :class:`ValueError` beyond. ``policy`` is what the team wants of the page.
    """
    ranked = policy.applied(ranked)
    page = _Page(snapshot, ranked, ranked.eligible.copy(), policy)
    pins = policy.pins(ranked.eligible)
    page.free[list(pins)] = False
    if not taste.is_cold:
        _for_you(page, familiarity)
        _because(page)
    _popular(page)
    if taste.is_cold:
        _tags_to_start_with(page)
    else:
        _tags_of_reader(page)
        _opened(page, taste)
    return _pinned(page.rows, pins)


def _pinned(rows: list[Row], pins: dict[int, Ruling]) -> list[Row]:
    """The rows with the pinned items at their places in the first one."""
    if not rows or not pins:
        return rows
    picks = list(rows[0].picks)
    for position, ruling in pins.items():
        place = min(int(ruling.amount) - 1, len(picks))
        picks.insert(place, Pick(position, Reason("rule", words=ruling.name)))
    return [replace(rows[0], picks=tuple(picks)), *rows[1:]]


def build_list(
    snapshot: Snapshot,
    taste: Taste,
    ranked: Ranked,
    *,
    count: int,
    within: NDArray[np.bool_] | None = None,
    policy: Policy = NO_POLICY,
) -> list[Row]:
    """The reader's first row made as long as ``count`` items, by the same rules; alone in the list,
    which is empty when nothing may be shown.

    ``within``, shape (items,), leaves all others out. A reader of whom nothing is known gets what
    is popular.
    """
    ranked = policy.applied(ranked)
    if within is not None:
        ranked = replace(ranked, eligible=ranked.eligible & within)
    page = _Page(snapshot, ranked, ranked.eligible.copy(), policy)
    pins = policy.pins(ranked.eligible)
    page.free[list(pins)] = False
    picks = tuple(_best_for(page, taste.familiarity, count)) if page.free.any() else ()
    (row,) = _pinned([Row("for-you", "for_you", picks)], pins)
    return [replace(row, picks=row.picks[:count])] if row.picks else []


def _for_you(page: _Page, familiarity: float) -> None:
    page.add("for-you", "for_you", _best_for(page, familiarity, FOR_YOU), None)


def _best_for(page: _Page, familiarity: float, count: int) -> list[Pick]:
    """The ``count`` items that suit the reader best, each with its reason and its chance."""
    pool = page.best(page.ranked.scores, max(POOL, count * CAPPED_POOL))
    policy, arm = page.policy, page.policy.arm
    ordered = page.ranked.diversified(
        pool,
        count * CAPPED_POOL if policy.is_capped else count,
        familiarity=arm.dial(familiarity),
        trade_off=TRADE_OFF if arm.diversity is None else arm.diversity,
    )
    best = policy.kept(ordered, page.snapshot, most=count)
    mixed = _with_new(page, best)
    shown, chances = explored(mixed, pool.tolist(), share=arm.exploration, seed=policy.seed)
    reasons = page.ranked.reasons(np.array(shown, dtype=np.int64))
    new = set(mixed) - set(best)
    return [
        Pick(at, replace(reason, is_new=at in new), chance, at in new)
        for at, reason, chance in zip(shown, reasons, chances, strict=True)
    ]


def _with_new(page: _Page, best: list[int]) -> list[int]:
    """``best`` with a place for what nobody has touched, as ``evaluate_recommender`` measures it.

    What a cap leaves out gets none.
    """
    new = page.free & (page.snapshot.popularity == 0)
    mixed = with_fresh(
        np.array(best, dtype=np.int64),
        page.ranked.vying(new),
        new,
        share=float(new.sum() / max(1, page.free.sum())),
    )
    either = dict.fromkeys([*mixed.tolist(), *best])
    return page.policy.kept(either, page.snapshot, most=len(best))


def _because(page: _Page) -> None:
    """Rows for the history items without which most of what is left would score lower."""
    pool = page.best(page.ranked.scores, POOL)
    effects = page.ranked.effects(pool)
    leading = page.ranked.leading(effects)
    given = [float(effects[index, leading == index].sum()) for index in range(len(effects))]
    for index in np.argsort(-np.array(given), kind="stable"):
        if sum(row.kind == "because" for row in page.rows) == MAX_BECAUSE or given[index] <= 0:
            return
        source = page.ranked.history[index]
        about = Reason("history", source.position, source.deed)
        # Those that it gives most to: its own kin, rather than what is good for other reasons too.
        order = np.argsort(-effects[index], kind="stable")
        ours = [int(pool[place]) for place in order if leading[place] == index]
        picks = [Pick(at, about) for at in ours if page.free[at] and at != source.position][:ROW]
        entry = page.snapshot.entries[source.position]
        page.add(f"because-{entry.external_id}", "because", picks, about)


def _popular(page: _Page) -> None:
    popularity = page.snapshot.popularity
    scores = np.where(popularity > 0, popularity, -np.inf).astype(np.float32)
    reason = Reason("popular")
    picks = [Pick(int(at), reason) for at in page.best(scores, ROW)]
    if not page.add("popular", "popular", picks, reason):
        years = page.snapshot.years.astype(np.float32)
        newest = [Pick(int(at), Reason("new")) for at in page.best(years, ROW)]
        page.add("newest", "newest", newest, None)


def _tags_to_start_with(page: _Page) -> None:
    """For a reader of whom nothing is known: the larger tags, most popular items first."""
    added = 0
    for tag in page.snapshot.top_tags(4 * COLD_TAG_ROWS):
        scores = _within(page, page.snapshot.with_tag[tag], page.snapshot.popularity)
        added += _tag_row(page, "tag", tag, page.best(scores, ROW))
        if added == COLD_TAG_ROWS:
            return


def _tags_of_reader(page: _Page) -> None:
    """The reader's strongest tags: the newest voices of one, the older gems of the next."""
    kinds = ["newer", "older"]
    for tag, _ in page.ranked.tag_weights(8):
        if not kinds or sum(row.kind in ("newer", "older") for row in page.rows) == MAX_TAG_ROWS:
            return
        scores = _within(page, page.snapshot.with_tag[tag], page.ranked.scores)
        liked = page.best(scores, 3 * ROW)
        years = page.snapshot.years[liked]
        order = np.argsort(-years if kinds[0] == "newer" else years, kind="stable")
        if _tag_row(page, kinds[0], tag, liked[order][:ROW]):
            kinds.pop(0)


def _tag_row(page: _Page, kind: str, tag: str, chosen: NDArray[np.int64]) -> bool:
    reason = Reason("tag", words=tag)
    return page.add(f"{kind}-{tag}", kind, [Pick(int(at), reason) for at in chosen], reason)


def _within(
    page: _Page, places: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """``scores`` of the items at ``places``, the others excluded."""
    kept = np.full(len(scores), -np.inf, dtype=np.float32)
    kept[places] = scores[places]
    return kept


def _opened(page: _Page, taste: Taste) -> None:
    """What the reader opened lately and has not judged since."""
    passing = (Kind.CLICK, Kind.VIEW, Kind.DWELL)
    judged = {deed.position for deed in taste.deeds if deed.kind not in passing}
    opened = dict.fromkeys(
        deed.position
        for deed in taste.deeds
        if deed.kind == Kind.CLICK and deed.position not in judged
    )
    picks = [
        Pick(at, Reason("history", at, Kind.CLICK))
        for at in opened
        if page.snapshot.shown[at] and not page.policy.hides(at)
    ]
    if picks:
        page.rows.append(Row("opened", "opened", tuple(picks[:ROW]), None))
