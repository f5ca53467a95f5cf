"""Labels spread from a few labelled texts to many unlabelled ones that lie near them.

Zhou et al. 2004, "Learning with Local and Global Consistency": over the graph of each text's
nearest neighbours, ``F = a S F + (1 - a) F0`` until it settles, with S the symmetrically normalised
weights. ``F0`` are the labels, and of unlabelled texts what a first model says. Before and after,
what is said of them is balanced, so that classes are about as frequent as among the labelled texts;
else the classes in dense places would take over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.types import FloatArray

_NEIGHBOURS = 15
_POWER = 3  # of the cosines: nearer texts weigh more
_SHARE = 0.8  # a: how much comes from the neighbours
_ROUNDS = 20
_BLOCK = 1024

TRUST = 3.0
"""How much more a given label weighs than what a model says."""


def propagate(vectors: FloatArray, known: NDArray[np.int64], chances: FloatArray) -> FloatArray:
    """The probabilities (texts, classes) of the texts' labels.

    ``vectors`` (texts, dimensions) are theirs, of unit length; ``known`` (texts,) their classes, -1
    where none is given; ``chances`` (texts, classes) what a first model says, of which that of
    labelled texts is not read.
    """
    classes = chances.shape[1]
    given = known >= 0
    counts = np.bincount(known[given], minlength=classes) + 1.0
    prior = counts / counts.sum()
    labels = np.eye(classes)[np.maximum(known, 0)]
    first = np.where(given[:, None], TRUST * labels, _balanced(chances, prior, ~given))
    graph = _graph(vectors)
    found = first
    for _ in range(_ROUNDS):
        found = _SHARE * (graph @ found) + (1.0 - _SHARE) * first
    found /= found.sum(axis=1, keepdims=True)
    spread: FloatArray = np.where(given[:, None], labels, _balanced(found, prior, ~given))
    return spread.astype(np.float32)


def _balanced(
    chances: FloatArray, prior: NDArray[np.float64], rows: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The probabilities so scaled by class that their mean over ``rows`` nears ``prior``."""
    factors = np.ones(len(prior))
    asked = chances[rows].astype(np.float64)
    for _ in range(_ROUNDS if len(asked) else 0):
        scaled = asked * factors
        mean = (scaled / scaled.sum(axis=1, keepdims=True)).mean(axis=0)
        # Half of the way each time: a class of which hardly anything is said must not leap.
        factors *= np.sqrt(prior / np.maximum(mean, 1e-9))
    scaled = chances * factors
    balanced: NDArray[np.float64] = scaled / scaled.sum(axis=1, keepdims=True)
    return balanced


def _graph(vectors: FloatArray) -> sparse.csr_matrix:
    """The symmetrically normalised weights of each text's nearest others, (texts, texts)."""
    number = len(vectors)
    nearest = min(_NEIGHBOURS, number - 1)
    rows, columns, weights = [], [], []
    for start in range(0, number, _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -1.0
        found = np.argpartition(-cosines, nearest - 1, axis=1)[:, :nearest]
        rows.append(np.repeat(start + own, nearest))
        columns.append(found.ravel())
        weights.append(np.maximum(cosines[own[:, None], found], 1e-6).ravel() ** _POWER)
    graph = sparse.csr_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        shape=(number, number),
    )
    graph = graph.maximum(graph.T)
    scale = sparse.diags(np.asarray(graph.sum(axis=1)).ravel() ** -0.5)
    return sparse.csr_matrix(scale @ graph @ scale)
