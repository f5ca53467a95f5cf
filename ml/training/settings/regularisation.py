"""What keeps a model from learning its training rows by heart."""

from __future__ import annotations

from dataclasses import dataclass

ADVERSARIES = ("none", "fgm", "pgd")


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

    def regularisation_checks(self) -> dict[str, bool]:
        """Whether each setting's value is allowed, by name."""
        return {
            "mixup": self.mixup >= 0,
            "adversary": self.adversary in ADVERSARIES,
            "adversary_norm": self.adversary_norm > 0,
            "adversary_steps": self.adversary_steps > 0,
            "adversary_rate": self.adversary_rate > 0,
            "ema": 0 <= self.ema < 1,
            "swa": 0 <= self.swa < 1,
        }
