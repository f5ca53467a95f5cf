"""How a classifier tells texts of none of its labels, by signs whose weights are fitted.

The free energy of the labels' logits, ``-log sum exp``, tells unknown texts from known ones better
than the largest probability does (Liu et al. 2020, "Energy-based Out-of-distribution Detection"):
a text between two labels has two large logits, one of no label has none. The largest cosine of the
text's vector with a label's weights tells unknown texts near the labels, whatever their length.
Where an extra column was trained on out-of-scope texts, its logit is a third sign. Held-out rows of
both kinds say how much each counts (logistic regression); without any the energy stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

SCOPE = "scope"
"""Setting: a :class:`Scope`, as a table."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The out-of-scope score is the logistic function of the weighted signs plus ``offset``.

    ``energy`` weighs the free energy of the labels' logits, ``angle`` the largest cosine with its
    sign turned, ``column`` the extra column's logit. ``lengths`` and ``biases`` are those of the
    labels' rows of the head, by which logits become cosines.
    """

    energy: float
    angle: float
    column: float
    offset: float
    lengths: tuple[float, ...]
    biases: tuple[float, ...]

    def scores(self, logits: FloatArray, pooled: FloatArray) -> FloatArray:
        """For ``logits`` (texts, columns) and ``pooled`` (texts, hidden): (texts,), in [0, 1]."""
        signs = scope_signs(logits, pooled, np.array(self.lengths), np.array(self.biases))
        weights = np.array([self.energy, self.angle, self.column][: signs.shape[1]])
        found = 1.0 / (1.0 + np.exp(-np.clip(signs @ weights + self.offset, -50.0, 50.0)))
        return found.astype(np.float32)

    def declare(self) -> dict[str, Any]:
        """The values as an artifact's settings hold them."""
        return asdict(self)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Scope:
        """As declared by an artifact."""
        lists = {name: tuple(settings[name]) for name in ("lengths", "biases")}
        return cls(**{**settings, **lists})


def scope_signs(
    logits: FloatArray,
    pooled: FloatArray,
    lengths: NDArray[np.float64],
    biases: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Energy, angle and, with an extra column, its logit: (texts, 2 or 3)."""
    labels = len(lengths)
    wide = logits.astype(np.float64)
    known = wide[:, :labels]
    largest = known.max(axis=1, keepdims=True)
    energy = -(largest + np.log(np.exp(known - largest).sum(axis=1, keepdims=True)))
    norms = np.maximum(np.linalg.norm(pooled.astype(np.float64), axis=1, keepdims=True), 1e-9)
    cosines = (known - biases) / np.maximum(lengths, 1e-9) / norms
    return np.concatenate(
        [energy, -cosines.max(axis=1, keepdims=True), wide[:, labels : labels + 1]], axis=1
    )


def fit_scope(
    logits: FloatArray,
    pooled: FloatArray,
    head: tuple[FloatArray, FloatArray],
    outside: NDArray[np.bool_],
) -> Scope:
    """The weights by held-out rows: ``logits`` (texts, columns), ``pooled`` (texts, hidden).

    ``head`` are the lengths and biases (labels,) of the labels' rows of the head; ``outside``
    (texts,) says which texts are of none. Both kinds of texts count the same in total, whatever
    their numbers. Without out-of-scope texts the score is the energy, in units of its spread over
    the texts, above their mean.
    """
    lengths, biases = (part.astype(np.float64) for part in head)
    signs = scope_signs(logits, pooled, lengths, biases)
    means, spreads = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6)
    weights, intercept = np.array([1.0, 0.0, 0.0][: signs.shape[1]]), 0.0
    if outside.any() and not outside.all():
        from sklearn.linear_model import LogisticRegression

        fit = LogisticRegression(class_weight="balanced").fit((signs - means) / spreads, outside)
        weights, intercept = fit.coef_[0], float(fit.intercept_[0])
    weights = weights / spreads
    energy, angle, column = [*weights.tolist(), 0.0][:3]
    offset = float(intercept - weights @ means)
    return Scope(energy, angle, column, offset, tuple(lengths.tolist()), tuple(biases.tolist()))
