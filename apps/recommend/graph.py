"""The graph of nearest items of a large catalogue, as far as the catalogue bears it out.

Exact search multiplies a vector with every item's. From :data:`FROM` items on a worker builds a
graph (:mod:`apps.recommend.graph_build`), and every server process reads it in the background. A
vector of the graph is believed only where it is the catalogue's, which is looked at when the file
is read and, of the items changed since, with each newer snapshot. So what was deleted or has
another text is passed over, what is new or changed is searched exactly beside the graph, and a file
of another catalogue or encoder cannot mislead. While there is none to go by, search is exact.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import structlog
from django.conf import settings
from numpy.typing import NDArray

from apps.recommend.index import Snapshot, snapshot
from ml.errors import ArtifactError
from ml.retrieval.dense import VectorIndex
from ml.types import FloatArray

logger = structlog.get_logger(__name__)

FROM = 150_000
"""Items from which on a graph is built; up to there exact search takes no longer."""
MOST_BESIDE = 0.1
"""The share of the items that may be searched exactly beside a graph; above, all are."""
_FEW = 0.1  # of the items: so few are sooner searched exactly than found among all
_SAME = 1e-3  # half precision moves a value of a unit vector by less
_BLOCK = 4096

Positions = NDArray[np.int64]
_Mark = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class About:
    """What the note beside the file says of it: the catalogue's revision and the encoder that it
    was built from, how many vectors it holds, and its bytes."""

    revision: int
    encoder: str
    items: int
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The graph beside a snapshot of the catalogue.

    ``believed``, shape (items,): whose vector in the graph is the catalogue's; ``beside``: the
    positions of the other shown items, and their ``vectors``, shape (beside, dimensions).
    ``rows``, shape (items,), is the place of each item in the graph, and ``positions``, shape
    (places,), the item of each place; -1 stands for none.
    """

    index: VectorIndex
    about: About
    mark: _Mark
    revision: int
    believed: NDArray[np.bool_]
    beside: Positions
    vectors: FloatArray
    rows: Positions
    positions: Positions

    @property
    def usable(self) -> bool:
        """Whether it holds enough of the catalogue to be worth asking."""
        return len(self.beside) <= MOST_BESIDE * len(self.believed)

    def tombstones(self, catalogue: Snapshot) -> int:
        """How many of its vectors are passed over: gone, changed or not shown."""
        return len(self.index) + self.index.dead - int((self.believed & catalogue.shown).sum())

    def nearest(
        self, catalogue: Snapshot, vectors: FloatArray, count: int, wanted: NDArray[np.bool_]
    ) -> list[tuple[Positions, FloatArray]]:
        """For each of ``vectors``, shape (vectors, dimensions), the ``count`` items of ``wanted``,
        shape (items,), that are nearest, with their cosines, nearest first."""
        queries = np.atleast_2d(vectors).astype(np.float32)
        if wanted.sum() < _FEW * len(wanted):
            few = np.flatnonzero(wanted)
            cosines = queries @ catalogue.matrix[few].T
            return [_best(few, own, count) for own in cosines]
        free = wanted[self.beside]
        beside, near = self.beside[free], (queries @ self.vectors.T)[:, free]
        found = []
        for query, at, own in zip(queries, self._walked(queries, count, wanted), near, strict=True):
            cosines = np.concatenate([catalogue.matrix[at] @ query, own])
            found.append(_best(np.concatenate([at, beside]), cosines, count))
        return found

    def linked(self, positions: Positions) -> Positions:
        """The believed items that the graph links to those at ``positions``, in no order, the same
        again and again."""
        rows = self.rows[positions]
        found = self.positions[self.index.linked_rows(rows[rows >= 0])]
        return found[self._open(found)]

    def _open(
        self, positions: Positions, wanted: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Which of ``positions``, -1 for none, are believed and ``wanted``."""
        good = (positions >= 0) & self.believed[positions]
        return good if wanted is None else good & wanted[positions]

    def _walked(
        self, queries: FloatArray, count: int, wanted: NDArray[np.bool_]
    ) -> list[Positions]:
        """The nearest of each query that the graph itself finds among what is believed and
        ``wanted``."""
        total = self.index.places
        found: list[Positions] = [np.zeros(0, dtype=np.int64)] * len(queries)
        left = np.arange(len(queries))
        # What is passed over may be near: a few more are asked for at once.
        asked = min(total, count + count // 4)
        while len(left):
            rows, _ = self.index.nearest_rows(queries[left], asked)
            at = np.where(rows >= 0, self.positions[rows], -1)
            good = self._open(at, wanted)
            for place, own, kept in zip(left, at, good, strict=True):
                found[place] = own[kept][:count]
            if asked >= total:
                break
            left = left[good.sum(axis=1) < count]
            asked = min(total, asked * 2)
        return found


_lock = threading.Lock()
_held: Graph | None = None
_refused: tuple[Path | None, str] = (None, "")


def graph_path(key: str) -> Path:
    """Where the graph of the catalogue with that key is kept; the note about it ends in
    ``.json``."""
    return Path(settings.VAR_DIR) / "recommend" / f"graph-{key}.vectors"


def graph_of(catalogue: Snapshot) -> Graph | None:
    """The graph beside ``catalogue``, if one has been read that is of use; reads no file."""
    global _held
    held = _held
    if held is not None and held.revision < catalogue.revision and _is_of(held, catalogue):
        with _lock:
            held = _held
            if held is not None and held.revision < catalogue.revision:
                _held = held = _followed(held, catalogue)
    if held is None or held.revision != catalogue.revision or not _is_of(held, catalogue):
        return None
    return held if held.usable else None


def nearest(
    catalogue: Snapshot, vector: FloatArray, count: int, wanted: NDArray[np.bool_]
) -> tuple[Positions, FloatArray]:
    """The ``count`` items of ``wanted``, shape (items,), that are nearest to ``vector``, with their
    cosines, nearest first: by the graph, or exactly where there is none."""
    graph = graph_of(catalogue)
    if graph is not None:
        return graph.nearest(catalogue, vector, count, wanted)[0]
    cosines = np.where(wanted, catalogue.matrix @ vector.ravel(), -np.inf).astype(np.float32)
    return _best(np.arange(len(catalogue)), cosines, min(count, int(wanted.sum())))


def graph_refused(key: str) -> str:
    """Why the file of that catalogue was refused when last read; empty if it was not."""
    return _refused[1] if _refused[0] == graph_path(key) else ""


def graph_held() -> Graph | None:
    """The graph that was read last, of use or not."""
    return _held


def about_of(path: Path) -> About | None:
    """What is noted of the file at ``path``; ``None`` unless it is there in its whole length."""
    try:
        about = About(**json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
        return about if path.stat().st_size == about.size else None
    except (OSError, ValueError, TypeError):
        return None


def graph_refresh() -> None:
    """Read the file if it is another than the one held; for the background.

    Of one that is damaged, or of another catalogue, the note is removed: a worker builds it anew.
    """
    global _held, _refused
    catalogue = snapshot()
    if len(catalogue) < FROM:
        _held, _refused = None, (None, "")
        return
    path = graph_path(catalogue.key)
    about = about_of(path)
    if about is None:
        if path.exists() and not graph_refused(catalogue.key):
            _refused = (path, "it is cut off, or nothing is noted of it")
        return
    stat = path.stat()
    mark = (str(path), stat.st_mtime_ns, stat.st_size, about.revision)
    if about.encoder != catalogue.encoder or (_held is not None and _held.mark == mark):
        return
    if about.revision > catalogue.revision:  # built since the catalogue was read: the next time
        return
    try:
        read = _read(VectorIndex.load(path), about, mark, catalogue)
    except ArtifactError as error:
        logger.warning("graph of nearest items refused", problem=str(error))
        path.with_suffix(".json").unlink(missing_ok=True)
        _refused = (path, str(error))
        return
    with _lock:
        _held, _refused = read, (None, "")


def agreeing(index: VectorIndex, catalogue: Snapshot, positions: Positions) -> NDArray[np.bool_]:
    """Of which of the items at ``positions`` the index has the present vector."""
    same = np.zeros(len(positions), dtype=bool)
    for start in range(0, len(positions), _BLOCK):
        own = positions[start : start + _BLOCK]
        names = [str(catalogue.entries[at].pk) for at in own]
        there = np.array([name in index for name in names], dtype=bool)
        held = index.vectors([name for name, known in zip(names, there, strict=True) if known])
        moved = np.abs(held - catalogue.matrix[own[there]]).max(axis=1, initial=0.0)
        same[start : start + _BLOCK][there] = moved <= _SAME
    return same


def _read(index: VectorIndex, about: About, mark: _Mark, catalogue: Snapshot) -> Graph:
    """``index`` as far as ``catalogue`` bears it out; raises :class:`ArtifactError` if more of it
    is untrue than has changed since it was built."""
    path = Path(mark[0])
    if index.dimensions != catalogue.matrix.shape[1]:
        raise ArtifactError(path, "holds vectors of another length than the catalogue's")
    believed = agreeing(index, catalogue, np.arange(len(catalogue)))
    changed = int((catalogue.changed_at > about.revision).sum())
    if len(index) - believed.sum() > changed:
        raise ArtifactError(path, "holds the vectors of another catalogue")
    beside = np.flatnonzero(catalogue.shown & catalogue.matrix.any(axis=1) & ~believed)
    vectors = catalogue.matrix[beside]
    rows = index.rows_of([str(entry.pk) for entry in catalogue.entries])
    positions = np.full(index.places, -1, dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    positions[rows[known]] = known
    revision = catalogue.revision
    return Graph(index, about, mark, revision, believed, beside, vectors, rows, positions)


def _followed(held: Graph, catalogue: Snapshot) -> Graph:
    """``held`` beside a newer snapshot: what changed since is looked at anew."""
    changed = np.flatnonzero(catalogue.changed_at > held.revision)
    believed = np.zeros(len(catalogue), dtype=bool)
    believed[: len(held.believed)] = held.believed
    believed[changed] = agreeing(held.index, catalogue, changed)
    given = catalogue.shown[changed] & catalogue.matrix[changed].any(axis=1)
    unlike = changed[given & ~believed[changed]]
    beside = np.union1d(np.setdiff1d(held.beside, changed), unlike).astype(np.int64)
    rows = np.full(len(catalogue), -1, dtype=np.int64)
    rows[: len(held.rows)] = held.rows
    rows[changed] = held.index.rows_of([str(catalogue.entries[at].pk) for at in changed])
    return replace(
        held,
        revision=catalogue.revision,
        believed=believed,
        beside=beside,
        vectors=catalogue.matrix[beside],
        rows=rows,
    )


def _is_of(held: Graph, catalogue: Snapshot) -> bool:
    """Whether it was built for this catalogue, by the encoder of its vectors."""
    return held.about.encoder == catalogue.encoder and held.mark[0] == str(
        graph_path(catalogue.key)
    )


def _best(positions: Positions, cosines: FloatArray, count: int) -> tuple[Positions, FloatArray]:
    order = np.argsort(-cosines, kind="stable")[:count]
    return positions[order], cosines[order]
