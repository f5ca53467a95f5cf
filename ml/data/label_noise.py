"""Rows whose label is probably wrong: confident learning.

The method of Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset
labels" (2021), over out-of-fold predictions of a logistic head on frozen sentence vectors.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

Report = Callable[[int, int, str], None]

FOLDS = 5
"""Labels with fewer different texts are not judged: copies of a text are in one fold, and the
others might have none to learn from."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row, by its index, that looks like one of ``suggested`` rather than of its own label.

    ``own`` and ``other`` are the out-of-fold probabilities of the two.
    """

    index: int
    label: str
    suggested: str
    own: float
    other: float


def out_of_fold(
    vectors: FloatArray,
    labels: NDArray[np.int64],
    groups: Sequence[str],
    *,
    seed: int = 0,
    report: Report = lambda done, total, title: None,
) -> FloatArray:
    """Probabilities, shape (rows, labels), each row's by a head that has not seen its group.

    ``vectors``: (rows, dimensions); ``labels``: (rows,), indices; rows of one group (the same
    text) fall into one fold, so that no copy gives the answer away.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    probabilities = np.zeros((len(labels), int(labels.max()) + 1), dtype=np.float32)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for number, (seen, held) in enumerate(folds.split(vectors, labels, groups), start=1):
        head = LogisticRegression(C=10.0, tol=1e-3, max_iter=100)
        with warnings.catch_warnings():  # a head that is nearly converged ranks rows as well
            warnings.simplefilter("ignore", ConvergenceWarning)
            head.fit(vectors[seen], labels[seen])
        probabilities[np.ix_(held, head.classes_)] = head.predict_proba(vectors[held])
        report(number, FOLDS, "label noise")
    return probabilities


def find_suspects(
    probabilities: FloatArray, labels: NDArray[np.int64], names: Sequence[str]
) -> list[Suspect]:
    """Rows in an off-diagonal cell of the confident joint, the most confident first.

    A label's threshold is its mean probability over its own rows; a row counts for the most
    probable label whose threshold it reaches. ``labels``: (rows,), indices into ``names``.
    """
    thresholds = np.array(
        [
            probabilities[labels == label, label].mean() if (labels == label).any() else np.inf
            for label in range(len(names))
        ]
    )
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    counted = reached.argmax(axis=1)
    confident = reached.max(axis=1) >= 0
    rows = np.flatnonzero(confident & (counted != labels))
    suspects = [
        Suspect(
            index=int(row),
            label=names[labels[row]],
            suggested=names[counted[row]],
            own=float(probabilities[row, labels[row]]),
            other=float(probabilities[row, counted[row]]),
        )
        for row in rows
        if probabilities[row, counted[row]] > probabilities[row, labels[row]]
    ]
    return sorted(suspects, key=lambda suspect: (suspect.own - suspect.other, suspect.index))


def label_noise(
    vectors: FloatArray,
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    seed: int = 0,
    report: Report = lambda done, total, title: None,
) -> tuple[int, list[Suspect]]:
    """The number of rows that were judged, and the suspects among them.

    Rows of labels in fewer than ``FOLDS`` groups, and all rows if fewer than two labels are in
    as many, are not judged.
    """
    groups_of: dict[str, set[str]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        groups_of[label].add(group)
    kept = sorted(label for label, found in groups_of.items() if len(found) >= FOLDS)
    position = {name: index for index, name in enumerate(kept)}
    rows = [index for index, label in enumerate(labels) if label in position]
    if len(kept) < 2:
        return 0, []
    indices = np.array([position[labels[row]] for row in rows], dtype=np.int64)
    probabilities = out_of_fold(
        vectors[rows], indices, [groups[row] for row in rows], seed=seed, report=report
    )
    found = find_suspects(probabilities, indices, kept)
    return len(rows), [
        Suspect(rows[one.index], one.label, one.suggested, one.own, one.other) for one in found
    ]
