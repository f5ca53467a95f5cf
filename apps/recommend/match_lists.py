"""Lists of items that the team judges, with what one has said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.recommend.explain import similar_items
from apps.recommend.index import Snapshot, snapshot
from apps.recommend.meaning import query_vector
from apps.recommend.search import search
from apps.recommend.services.matches import Asked, matches_said

MOST = 24


@dataclass(frozen=True, slots=True)
class Match:
    """An item beside what it is judged against; ``said`` is empty, ``fits`` or
    ``does_not_fit``."""

    item_id: str
    title: str
    similarity: float | None
    said: str


def match_list(*, actor: Any, against: Asked) -> list[Match]:
    """The items nearest to a query or to an item, as Discover finds them, the best first."""
    catalogue = snapshot()
    found = _found(catalogue, against)
    pks = [catalogue.entries[at].pk for at, _ in found]
    said = matches_said(actor=actor, against=against, item_pks=pks)
    return [
        Match(
            catalogue.entries[at].external_id,
            catalogue.entries[at].title,
            round(similarity, 4),
            said.get(catalogue.entries[at].pk, ""),
        )
        for at, similarity in found
    ]


def _found(catalogue: Snapshot, against: Asked) -> list[tuple[int, float]]:
    if against.of is not None:
        return similar_items(catalogue, catalogue.positions[against.of.pk], MOST)
    vector = query_vector(catalogue, against.query)
    return [
        (one.position, one.dense) for one in search(catalogue, against.query, vector, limit=MOST)
    ]


def judged_of(*, actor: Any, against: Asked, item_ids: Sequence[str]) -> dict[str, str]:
    """What one said of items that a page lists, by their ids; empty for who may not judge."""
    if not actor.has_perm("recommend.judge"):
        return {}
    catalogue = snapshot()
    by_id = {one: catalogue.by_external[one] for one in item_ids if one in catalogue.by_external}
    pks = {one: catalogue.entries[at].pk for one, at in by_id.items()}
    said = matches_said(actor=actor, against=against, item_pks=list(pks.values()))
    return {one: said.get(pk, "") for one, pk in pks.items()}
