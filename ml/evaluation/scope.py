"""How a classifier tells texts of none of its labels by its logits, with weights that are fitted.

The free energy of the labels' logits, ``-log sum exp``, tells unknown texts from known ones better
than the largest probability does (Liu et al. 2020, "Energy-based Out-of-distribution Detection"):
a text between two labels has two large logits, one of no label has none. Where an extra column was
trained on out-of-scope texts, its logit is a second sign. Held-out rows of both kinds say how much
each counts (logistic regression); without any the energy stands alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

SCOPE = "scope"
"""Setting: the weights of :class:`ScopeWeights`, as a table."""


@dataclass(frozen=True, slots=True)
class ScopeWeights:
    """The out-of-scope score is the logistic function of the weighted signs plus ``offset``.

    ``energy`` weighs the free energy of the labels' logits, ``column`` the extra column's logit.
    """

    energy: float
    column: float
    offset: float

    def scores(self, logits: FloatArray, labels: int) -> FloatArray:
        """For ``logits`` (texts, columns), of which the first ``labels`` are labels': (texts,)."""
        signs = scope_signs(logits, labels)
        weights = np.array([self.energy, self.column][: signs.shape[1]])
        found = 1.0 / (1.0 + np.exp(-np.clip(signs @ weights + self.offset, -50.0, 50.0)))
        return found.astype(np.float32)

    def declare(self) -> dict[str, Any]:
        """The weights as an artifact's settings hold them."""
        return asdict(self)


def scope_signs(logits: FloatArray, labels: int) -> NDArray[np.float64]:
    """The free energy and, with an extra column, its logit: (texts, 1 or 2)."""
    wide = logits.astype(np.float64)
    known = wide[:, :labels]
    largest = known.max(axis=1, keepdims=True)
    energy = -(largest + np.log(np.exp(known - largest).sum(axis=1, keepdims=True)))
    return np.concatenate([energy, wide[:, labels : labels + 1]], axis=1)


def fit_scope(logits: FloatArray, labels: int, outside: NDArray[np.bool_]) -> ScopeWeights:
    """The weights by held-out rows: ``logits`` (texts, columns), ``outside`` (texts,).

    Both kinds of rows count the same in total, whatever their numbers. Without out-of-scope rows
    the score is the energy, in units of its spread over the rows, above their mean.
    """
    signs = scope_signs(logits, labels)
    means, spreads = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6)
    if not outside.any() or outside.all():
        return ScopeWeights(float(1.0 / spreads[0]), 0.0, float(-means[0] / spreads[0]))
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(class_weight="balanced").fit((signs - means) / spreads, outside)
    weights = fit.coef_[0] / spreads
    offset = float(fit.intercept_[0] - weights @ means)
    return ScopeWeights(float(weights[0]), float(weights[1]) if len(weights) > 1 else 0.0, offset)
