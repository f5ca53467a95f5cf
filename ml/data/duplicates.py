"""Texts that are the same, or nearly: repeats in a file and leakage between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ml.data.splits import text_key

Report = Callable[[int, int, str], None]

SIMILAR = 0.8
"""The Jaccard similarity of character shingles from which two texts are near duplicates."""

_SHINGLE = 4
_BANDS, _ROWS = 16, 4  # a pair of similarity 0.8 is found with probability 0.9998
_MAX_CANDIDATES = 50  # of one text: thousands of copies of a template make no more pairs than that
_HASHED_AT_ONCE = 2**16  # their permutations take 16 MB
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 by the golden ratio: mixes all bits upwards


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two texts, by their indices (``first < second``), and their similarity in [0, 1]."""

    first: int
    second: int
    similarity: float


def exact_groups(texts: Sequence[str]) -> list[list[int]]:
    """Indices of texts that are the same up to case, white space, links; groups of two or more."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, text in enumerate(texts):
        groups[text_key(text)].append(index)
    return [group for group in groups.values() if len(group) > 1]


def near_pairs(
    texts: Sequence[str],
    *,
    similar: float = SIMILAR,
    report: Report = lambda done, total, title: None,
) -> list[NearPair]:
    """Pairs of distinct texts whose character shingles overlap by at least ``similar``.

    Candidates are found by locality-sensitive hashing of MinHash signatures (Broder 1997; Leskovec
    et al., Mining of Massive Datasets, chapter 3). Then the sets of shingles, in which neither
    order nor number counts, are compared: those of a text with those of the 50 others at most
    whose signatures agree with its own in most. Of exact repeats the first stands for all. The most
    similar pairs come first.
    """
    # Only here: the package imports scipy's statistics, a second of each start of a process.
    from datasketch import MinHash, MinHashLSH

    first_of: dict[str, int] = {}
    for index, text in enumerate(texts):
        first_of.setdefault(text_key(text), index)
    first_of.pop("", None)
    empty = MinHash(num_perm=_BANDS * _ROWS, seed=1, hashfunc=int)
    index_of_bands = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
    signatures = np.empty((len(first_of), _BANDS * _ROWS), dtype=np.uint32)
    indices = list(first_of.values())
    hashes: list[np.ndarray] = []
    pairs = []
    for place, key in enumerate(first_of):
        mine = _shingles(key)
        signature = empty.copy()
        for start in range(0, len(mine), _HASHED_AT_ONCE):
            signature.update_batch(mine[start : start + _HASHED_AT_ONCE])
        signatures[place] = signature.hashvalues
        others = np.array(sorted(index_of_bands.query(signature)), dtype=np.intp)
        if len(others) > _MAX_CANDIDATES:
            # Long texts of one language share most of their bands, the best is not among the first.
            agreeing = (signatures[others] == signatures[place]).sum(axis=1)
            others = others[np.argsort(-agreeing, kind="stable")[:_MAX_CANDIDATES]]
        for other in others.tolist():
            similarity = _jaccard(mine, hashes[other])
            if similarity >= similar:
                pairs.append(NearPair(indices[other], indices[place], similarity))
        index_of_bands.insert(place, signature, check_duplication=False)
        hashes.append(mine)
        done = place + 1
        if done % 500 == 0 or done == len(first_of):
            report(done, len(first_of), "near duplicates")
    return sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def _shingles(text: str) -> np.ndarray:
    """The distinct shingles of a text as sorted 32-bit hashes; a shorter text is one shingle.

    Of 10,000 shingles two share theirs in one text of 90, which moves no similarity by more than
    a ten-thousandth.
    """
    padded = text.ljust(_SHINGLE).encode("utf-32-le", "surrogatepass")
    characters = np.frombuffer(padded, dtype="<u4")
    count = len(characters) - _SHINGLE + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(_SHINGLE):
        hashes = (hashes ^ characters[offset : offset + count]) * _MULTIPLIER
    return np.unique((hashes >> np.uint64(32)).astype(np.uint32))


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """The similarity of two sets, as sorted arrays of distinct numbers."""
    both = np.concatenate([one, other])
    both.sort(kind="stable")  # merges what is sorted already
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared)
