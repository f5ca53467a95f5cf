"""Dense search: unit vectors under string ids, exact while few, approximate when many."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ml.errors import ArtifactError
from ml.runtime import available_cores
from ml.types import FloatArray

EXACT_BELOW = 50_000
"""Vectors up to which search is exact (a flat scan); above, an HNSW graph answers."""

_MAGIC = b"trefoil-vectors-1\n"
_NEIGHBOURS = 32  # M of HNSW (Malkov and Yashunin 2018)
_EF_CONSTRUCTION = 64
_EF_SEARCH = 256
_DEAD_SHARE = 0.2  # of an HNSW graph's vectors may be removed ones before it is rebuilt

Match = tuple[str, float]
IntArray = NDArray[np.int64]


class VectorIndex:
    """Vectors of unit length under ids; the score of a match is the cosine. Thread-safe.

    The graph keeps vectors in half precision, which moves a cosine by less than 0.001 and takes
    half the memory. HNSW cannot forget, so that removed and replaced vectors stay in the graph, are
    passed over, and are gone at the next rebuild.
    """

    def __init__(self, dimensions: int, *, exact_below: int = EXACT_BELOW) -> None:
        self.dimensions = dimensions
        self._exact_below = exact_below
        self._lock = threading.RLock()
        self._reset(exact=True)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    @property
    def names(self) -> list[str]:
        """The names of the vectors, in no order that means anything."""
        return list(self._rows)

    @property
    def dead(self) -> int:
        """How many removed or replaced vectors the graph still holds."""
        return int(self._index.ntotal) - len(self)

    @property
    def exact(self) -> bool:
        """Whether search scans all vectors rather than walking a graph."""
        return self._exact

    def put(self, names: Sequence[str], vectors: FloatArray) -> None:
        """Add vectors, shape (names, dimensions), replacing those whose name is there already.

        Raises ``ValueError`` for another shape, a repeated name or a value that is not finite.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if vectors.shape != (len(names), self.dimensions):
            raise ValueError(
                f"{len(names)} names need vectors of shape ({len(names)}, {self.dimensions}), "
                f"not {vectors.shape}"
            )
        if len(set(names)) != len(names):
            raise ValueError("a name is repeated")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector is not finite")
        with self._lock:
            self.remove(names)
            if self._exact and len(self) + len(names) >= self._exact_below:
                self._rebuild(exact=False)
            self._add(names, vectors)

    def remove(self, names: Iterable[str]) -> int:
        """Remove vectors; unknown names are passed over. Returns how many there were."""
        with self._lock:
            rows = [self._rows.pop(name) for name in dict.fromkeys(names) if name in self._rows]
            for row in rows:
                del self._names[row]
            if not rows:
                return 0
            if self._exact:
                self._index.remove_ids(np.array(rows, dtype=np.int64))
            elif self.dead > _DEAD_SHARE * self._index.ntotal:
                self._rebuild(exact=len(self) < self._exact_below // 2)
            return len(rows)

    def vectors(self, names: Sequence[str]) -> FloatArray:
        """The stored vectors, shape (names, dimensions); raises ``KeyError`` for unknown names."""
        with self._lock:
            rows = np.array([self._rows[name] for name in names], dtype=np.int64)
            if not len(rows):
                return np.empty((0, self.dimensions), dtype=np.float32)
            found: FloatArray = self._index.reconstruct_batch(rows)
            return found

    def search(self, vector: FloatArray, k: int) -> list[Match]:
        """The ``k`` nearest names with their cosines, nearest first (fewer, if there are fewer)."""
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, self.dimensions)
        with self._lock:
            # One thread: a scan takes less than waking others, who would fight with the engine's.
            faiss.omp_set_num_threads(1)
            total, wanted = self._index.ntotal, min(k, len(self))
            asked = wanted
            while wanted > 0:
                scores, rows = self._index.search(query, asked)
                found = [
                    (name, float(score))
                    for row, score in zip(rows[0].tolist(), scores[0].tolist(), strict=True)
                    if (name := self._names.get(row)) is not None
                ]
                if len(found) >= wanted or asked >= total:
                    return found[:wanted]
                asked = min(total, asked * 2)  # removed vectors of a graph were among the nearest
        return []

    def rows_of(self, names: Sequence[str]) -> IntArray:
        """The place of each vector in the index, shape (names,); -1 for unknown names.

        It stays while the index is only searched; removing vectors may move others.
        """
        with self._lock:
            return np.array([self._rows.get(name, -1) for name in names], dtype=np.int64)

    @property
    def places(self) -> int:
        """Above all places of vectors (:meth:`rows_of`), those of removed ones included."""
        return self._next

    def nearest_rows(self, vectors: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """The places of the ``k`` nearest of each of ``vectors``, with their cosines.

        Both have the shape (vectors, k), nearest first; -1 stands where there are no more. Those of
        removed vectors may be among them.
        """
        queries = np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1, self.dimensions)
        with self._lock:
            faiss.omp_set_num_threads(1)
            scores, rows = self._index.search(queries, k)
        return rows, scores

    def linked_rows(self, rows: IntArray) -> IntArray:
        """What the lowest layer of the graph links to the places ``rows``, in no order, the same
        place again and again. None of an index that is searched exactly.
        """
        if self._exact or not len(rows):
            return np.zeros(0, dtype=np.int64)
        with self._lock:
            inner: Any = faiss.downcast_index(self._index.index)
            graph = inner.hnsw
            # Numpy looks at faiss's own memory: a copy of a large graph's links takes longer.
            links = faiss.rev_swig_ptr(graph.neighbors.data(), graph.neighbors.size())
            starts = faiss.rev_swig_ptr(graph.offsets.data(), graph.offsets.size())
            own = starts[rows].astype(np.int64)[:, None] + np.arange(graph.nb_neighbors(0))
            found = links[own].ravel()
        return found[found >= 0].astype(np.int64)

    def save(self, path: Path) -> None:
        """Write to ``path``, which holds either the former content or the new one, whole."""
        with self._lock:
            graph = faiss.serialize_index(self._index)
            head = {
                "dimensions": self.dimensions,
                "exact": self._exact,
                "rows": self._rows,
                "next": self._next,
            }
            declared = json.dumps(head, ensure_ascii=False).encode()
        # Piece by piece: what a large graph takes is not taken once more to write it.
        pieces = (len(declared).to_bytes(8, "little"), declared, graph.data)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + _digest(*pieces))
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, *, exact_below: int = EXACT_BELOW) -> VectorIndex:
        """Read what :meth:`save` wrote; raises :class:`ArtifactError` unless it is all there."""
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ArtifactError(path, f"cannot be read ({error.strerror})") from error
        if not raw.startswith(_MAGIC):
            raise ArtifactError(path, "is not a vector index")
        start = len(_MAGIC) + hashlib.sha256().digest_size
        content = memoryview(raw)[start:]
        if _digest(content) != raw[len(_MAGIC) : start]:
            raise ArtifactError(path, "is cut off or was altered: its checksum is wrong")
        length = 8 + int.from_bytes(content[:8], "little")
        head = json.loads(bytes(content[8:length]))
        index = cls(head["dimensions"], exact_below=exact_below)
        index._exact = head["exact"]
        index._rows = head["rows"]
        index._names = {row: name for name, row in index._rows.items()}
        index._index = faiss.deserialize_index(np.frombuffer(content[length:], dtype=np.uint8))
        index._next = head["next"]
        return index

    def _reset(self, *, exact: bool) -> None:
        self._exact = exact
        self._rows: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._next = 0
        inner: Any  # faiss's own types are incomplete
        if exact:
            inner = faiss.IndexFlatIP(self.dimensions)
        else:
            half: Any = faiss.ScalarQuantizer.QT_fp16
            inner = faiss.IndexHNSWSQ(
                self.dimensions, half, _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT
            )
            inner.hnsw.efConstruction = _EF_CONSTRUCTION
            inner.hnsw.efSearch = _EF_SEARCH
        self._index: Any = faiss.IndexIDMap2(inner)

    def _add(self, names: Sequence[str], vectors: FloatArray) -> None:
        rows = range(self._next, self._next + len(names))
        faiss.omp_set_num_threads(1 if self._exact else available_cores())
        self._index.add_with_ids(vectors, np.array(rows, dtype=np.int64))
        self._next += len(names)
        self._rows.update(zip(names, rows, strict=True))
        self._names.update(zip(rows, names, strict=True))

    def _rebuild(self, *, exact: bool) -> None:
        names = list(self._rows)
        vectors = self.vectors(names)
        self._reset(exact=exact)
        self._add(names, vectors)


def _digest(*pieces: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()
