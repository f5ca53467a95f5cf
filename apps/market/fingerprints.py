"""MinHash fingerprints, so that a near-duplicate is found among any number of articles.

Broder, "On the resemblance and containment of documents", 1997. The signature is cut into bands
(locality-sensitive hashing); two articles that share a band are candidates. With 16 bands of 4 rows
a pair of Jaccard similarity 0.75 is found with probability 0.998, one of 0.6 with 0.89.

Among 100,000 articles many share one band by chance. One bit of each row is kept as a sketch of 64
bits beside the bands (b-bit minwise hashing; Li and Koenig, 2010): two texts of similarity J agree
in ``64 * (1 + J) / 2`` bits on average, so that most candidates are told apart without being read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

BANDS, ROWS = 16, 4
SIMILAR = 0.6
"""The Jaccard similarity of word pairs from which two articles tell the same story."""

LEAST_AGREEMENT = 42
"""Equal bits of two sketches below which texts that share a band are not alike.

Of pairs of similarity 0.6 one in 2,000 has fewer (52 are expected, the shared band's four included,
with a deviation of 3.1), of pairs of 0.1 seven in eight have.
"""

_BIT = 8  # low enough to be as good as random, high enough to be mixed by the permutation


@dataclass(frozen=True, slots=True)
class Signature:
    """A signed 64-bit key per band, and the sketch, signed as well; no key for an empty text."""

    keys: tuple[int, ...] = ()
    sketch: int = 0


@cache
def _hashing() -> Any:
    """The empty MinHash that all begin with: drawing its permutations costs most of making one."""
    # Only here: the package brings scipy's optimiser along, 38 MB that a process which takes no
    # articles in does without.
    from datasketch import MinHash

    return MinHash(num_perm=BANDS * ROWS, seed=1)


def signature(pairs: frozenset[str]) -> Signature:
    """The bands and the sketch of the MinHash of ``pairs``."""
    if not pairs:
        return Signature()
    hashing = _hashing().copy()
    hashing.update_batch([pair.encode() for pair in pairs])
    values = hashing.hashvalues
    keys = []
    for band in range(BANDS):
        rows = values[band * ROWS : (band + 1) * ROWS]
        digest = hashlib.blake2b(bytes([band]) + rows.tobytes(), digest_size=8).digest()
        keys.append(int.from_bytes(digest, "big", signed=True))
    bits = np.packbits(((values >> _BIT) & 1).astype(np.uint8))
    return Signature(tuple(keys), int.from_bytes(bits.tobytes(), "big", signed=True))


def agreement(one: int, other: int) -> int:
    """In how many of their 64 bits two sketches agree."""
    return 64 - ((one ^ other) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()
