"""Free-text search over the catalogue: meaning and words together, from the items' own vectors."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

import numpy as np
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from apps.recommend.graph import graph_of
from apps.recommend.index import Entry, Snapshot
from apps.recommend.models import Item
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

_lock = threading.Lock()
_words: tuple[tuple[Entry, ...], LexicalIndex] = ((), LexicalIndex([]))


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


def lexical_index(snapshot: Snapshot) -> LexicalIndex:
    """The words of the snapshot's items, read from the database once for these entries."""
    global _words
    if _words[0] is snapshot.entries:
        return _words[1]
    with _lock:
        if _words[0] is not snapshot.entries:
            texts = [""] * len(snapshot)
            rows = Item.objects.filter(deleted_at=None).values_list(
                "id", "title", "text", "tags", "authors"
            )
            for pk, title, text, tags, authors in rows.iterator(chunk_size=2000):
                if (at := snapshot.positions.get(pk)) is not None:
                    texts[at] = item_text(title, text, [*tags, *authors])
            _words = (snapshot.entries, LexicalIndex(texts))
        return _words[1]


def search(
    snapshot: Snapshot, query: str, vector: NDArray[np.float32], *, limit: int = 24
) -> list[Found]:
    """The best items for ``query`` and its vector, best first.

    The score blends cosine and BM25 as the language layer's hybrid search does; the item's stored
    vector stands for its text, so that nothing is embedded twice.
    """
    if not len(snapshot):
        return []
    raw = lexical_index(snapshot).scores(query)
    at = _candidates(snapshot, raw, vector)
    raw, shown = raw[at], snapshot.shown[at]
    lexical = raw / (raw + HALF_SATURATION)
    dense = np.zeros(len(at), dtype=np.float32)
    if snapshot.matrix.shape[1] == vector.shape[-1]:
        every = len(at) == len(snapshot)
        dense = (snapshot.matrix if every else snapshot.matrix[at]) @ vector.ravel()
    scores = (1 - LEXICAL_WEIGHT) * dense + LEXICAL_WEIGHT * lexical
    relevant = shown & ((raw > 0) | (dense > LEAST_COSINE))
    relevant &= scores >= LEAST_SHARE * scores.max(initial=0.0, where=relevant)
    best = np.argsort(np.where(relevant, -scores, np.inf), kind="stable")[:limit]
    return [
        Found(int(at[one]), float(scores[one]), float(dense[one]), float(lexical[one]))
        for one in best
        if relevant[one]
    ]


def _candidates(
    snapshot: Snapshot, raw: NDArray[np.float32], vector: NDArray[np.float32]
) -> NDArray[np.int64]:
    """The positions that may be among the best: all, or where a graph finds what is near in
    meaning, that and the best by words."""
    graph = graph_of(snapshot) if snapshot.matrix.shape[1] == vector.shape[-1] else None
    if graph is None:
        return np.arange(len(snapshot))
    ((near, _),) = graph.nearest(snapshot, vector, CANDIDATES, snapshot.shown)
    by_words = np.argpartition(-np.where(snapshot.shown, raw, 0.0), CANDIDATES)[:CANDIDATES]
    return np.union1d(near, by_words)


def wish_words(snapshot: Snapshot, wanted: str, unwanted: tuple[str, ...]) -> WishWords:
    """What a wish says of the items by its words alone."""
    shared = np.zeros(len(snapshot), dtype=np.float32)
    if wanted and len(snapshot):
        raw = lexical_index(snapshot).scores(wanted)
        shared = (raw / (raw + HALF_SATURATION)).astype(np.float32)
    return WishWords(shared, mentioning(snapshot, unwanted))


def mentioning(snapshot: Snapshot, phrases: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which items contain all words of one of ``phrases`` in any form, shape (items,)."""
    mentioned = np.zeros(len(snapshot), dtype=bool)
    if not phrases or not len(snapshot):
        return mentioned
    index = lexical_index(snapshot)
    for phrase in phrases:
        masks = [index.scores(word) > 0 for word in _WORD.findall(phrase)]
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
