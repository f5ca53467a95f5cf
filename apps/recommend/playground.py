"""What each source would show one reader, the parts of each score, and what the rules did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext_lazy

from apps.recommend.feed import Pick, build_feed
from apps.recommend.index import Snapshot
from apps.recommend.models import Reader
from apps.recommend.page import page_inputs, plainly_ranked
from apps.recommend.policy import NO_POLICY, Policy
from apps.recommend.scoring import Positions, Ranked, Reason, Scores, as_history
from apps.recommend.taste import Taste
from apps.recommend.words import part_words

CANDIDATES, PARTS = 8, 6
SOURCES = {
    "text": gettext_lazy("Texts like one of the history"),
    "mean": gettext_lazy("Texts like the whole history"),
    "tags": gettext_lazy("Tags like the history’s"),
    "likes": gettext_lazy("Liked together (EASE)"),
    "follows": gettext_lazy("What readers went on to"),
    "near": gettext_lazy("Neighbours by readers (ItemKNN)"),
    "factors": gettext_lazy("Matrix factors (iALS)"),
    "next": gettext_lazy("What may come next, by the texts of the latest"),
    "fresh": gettext_lazy("The same, of items without readers"),
    "lent_likes": gettext_lazy("Liked together, lent by like items"),
    "lent_follows": gettext_lazy("What readers went on to, lent by like items"),
    "lent_near": gettext_lazy("Neighbours by readers, lent by like items"),
    "lent_factors": gettext_lazy("Matrix factors, lent by like items"),
    "popularity": gettext_lazy("Popular, as the model has it"),
    "fixed": gettext_lazy("Pushed by what was rejected"),
    "wish": gettext_lazy("The sentence"),
    "unwanted": gettext_lazy("What the sentence refuses"),
    "tag": gettext_lazy("Chosen tags"),
    "author": gettext_lazy("Chosen authors"),
    "popular": gettext_lazy("Popular with readers"),
    "rule": gettext_lazy("Business rules"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that a source puts forward, with what the source adds to its score."""

    item_id: str
    title: str
    amount: float


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    label: str
    candidates: list[Candidate]


@dataclass(frozen=True, slots=True)
class Shown:
    """An item of the first row: ``before`` is its place without rules (``None``: not there)."""

    item_id: str
    title: str
    place: int
    before: int | None
    score: float
    chance: float
    parts: list[tuple[str, float]]
    rules: list[str]
    for_new: bool


@dataclass(frozen=True, slots=True)
class Play:
    """One reader's page taken apart; ``hidden`` are items that rules took off its first row."""

    arm: str
    deeds: int
    eligible: int
    items: int
    sources: list[Source]
    shown: list[Shown]
    hidden: list[tuple[str, list[str]]]


def play(reader: Reader | None) -> Play:
    """Take the page of ``reader`` apart (``None``: somebody new)."""
    inputs = page_inputs(reader)
    snapshot, policy = inputs.snapshot, inputs.policy
    plain = plainly_ranked(inputs)
    ranked = policy.applied(plain)
    after = _first_row_of(snapshot, inputs.taste, plain, policy)
    before = _first_row_of(snapshot, inputs.taste, plain, NO_POLICY)
    places = {pick.position: place for place, pick in enumerate(before, start=1)}
    kept = {pick.position for pick in after}
    return Play(
        arm=", ".join(name for _, name in policy.arms),
        deeds=len(inputs.taste.deeds),
        eligible=int(ranked.eligible.sum()),
        items=len(snapshot),
        sources=_sources(snapshot, ranked),
        shown=[
            _shown(ranked, policy, pick, place, places.get(pick.position))
            for place, pick in enumerate(after, start=1)
        ],
        hidden=[
            (
                snapshot.entries[pick.position].title,
                [rule.name for rule in policy.touching(pick.position)],
            )
            for pick in before
            if pick.position not in kept
        ],
    )


def _first_row_of(
    snapshot: Snapshot, taste: Taste, ranked: Ranked, policy: Policy
) -> Sequence[Pick]:
    rows = build_feed(snapshot, taste, ranked, policy=policy)
    return rows[0].picks if rows else ()


def _sources(snapshot: Snapshot, ranked: Ranked) -> list[Source]:
    given: dict[str, Scores] = {}
    if ranked.history:
        own = ranked.ranker.settings
        given |= ranked.ranker.components(as_history(ranked.history), [(own.fading, own.low)])[0]
    for reason, amounts in ranked.stated:
        given[reason.kind] = given.get(reason.kind, 0) + amounts
    return [
        Source(name, str(SOURCES.get(name, name)), _best(snapshot, ranked, amounts))
        for name, amounts in given.items()
    ]


def _best(snapshot: Snapshot, ranked: Ranked, amounts: Scores) -> list[Candidate]:
    free = np.where(ranked.eligible, np.asarray(amounts, dtype=np.float32), -np.inf)
    top: Positions = np.argsort(-free, kind="stable")[:CANDIDATES]
    return [
        Candidate(snapshot.entries[at].external_id, snapshot.entries[at].title, float(free[at]))
        for at in top
        if np.isfinite(free[at]) and free[at] > 0
    ]


def _shown(ranked: Ranked, policy: Policy, pick: Pick, place: int, before: int | None) -> Shown:
    position = pick.position
    entry = ranked.snapshot.entries[position]
    parts = sorted(ranked.parts(position), key=lambda part: -abs(part.amount))[:PARTS]
    return Shown(
        item_id=entry.external_id,
        title=entry.title,
        place=place,
        before=before,
        score=float(ranked.scores[position]),
        chance=pick.chance,
        for_new=pick.for_new,
        parts=[
            (_words(part.reason, ranked.snapshot), part.amount)
            for part in parts
            if abs(part.amount) >= 0.0005
        ],
        # A cap leaves items out, it moves none: it is named at those.
        rules=[held.name for held in policy.touching(position) if held.action != "cap"],
    )


def _words(reason: Reason, snapshot: Snapshot) -> str:
    """The team reads a rule by its name, where readers are told of the editors."""
    if reason.kind == "rule":
        return f"The rule “{reason.words}”"
    return part_words(reason, snapshot)
