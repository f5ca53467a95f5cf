"""Free-text search over the catalogue: meaning and words together, from the items' own vectors."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from apps.recommend.graph import graph_of
from apps.recommend.index import Snapshot
from apps.recommend.models import Item
from ml.growing import GrowingArray
from ml.ranking.interactions import item_text
from ml.retrieval.documents import split_body
from ml.retrieval.hybrid import HALF_SATURATION, LEXICAL_WEIGHT
from ml.retrieval.lexical import LexicalIndex

MAX_QUERY = 300
LEAST_COSINE = 0.2
"""What shares no word with the query and is further than this from its meaning is no result."""
LEAST_SHARE = 0.5
"""Results below this share of the best one's score are left out."""
CANDIDATES = 300
"""Of a catalogue with a graph, how many of the nearest and of the best by words are compared."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?", re.UNICODE)
_PASSAGE_WORDS = 45
STOPWORDS = frozenset(STOPWORDS_EN)
_STEM = 4

FOLLOWED_FROM, MOST_CHANGED = 5000, 5000
"""From how many items on changed texts are worked into the index of words, and up to how many; else
it is built anew."""
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Found:
    """A search result: the item's position, its score and how much words and meaning gave."""

    position: int
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a passage; ``matched`` pieces are the words that the query shares."""

    text: str
    matched: bool


@dataclass(frozen=True, slots=True, eq=False)
class WishWords:
    """A wish by its words, arrays of shape (items,): ``wanted`` how much of its wanted part an
    item shares, in [0, 1); ``refused`` whether the item mentions what is unwanted."""

    wanted: NDArray[np.float32]
    refused: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """The words of a catalogue's items at a revision."""

    store: GrowingArray
    revision: int
    index: LexicalIndex


_words: _Words | None = None


def word_scores(snapshot: Snapshot, text: str) -> NDArray[np.float32]:
    """The BM25 scores of the snapshot's items for ``text``, shape (items,)."""
    return lexical_index(snapshot).scores(text)[: len(snapshot)]


def lexical_index(snapshot: Snapshot) -> LexicalIndex:
    """The words of the snapshot's items, or of a newer one's: read from the database once, then
    those of what has changed since."""
    global _words
    held = _words
    if held is None or held.store is not snapshot.store or held.revision < snapshot.revision:
        with _lock:
            _words = held = _read_words(_words, snapshot)
    return held.index


def _read_words(held: _Words | None, snapshot: Snapshot) -> _Words:
    if held is not None and held.store is snapshot.store:
        if held.revision >= snapshot.revision:
            return held
        at = np.flatnonzero(snapshot.changed_at > held.revision).tolist()
        if len(snapshot) >= FOLLOWED_FROM and len(at) + held.index.number_changed <= MOST_CHANGED:
            found = _texts(snapshot, [snapshot.entries[one].pk for one in at])
            index = held.index.changed(at, [found.get(one, "") for one in at])
            return _Words(snapshot.store, snapshot.revision, index)
    found = _texts(snapshot)
    index = LexicalIndex([found.get(at, "") for at in range(len(snapshot))])
    return _Words(snapshot.store, snapshot.revision, index)


def _texts(snapshot: Snapshot, pks: Sequence[int] | None = None) -> dict[int, str]:
    """The texts of the items of these keys (of all, when ``None``) that are not deleted, by
    position."""
    items = Item.objects.filter(deleted_at=None)
    if pks is not None:
        items = items.filter(pk__in=pks)
    rows = items.values_list("id", "title", "text", "tags", "authors")
    return {
        snapshot.positions[pk]: item_text(title, text, [*tags, *authors])
        for pk, title, text, tags, authors in rows.iterator(chunk_size=2000)
        if pk in snapshot.positions
    }


def search(
    snapshot: Snapshot,
    query: str,
    vector: NDArray[np.float32],
    *,
    limit: int = 24,
    wanted: NDArray[np.bool_] | None = None,
) -> list[Found]:
    """The best items for ``query`` and its vector, best first.

    ``wanted``, shape (items,), says which may be found; all that are shown, when it is left out.
    The score blends cosine and BM25 as the language layer's hybrid search does; the item's stored
    vector stands for its text, so that nothing is embedded twice.
    """
    if not len(snapshot):
        return []
    wanted = snapshot.shown if wanted is None else wanted
    raw = word_scores(snapshot, query)
    at = _candidates(snapshot, raw, vector, wanted)
    raw = raw[at]
    lexical = raw / (raw + HALF_SATURATION)
    dense = np.zeros(len(at), dtype=np.float32)
    if snapshot.matrix.shape[1] == vector.shape[-1]:
        every = len(at) == len(snapshot)
        dense = (snapshot.matrix if every else snapshot.matrix[at]) @ vector.ravel()
    scores = (1 - LEXICAL_WEIGHT) * dense + LEXICAL_WEIGHT * lexical
    relevant = wanted[at] & ((raw > 0) | (dense > LEAST_COSINE))
    relevant &= scores >= LEAST_SHARE * scores.max(initial=0.0, where=relevant)
    best = np.argsort(np.where(relevant, -scores, np.inf), kind="stable")[:limit]
    return [
        Found(int(at[one]), float(scores[one]), float(dense[one]), float(lexical[one]))
        for one in best
        if relevant[one]
    ]


def _candidates(
    snapshot: Snapshot,
    raw: NDArray[np.float32],
    vector: NDArray[np.float32],
    wanted: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The positions that may be among the best: all, or where a graph finds what is near in
    meaning, that and the best by words of ``wanted``."""
    graph = graph_of(snapshot) if snapshot.matrix.shape[1] == vector.shape[-1] else None
    if graph is None:
        return np.arange(len(snapshot))
    ((near, _),) = graph.nearest(snapshot, vector, CANDIDATES, wanted)
    by_words = np.argpartition(-np.where(wanted, raw, 0.0), CANDIDATES)[:CANDIDATES]
    return np.union1d(near, by_words)


def wish_words(snapshot: Snapshot, wanted: str, unwanted: tuple[str, ...]) -> WishWords:
    """What a wish says of the items by its words alone."""
    shared = np.zeros(len(snapshot), dtype=np.float32)
    if wanted and len(snapshot):
        raw = word_scores(snapshot, wanted)
        shared = (raw / (raw + HALF_SATURATION)).astype(np.float32)
    return WishWords(shared, mentioning(snapshot, unwanted))


def mentioning(snapshot: Snapshot, phrases: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which items contain all words of one of ``phrases`` in any form, shape (items,)."""
    mentioned = np.zeros(len(snapshot), dtype=bool)
    if not phrases or not len(snapshot):
        return mentioned
    for phrase in phrases:
        masks = [word_scores(snapshot, word) > 0 for word in _WORD.findall(phrase)]
        # A word without a single hit is a stop word or a rare one; it must not save the rest.
        held = [mask for mask in masks if mask.any()]
        if held and len(held) * 2 >= len(masks):
            mentioned |= np.logical_and.reduce(held)
    return mentioned


def best_passage(text: str, query: str) -> list[Fragment]:
    """The sentences of ``text`` that share most words with ``query``, cut at those words."""
    stems = _stems(query)
    pieces = list(split_body(text, max_words=_PASSAGE_WORDS)) or [""]
    best = max(pieces, key=lambda piece: len(stems & _stems(piece)))
    return highlight(best, query)


def highlight(text: str, query: str) -> list[Fragment]:
    """``text`` cut into the words that ``query`` shares (in any form) and what lies between."""
    stems = _stems(query)
    fragments: list[Fragment] = []
    end = 0
    for word in _WORD.finditer(text):
        if _stem(word.group()) in stems:
            if word.start() > end:
                fragments.append(Fragment(text[end : word.start()], matched=False))
            fragments.append(Fragment(word.group(), matched=True))
            end = word.end()
    if end < len(text):
        fragments.append(Fragment(text[end:], matched=False))
    return fragments


def _stems(text: str) -> set[str]:
    words = {word.lower() for word in _WORD.findall(text)} - STOPWORDS
    return {_stem(word) for word in words}


def _stem(word: str) -> str:
    """The part of a word that its forms share, roughly: "ghosts" and "ghostly" meet."""
    word = word.lower()
    for ending in ("ingly", "ings", "ing", "edly", "ed", "ies", "es", "s", "ly", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word.removesuffix(ending)
    return word
