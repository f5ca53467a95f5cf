"""Puts a reader's page together: snapshot, taste and rows from their modules, cards for JSON.

``page_inputs`` and ``page_payload`` read the database; ``rows_of`` between them computes only, so
that a socket may run it off the thread that owns the connection.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.recommend import selectors
from apps.recommend.experiments import page_shown
from apps.recommend.feed import Row, build_feed
from apps.recommend.index import Snapshot, snapshot
from apps.recommend.meaning import query_vector
from apps.recommend.models import Reader
from apps.recommend.payloads import feed_payload, result_payload, wish_payload
from apps.recommend.policy import NO_POLICY, Policy
from apps.recommend.policy_source import policy_for
from apps.recommend.scoring import Ranked, rank
from apps.recommend.search import MAX_QUERY, WishWords, search, wish_words
from apps.recommend.taste import Taste, taste_of


@dataclass(frozen=True, slots=True, eq=False)
class PageInputs:
    """What a reader's page is computed from; ``words`` is the wish by its words."""

    snapshot: Snapshot
    taste: Taste
    words: WishWords
    policy: Policy = NO_POLICY


def page_inputs(reader: Reader | None, *, key: uuid.UUID | None = None) -> PageInputs:
    """``key`` is that of a visitor who is no reader yet."""
    catalogue = snapshot()
    taste = taste_of(reader, catalogue)
    return PageInputs(
        catalogue,
        taste,
        wish_words(catalogue, taste.wish_wanted, taste.unwanted_words),
        policy_for(reader.key if reader else key, catalogue),
    )


def ranked_of(inputs: PageInputs) -> Ranked:
    return inputs.policy.applied(plainly_ranked(inputs))


def plainly_ranked(inputs: PageInputs) -> Ranked:
    """The ranking before the policy: what a large catalogue has of interest to it is in there."""
    policy = inputs.policy
    return rank(
        inputs.snapshot,
        inputs.taste,
        words=inputs.words,
        open_of=policy.open_of,
        lifted=policy.lifted(),
    )


def rows_of(inputs: PageInputs) -> list[Row]:
    ranked = plainly_ranked(inputs)
    return build_feed(
        inputs.snapshot,
        inputs.taste,
        ranked,
        familiarity=inputs.taste.familiarity,
        policy=inputs.policy,
    )


def page_payload(reader: Reader | None, inputs: PageInputs, rows: Sequence[Row]) -> dict[str, Any]:
    """The page as JSON: its rows with cards, and what the reader has stated."""
    pks = {inputs.snapshot.entries[pick.position].pk for row in rows for pick in row.picks}
    items = selectors.items_by_pk(pks)
    kept = selectors.kept_kinds(reader, pks)
    _note_experiment(reader, inputs, rows)
    return {
        "sections": feed_payload(rows, inputs.snapshot, items, kept),
        "cold": inputs.taste.is_cold,
        "wish": wish_payload(inputs.taste),
        "familiarity": inputs.taste.familiarity,
        "chosen": sorted(inputs.taste.more_tags),
        "paused": reader is not None and reader.paused,
    }


def _note_experiment(reader: Reader | None, inputs: PageInputs, rows: Sequence[Row]) -> None:
    """Keep what a reader of running experiments is shown first."""
    if reader is None or reader.paused:
        return
    entries = inputs.snapshot.entries
    picks = rows[0].picks if rows else ()
    items = [(entries[pick.position].pk, pick.chance) for pick in picks]
    for experiment_id, arm in inputs.policy.arms:
        page_shown(reader=reader, experiment_id=experiment_id, arm=arm, items=items)


def page_of(reader: Reader | None) -> dict[str, Any]:
    """The whole page of a reader, for callers that may block."""
    inputs = page_inputs(reader)
    return page_payload(reader, inputs, rows_of(inputs))


def search_results(
    reader: Reader | None, query: str, *, key: uuid.UUID | None = None
) -> list[dict[str, Any]]:
    """What a free text finds, best first, without what a rule hides from the reader, or from the
    visitor of this ``key``. Raises ``Problem`` when the encoder is away."""
    query = " ".join(query.replace("\x00", " ").split())[:MAX_QUERY]
    if not query:
        return []
    catalogue = snapshot()
    policy = policy_for(reader.key if reader else key, catalogue)
    wanted = policy.open_of(catalogue.shown)
    found = search(catalogue, query, query_vector(catalogue, query), wanted=wanted)
    pks = [catalogue.entries[result.position].pk for result in found]
    items, kept = selectors.items_by_pk(pks), selectors.kept_kinds(reader, pks)
    return [
        result_payload(items[pk], kept.get(pk, set()), query, result)
        for pk, result in zip(pks, found, strict=True)
        if pk in items
    ]
