"""Why an item fits a reader, and which items are like it."""

from __future__ import annotations

from typing import Any

from apps.recommend.graph import nearest
from apps.recommend.index import Snapshot
from apps.recommend.policy import NO_POLICY, Policy
from apps.recommend.scoring import Part, Ranked
from apps.recommend.words import part_words

SIMILAR, PARTS = 8, 5
LEAST_SIMILAR = 0.2
NEGLIGIBLE = 0.005


def similar_items(
    snapshot: Snapshot, position: int, count: int, policy: Policy = NO_POLICY
) -> list[tuple[int, float]]:
    """The shown items whose vectors are nearest, with their cosines, nearest first; what a rule of
    ``policy`` hides is none of them."""
    others = policy.open_of(snapshot.shown).copy()
    others[position] = False
    at, cosines = nearest(snapshot, snapshot.matrix[position], count, others)
    found = zip(at.tolist(), cosines.tolist(), strict=True)
    return [(one, cosine) for one, cosine in found if cosine > LEAST_SIMILAR]


def why(ranked: Ranked, position: int) -> list[dict[str, Any]]:
    """The parts of the item's score that weigh most, for or against it, largest first.

    ``share`` is a part's size in percent of the largest one.
    """
    parts, largest = strongest_parts(ranked, position)
    return [why_line(part, largest, ranked.snapshot) for part in parts]


def strongest_parts(ranked: Ranked, position: int) -> tuple[list[Part], float]:
    """The parts that weigh most, largest first, and the size of the largest one."""
    own = [part for part in ranked.parts(position) if part.reason.position != position]
    strongest = sorted(own, key=lambda part: -abs(part.amount))[:PARTS]
    largest = max((abs(part.amount) for part in strongest), default=0.0)
    return [part for part in strongest if abs(part.amount) > NEGLIGIBLE], largest


def why_line(part: Part, largest: float, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "words": part_words(part.reason, snapshot),
        "share": round(100 * abs(part.amount) / largest),
        "for": part.amount > 0,
    }
