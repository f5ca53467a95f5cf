"""What keeps a model from learning its training rows by heart."""

from __future__ import annotations

from dataclasses import dataclass

from ml.allowed import BELOW_ONE, FROM_ZERO, POSITIVE, Allowed, OneOf

ADVERSARIES = ("none", "fgm", "pgd")


ALLOWED: dict[str, Allowed] = {
    "mixup": FROM_ZERO,
    "adversary": OneOf(ADVERSARIES),
    "adversary_norm": POSITIVE,
    "adversary_steps": POSITIVE,
    "adversary_rate": POSITIVE,
    "ema": BELOW_ONE,
    "swa": BELOW_ONE,
}


@dataclass(frozen=True)
class RegularisationSettings:
    """Each is off by default, and each goes with every method and precision.

    ``mixup`` is the alpha of the mixing of pooled vectors (:mod:`ml.models.mixup`; for
    classification). ``adversary`` trains on disturbed token embeddings too
    (:mod:`ml.training.adversarial`): disturbances of the norm ``adversary_norm``, found by
    ``adversary_steps`` steps of the length ``adversary_rate`` for ``pgd``. A word vector of the
    default encoder is about 1 long: at a norm of 1 a short text can be turned into any other, and
    nothing is learned.
    ``ema`` is the decay of an exponential mean of the weights, ``swa`` the last share of the steps
    whose weights are averaged (:mod:`ml.training.averaging`); the mean is what is stored.
    """

    mixup: float = 0.0
    adversary: str = "none"
    adversary_norm: float = 0.2
    adversary_steps: int = 3
    adversary_rate: float = 0.1
    ema: float = 0.0
    swa: float = 0.0
