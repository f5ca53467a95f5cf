"""The phrases of an item's text that bear out why it is shown, by leaving each out.

The encoder that serves reads the item's text without each phrase; a phrase matches a reason when
the cosine with what the reason names (a book of the history, the reader's sentence) is lower
without it. The vectors say nothing of the reader and are held for whoever asks next.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from apps.core.errors import Problem
from apps.recommend.explain import strongest_parts, why_line
from apps.recommend.index import Snapshot
from apps.recommend.meaning import encode_for
from apps.recommend.models import Item
from apps.recommend.page import PageInputs, ranked_of
from apps.recommend.scoring import Part
from ml.explain.similarity import Erasure, erase
from ml.ranking.interactions import item_text
from ml.types import FloatArray

SHOWN = 3
LEAST_LOSS, LEAST_SHARE = 0.005, 0.3
"""Phrases that lose less than this of the cosine, or this share of the best one, are not shown."""
HELD = 256

_lock = threading.Lock()
_erasures: OrderedDict[tuple[str, str], Erasure] = OrderedDict()


def why_with_phrases(inputs: PageInputs, item: Item) -> list[dict[str, Any]]:
    """Why the item fits, as :func:`apps.recommend.explain.why`, each reason with its ``phrases``.

    A phrase has its place in the item's text (``start``, ``end``) and what the cosine loses
    without it. Without an encoder the reasons come without phrases.
    """
    ranked = ranked_of(inputs)
    position = inputs.snapshot.positions[item.pk]
    parts, largest = strongest_parts(ranked, position)
    erasure = _erasure_of(item, inputs.snapshot) if parts and item.text else None
    # To be unlike something that was dismissed speaks for an item, but not by what it says.
    meant = {held.position for held in ranked.history if held.strength > 0}
    lines = []
    for part in parts:
        towards = _named_by(part, inputs, meant)
        found = _phrases(erasure, towards) if erasure is not None and towards is not None else []
        lines.append(why_line(part, largest, ranked.snapshot) | {"phrases": found})
    return lines


def _phrases(erasure: Erasure, towards: FloatArray) -> list[dict[str, Any]]:
    found = erasure.strongest(towards, SHOWN, least=LEAST_LOSS, share=LEAST_SHARE)
    return [
        {"text": word.text, "start": word.start, "end": word.end, "loss": round(loss, 4)}
        for word, loss in found
    ]


def _named_by(part: Part, inputs: PageInputs, meant: set[int]) -> FloatArray | None:
    """The vector of what a reason for the item names; ``None`` for a tag, an author, popularity
    and what was not meant well."""
    if part.amount <= 0:
        return None
    if part.reason.kind == "history":
        at = part.reason.position
        return inputs.snapshot.matrix[at] if at is not None and at in meant else None
    return inputs.taste.wanted if part.reason.kind == "wish" else None


def forget_all() -> None:
    """Let go of all that was read."""
    with _lock:
        _erasures.clear()


def _erasure_of(item: Item, catalogue: Snapshot) -> Erasure | None:
    """The item's vectors without each phrase, read once for each text and encoder."""
    key = (item.text_hash, catalogue.encoder)
    with _lock:
        if key in _erasures:
            _erasures.move_to_end(key)
            return _erasures[key]

    def embed(texts: Any) -> list[FloatArray]:
        return [embedding.vector for embedding in encode_for(catalogue, texts)]

    try:
        made = erase(embed, item.text, around=lambda text: item_text(item.title, text, item.tags))
    except Problem:
        return None
    with _lock:
        _erasures[key] = made
        while len(_erasures) > HELD:
            _erasures.popitem(last=False)
    return made
