"""MinHash fingerprints, so that a near-duplicate is found among any number of articles.

Broder, "On the resemblance and containment of documents", 1997. The signature is cut into bands
(locality-sensitive hashing); two articles that share a band are compared in full. With 16 bands
of 4 rows a pair of Jaccard similarity 0.75 is found with probability 0.998, one of 0.6 with 0.89.
"""

from __future__ import annotations

import hashlib

BANDS, ROWS = 16, 4
SIMILAR = 0.6
"""The Jaccard similarity of word pairs from which two articles tell the same story."""


def band_keys(pairs: frozenset[str]) -> list[int]:
    """One signed 64-bit key per band of the MinHash of ``pairs``; none for an empty text."""
    if not pairs:
        return []
    # Only here: the package brings scipy's optimiser along, 38 MB that a process which takes no
    # articles in does without.
    from datasketch import MinHash

    signature = MinHash(num_perm=BANDS * ROWS, seed=1)
    signature.update_batch([pair.encode() for pair in pairs])
    keys = []
    for band in range(BANDS):
        rows = signature.hashvalues[band * ROWS : (band + 1) * ROWS]
        digest = hashlib.blake2b(bytes([band]) + rows.tobytes(), digest_size=8).digest()
        keys.append(int.from_bytes(digest, "big", signed=True))
    return keys
