"""What suits a reader as one list of any length, of the whole catalogue or of a part of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.recommend.feed import build_list
from apps.recommend.index import Snapshot
from apps.recommend.models import Reader
from apps.recommend.page import PageInputs, page_inputs, page_payload
from apps.recommend.scoring import Ranked, rank

MOST = 100


def ranked_list(
    reader: Reader | None,
    *,
    count: int,
    tag: str = "",
    author: str = "",
    exclude: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """The ``count`` cards that suit ``reader`` best, the best first, each with its ``score``.

    ``tag`` and ``author`` keep to what has them, ``exclude`` leaves items out by their ids. Rules
    and experiments count as on the page, whose first row this is the longer form of, and it is kept
    for experiments with its chances alike.
    """
    inputs = page_inputs(reader)
    catalogue = inputs.snapshot
    within = _within(catalogue, tag, author, exclude)
    ranked = _ranked(inputs, within)
    rows = build_list(
        catalogue, inputs.taste, ranked, count=count, within=within, policy=inputs.policy
    )
    sections = page_payload(reader, inputs, rows)["sections"]
    scores = inputs.policy.applied(ranked).scores
    cards = sections[0]["items"] if sections else []
    return [card | {"score": float(scores[catalogue.by_external[card["id"]]])} for card in cards]


def _within(
    catalogue: Snapshot, tag: str, author: str, exclude: Iterable[str]
) -> NDArray[np.bool_]:
    within = np.ones(len(catalogue), dtype=bool)
    for name, places in ((tag, catalogue.with_tag), (author, catalogue.with_author)):
        if name:
            held = np.zeros(len(catalogue), dtype=bool)
            held[places.get(name, np.zeros(0, dtype=np.int64))] = True
            within &= held
    known = catalogue.by_external
    within[[known[name] for name in exclude if name in known]] = False
    return within


def _ranked(inputs: PageInputs, within: NDArray[np.bool_]) -> Ranked:
    """Of a large catalogue, of which a shortlist is scored, that of what is asked for."""
    policy = inputs.policy
    return rank(
        inputs.snapshot,
        inputs.taste,
        words=inputs.words,
        open_of=lambda eligible: policy.open_of(eligible) & within,
        lifted=[*policy.lifted(), within],
    )
