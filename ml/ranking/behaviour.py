"""What readers did, as links from one item to others: EASE, steadied by the items' texts."""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.errors import ArtifactError
from ml.ranking.interactions import IntArray, Log
from ml.types import FloatArray

RIDGE = 300.0
TEXT_SHARE = 0.1
"""The texts' part of the item-item matrix, as a share of the ridge."""

LINKS = 200
MAX_ITEMS = 6000
"""The items with the most positives are fitted; the matrix to invert is of this size."""


@dataclass(frozen=True, slots=True, eq=False)
class Behaviour:
    """For each item the items that it speaks for (or, below zero, against).

    ``targets`` and ``weights`` have the shape (items, links); an unused place points to the item
    itself with weight 0.
    """

    targets: NDArray[np.int32]
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, items: IntArray, total: int, to: IntArray | None = None) -> FloatArray:
        """The links of ``items`` to the items ``to`` (to all of ``total`` items, when ``None``).

        Shape (items, to). Items that came after the fit have none.
        """
        wanted = total if to is None else len(to)
        dense = np.zeros((len(items), wanted), dtype=np.float32)
        known = np.flatnonzero(items < len(self))
        targets, weights = self.targets[items[known]], self.weights[items[known]]
        if to is None:
            dense[known[:, None], targets] = weights
            return dense
        for column, item in enumerate(to):
            dense[known, column] = np.where(targets == item, weights, 0.0).sum(axis=1)
        return dense

    def save(self, path: Path) -> None:
        """Write to ``path``, which holds either the former content or the new one, whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, targets=self.targets, weights=self.weights)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Behaviour:
        """Read what :meth:`save` wrote; raises :class:`ArtifactError` unless it is all there."""
        try:
            with np.load(path, allow_pickle=False) as content:
                return cls(content["targets"], content["weights"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ArtifactError(path, f"is not a behaviour model ({error})") from error


def fit_behaviour(
    log: Log,
    vectors: FloatArray,
    *,
    ridge: float = RIDGE,
    text_share: float = TEXT_SHARE,
    links: int = LINKS,
    max_items: int = MAX_ITEMS,
) -> Behaviour:
    """Fit EASE (Steck 2019) on the positives of ``log``.

    ``vectors``, shape (items, dimensions), are the items' centred texts
    (:func:`ml.ranking.taste.centred`). Their cosines are added to the co-occurrences, as if each
    dimension were ``text_share * ridge`` more readers: items with few readers lean on what they
    are about. Only the ``links`` strongest links of each item are kept. Inverting the matrix of
    6,000 items takes about half a minute and 600 MB, so this belongs in a worker.
    """
    total = len(vectors)
    fitted = most_read(log, total, max_items)
    weights = ease_weights(log, vectors, fitted, ridge=ridge, text_share=text_share)
    kept = min(links, max(len(fitted) - 1, 0))
    targets = np.tile(np.arange(total, dtype=np.int32)[:, None], (1, kept))
    strengths = np.zeros((total, kept), dtype=np.float32)
    if kept:
        strongest = np.argpartition(-np.abs(weights), kept - 1, axis=1)[:, :kept]
        strengths[fitted] = np.take_along_axis(weights, strongest, axis=1)
        targets[fitted] = fitted[strongest]
        targets = np.where(strengths == 0.0, np.arange(total)[:, None], targets)
    return Behaviour(targets.astype(np.int32), strengths)


def most_read(log: Log, total: int, number: int) -> IntArray:
    """The ``number`` items with the most positives, in order of the catalogue."""
    readers = np.bincount(log.items[log.positive], minlength=total)
    return np.sort(np.argsort(-readers, kind="stable")[:number])


def ease_weights(
    log: Log, vectors: FloatArray, fitted: IntArray, *, ridge: float, text_share: float
) -> FloatArray:
    """How much each of ``fitted`` speaks for each other one, shape (fitted, fitted)."""
    gram = _gram(log, fitted, len(vectors))
    if text_share:
        own = vectors[fitted].astype(np.float64)
        gram += text_share * ridge * (own @ own.T)
    diagonal = np.arange(len(gram))
    gram[diagonal, diagonal] += ridge
    inverse = np.linalg.inv(gram)
    weights = (-inverse / np.diag(inverse)[None, :]).astype(np.float32)
    weights[diagonal, diagonal] = 0.0
    return weights


def _gram(log: Log, fitted: IntArray, total: int) -> NDArray[np.float64]:
    """How many readers each two items share, shape (fitted, fitted)."""
    from scipy import sparse

    places = np.full(total, -1, dtype=np.int64)
    places[fitted] = np.arange(len(fitted))
    chosen = log.positive & (places[log.items] >= 0)
    pairs = np.unique(np.stack([log.users[chosen], places[log.items[chosen]]]), axis=1)
    users = int(log.users.max(initial=0)) + 1
    matrix = sparse.csr_matrix(
        (np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(users, len(fitted))
    )
    return np.asarray((matrix.T @ matrix).toarray(), dtype=np.float64)
