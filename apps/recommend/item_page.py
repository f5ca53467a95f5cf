"""What is shown beside one item: why it fits, items like it, what its readers liked too."""

from __future__ import annotations

from typing import Any

from apps.recommend import selectors
from apps.recommend.explain import SIMILAR, similar_items, why
from apps.recommend.index import Snapshot, snapshot
from apps.recommend.models import Item, Reader
from apps.recommend.page import page_inputs, ranked_of
from apps.recommend.payloads import item_card
from apps.recommend.policy import Policy
from apps.recommend.policy_source import policy_for
from apps.recommend.words import shared_words

ALSO, STARS = 8, 5


def similar_cards(reader: Reader | None, item: Item) -> list[dict[str, Any]]:
    """Cards of the items whose texts are nearest to that of ``item``, without what a rule hides."""
    catalogue = snapshot()
    return _similar(reader, item, catalogue, _policy(reader, catalogue))


def also_cards(reader: Reader | None, item: Item) -> list[dict[str, Any]]:
    """Cards of what readers of ``item`` liked too, most shared readers first, without what a rule
    hides; the reason says how many readers that are."""
    catalogue = snapshot()
    return _also(reader, item, catalogue, _policy(reader, catalogue))


def item_context(reader: Reader | None, item: Item) -> dict[str, Any]:
    """What the item's page shows; nothing stands in two of its rows."""
    inputs = page_inputs(reader)
    rating = selectors.ratings_of(reader, [item.pk]).get(item.pk, 0)
    similar = _similar(reader, item, inputs.snapshot, inputs.policy)
    known = {card["id"] for card in similar}
    also = _also(reader, item, inputs.snapshot, inputs.policy)
    return {
        "item": item,
        "card": item_card(item, kept=selectors.kept_kinds(reader, [item.pk]).get(item.pk)),
        "rating": rating,
        "stars": [(number, number == rating) for number in range(1, STARS + 1)],
        "why": why(ranked_of(inputs), inputs.snapshot.positions[item.pk]),
        "similar": similar,
        "also": [card for card in also if card["id"] not in known],
        "is_shown": item.is_shown,
    }


def _policy(reader: Reader | None, catalogue: Snapshot) -> Policy:
    return policy_for(reader.key if reader else None, catalogue)


def _similar(
    reader: Reader | None, item: Item, catalogue: Snapshot, policy: Policy
) -> list[dict[str, Any]]:
    near = similar_items(catalogue, catalogue.positions[item.pk], SIMILAR, policy)
    pks = [catalogue.entries[at].pk for at, _ in near]
    items, kept = selectors.items_by_pk(pks), selectors.kept_kinds(reader, pks)
    return [item_card(items[pk], kept=kept.get(pk)) for pk in pks if pk in items]


def _also(
    reader: Reader | None, item: Item, catalogue: Snapshot, policy: Policy
) -> list[dict[str, Any]]:
    shared = [
        (pk, readers)
        for pk, readers in selectors.readers_also(item=item)
        if pk in catalogue.positions and not policy.hides(catalogue.positions[pk])
    ][:ALSO]
    pks = [pk for pk, _ in shared]
    items, kept = selectors.items_by_pk(pks), selectors.kept_kinds(reader, pks)
    return [
        item_card(items[pk], kept=kept.get(pk), reason=shared_words(readers))
        for pk, readers in shared
        if pk in items
    ]
