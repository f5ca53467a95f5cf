"""What readers did, as links from one item to others: EASE, steadied by the items' texts."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.errors import ArtifactError
from ml.ranking.factors import FACTORS, REGULARISATIONS, fit_factors
from ml.ranking.folding import Factors
from ml.ranking.follows import fit_follows
from ml.ranking.interactions import IntArray, Log
from ml.ranking.lending import Lending, fit_lending
from ml.ranking.links import Links, strongest
from ml.ranking.neighbours import NEIGHBOURS, fit_neighbours
from ml.ranking.sequence import NextItem, item_features
from ml.ranking.settings import TasteSettings
from ml.ranking.tags import TagTable
from ml.types import FloatArray

LearnNext = Callable[[Log, FloatArray], NextItem | None]
"""Trains the attention on a log and the items' features: ``ml.training.next_item``, given by those
who may import torch."""

LINKED = ("likes", "follows", "near")
RIDGE = 300.0
TEXT_SHARE = 0.1
"""The texts' part of the item-item matrix, as a share of the ridge."""

LINKS, MOST_LINKS = 200, 600
_LINKS_IN_ALL = 3_000_000
"""Small catalogues keep more links of each item: the weak ones count by their number."""
_LARGE = 6000
_BLOCK = 512
MAX_ITEMS = 6000
"""The items with the most positives are fitted; the matrix to invert is of this size."""


@dataclass(frozen=True, slots=True, eq=False)
class Behaviour:
    """What readers' deeds say: who ``likes`` what together, what ``follows`` what, which items are
    ``near`` by their readers, what items without readers borrow by, what is liked next by texts,
    matrix factors, and the weights of these parts that suit the readers best: ``newcomers`` those
    of short histories."""

    likes: Links
    follows: Links
    near: Links
    lending: Lending
    next_item: NextItem | None = None
    factors: Factors | None = None
    settings: TasteSettings = field(default_factory=TasteSettings)
    newcomers: TasteSettings | None = None

    def __len__(self) -> int:
        return len(self.likes)

    def save(self, path: Path) -> None:
        """Write to ``path``, which holds either the former content or the new one, whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **self._arrays())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {
            "borrowers": self.lending.borrowers,
            "lenders": self.lending.lenders,
            "lender_weights": self.lending.weights,
        }
        for name in LINKED:
            links: Links = getattr(self, name)
            arrays |= {f"{name}_targets": links.targets, f"{name}_weights": links.weights}
        for kind, model in (("next", self.next_item), ("factors", self.factors)):
            if model is not None:
                arrays |= {f"{kind}_{name}": values for name, values in model.arrays().items()}
        for kind, settings in (("setting", self.settings), ("newcomers", self.newcomers)):
            if settings is not None:
                arrays |= {f"{kind}_{name}": np.array(of) for name, of in asdict(settings).items()}
        return arrays

    @classmethod
    def load(cls, path: Path) -> Behaviour:
        """Read what :meth:`save` wrote; raises :class:`ArtifactError` unless it is all there."""
        try:
            with np.load(path, allow_pickle=False) as content:
                links = {
                    name: Links(content[f"{name}_targets"], content[f"{name}_weights"])
                    for name in LINKED
                }
                learned, factors = _under(content, "next_"), _under(content, "factors_")
                newcomers = _under(content, "newcomers_")
                return cls(
                    lending=Lending(
                        content["borrowers"], content["lenders"], content["lender_weights"]
                    ),
                    next_item=NextItem.of(learned) if learned else None,
                    factors=Factors.of(factors) if factors else None,
                    settings=_settings(_under(content, "setting_")),
                    newcomers=_settings(newcomers) if newcomers else None,
                    **links,
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ArtifactError(path, f"is not a behaviour model ({error})") from error


def _under(content: Any, prefix: str) -> dict[str, NDArray[Any]]:
    names = [name for name in content.files if name.startswith(prefix)]
    return {name.removeprefix(prefix): content[name] for name in names}


def _settings(arrays: dict[str, NDArray[Any]]) -> TasteSettings:
    return TasteSettings(**{item.name: float(arrays[item.name]) for item in fields(TasteSettings)})


def fit_behaviour(
    log: Log,
    vectors: FloatArray,
    *,
    tags: TagTable | None = None,
    ridge: float = RIDGE,
    text_share: float = TEXT_SHARE,
    factors: tuple[int, float] = (FACTORS[0], REGULARISATIONS[0]),
    neighbours: int = NEIGHBOURS,
    links: int | None = None,
    max_items: int = MAX_ITEMS,
    learn: LearnNext | None = None,
) -> Behaviour:
    """Fit EASE (Steck 2019), the order of reading, the nearness by readers (of ``neighbours``),
    iALS (``factors`` says how many and their regularisation), the lending and what ``learn`` learns
    to the positives of ``log``.

    ``vectors``, shape (items, dimensions), are the items' centred texts
    (:func:`ml.ranking.weighing.centred`). Their cosines are added to the co-occurrences, as if each
    dimension were ``text_share * ridge`` more readers: items with few readers lean on what they
    are about. Only the ``links`` strongest links of each item are kept (200 to 600, by the size of
    the catalogue). Inverting the matrix of 6,000 items takes some seconds and 600 MB, so this
    belongs in a worker.
    """
    total = len(vectors)
    if links is None:
        links = int(np.clip(_LINKS_IN_ALL // max(1, total), LINKS, MOST_LINKS))
    fitted = most_read(log, total, max_items)
    weights = ease_weights(log, vectors, fitted, ridge=ridge, text_share=text_share)
    kept = min(links, max(len(fitted) - 1, 1))
    targets = np.tile(np.arange(total, dtype=np.int32)[:, None], (1, kept))
    strengths = np.zeros((total, kept), dtype=np.float32)
    if len(fitted) > 1:
        best = np.argpartition(-np.abs(weights), kept - 1, axis=1)[:, :kept]
        strengths[fitted] = np.take_along_axis(weights, best, axis=1)
        targets[fitted] = fitted[best]
        targets = np.where(strengths == 0.0, np.arange(total)[:, None], targets)
    readers = np.bincount(log.items[log.positive], minlength=total).astype(np.float32)
    return Behaviour(
        Links(targets.astype(np.int32), strengths),
        fit_follows(log, total, links=links),
        strongest(fit_neighbours(log, total, neighbours=neighbours), links),
        fit_lending(vectors, tags, readers),
        learn(log, item_features(vectors, tags)) if learn is not None else None,
        fit_factors(log, total, factors=factors[0], regularisation=factors[1]),
    )


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
    inverse = _inverse(gram)
    weights = (-inverse / np.diag(inverse)[None, :]).astype(np.float32)
    weights[diagonal, diagonal] = 0.0
    return weights


def _inverse(matrix: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The inverse of a symmetric, positive definite matrix, by Cholesky: half the work of LU.

    In single precision from ``_LARGE`` rows on, where memory counts more than the last digits.
    """
    from scipy.linalg import lapack

    single = len(matrix) > _LARGE
    factorise, invert = (lapack.spotrf, lapack.spotri) if single else (lapack.dpotrf, lapack.dpotri)
    matrix = matrix.astype(np.float32 if single else np.float64)
    factor, failed = factorise(matrix, lower=1, overwrite_a=1)
    if not failed:
        matrix, failed = invert(factor, lower=1, overwrite_c=1)
    if failed:
        raise ValueError("the co-occurrences are not positive definite; the ridge is too small")
    for start in range(0, len(matrix), _BLOCK):  # in place: another such matrix may not fit
        stop = start + _BLOCK
        square = np.tril(matrix[start:stop, start:stop])
        matrix[start:stop, start:stop] = square + np.tril(square, -1).T
        matrix[start:stop, stop:] = matrix[stop:, start:stop].T
    return matrix


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
