"""Texts that are the same, or nearly: repeats in a file and leakage between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ml.data.splits import text_key

Report = Callable[[int, int, str], None]

SIMILAR = 0.8
"""The Jaccard similarity of character shingles from which two texts are near duplicates."""

_SHINGLE = 4
_BANDS, _ROWS = 16, 4  # a pair of similarity 0.8 is found with probability 0.9998
_READ = 2000  # characters of a text that are compared
_MAX_CANDIDATES = 50  # of one text: thousands of copies of a template make no more pairs than that


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

    Candidates by locality-sensitive hashing of MinHash signatures (Broder 1997; Leskovec et al.,
    Mining of Massive Datasets, chapter 3), then compared in full. Of exact repeats the first
    stands for all. The most similar pairs come first.
    """
    # Only here: the package imports scipy's statistics, a second of each start of a process.
    from datasketch import MinHash, MinHashLSH

    first_of: dict[str, int] = {}
    for index, text in enumerate(texts):
        first_of.setdefault(text_key(text), index)
    index_of_bands = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
    shingles: dict[int, frozenset[str]] = {}
    pairs = []
    for done, (key, index) in enumerate(first_of.items(), start=1):
        mine = _shingles(key)
        if not mine:
            continue
        signature = MinHash(num_perm=_BANDS * _ROWS, seed=1)
        signature.update_batch([shingle.encode() for shingle in mine])
        for other in sorted(index_of_bands.query(signature))[:_MAX_CANDIDATES]:
            theirs = shingles[other]
            similarity = len(mine & theirs) / len(mine | theirs)
            if similarity >= similar:
                pairs.append(NearPair(other, index, similarity))
        index_of_bands.insert(index, signature, check_duplication=False)
        shingles[index] = mine
        if done % 500 == 0 or done == len(first_of):
            report(done, len(first_of), "near duplicates")
    return sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def _shingles(key: str) -> frozenset[str]:
    text = key[:_READ]
    if not text:
        return frozenset()
    return frozenset(text[i : i + _SHINGLE] for i in range(max(1, len(text) - _SHINGLE + 1)))
