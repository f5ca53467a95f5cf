"""What every tuning method can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import TrainerCallback

from ml.allowed import Allowed
from ml.wording import Wording


@dataclass(frozen=True)
class Method(ABC):
    """One way to tune an encoder; the fields of a subclass are its settings, with defaults.

    ``apply`` and ``merged`` may change the encoder that they are given; use what they return.
    """

    name: ClassVar[str]

    @abstractmethod
    def apply(self, encoder: nn.Module) -> nn.Module:
        """The encoder with exactly the parameters trainable that this method tunes.

        Deterministic but for torch's generator, so that weights of :meth:`delta` fit again.
        """

    @property
    def virtual_tokens(self) -> int:
        """Positions of the encoder that the method takes for itself."""
        return 0

    def delta(self, encoder: nn.Module) -> dict[str, Tensor]:
        """The tensors that make the tuned encoder from the pre-trained one, by name."""
        return {
            name: parameter
            for name, parameter in encoder.named_parameters()
            if parameter.requires_grad
        }

    def merged(self, encoder: nn.Module) -> nn.Module:
        """A plain module that computes the same, where there is one; else the encoder itself."""
        return encoder

    def rate(self, encoder: nn.Module, name: str) -> float:
        """By what the learning rate of the encoder's parameter ``name`` is multiplied."""
        return 1.0

    def penalty(self, encoder: nn.Module) -> Tensor | None:
        """What the method adds to the loss, if anything; a scalar."""
        return None

    def callbacks(self, encoder: nn.Module) -> list[TrainerCallback]:
        """What the method does between the steps of a training run."""
        return []

    def pruned(self, encoder: nn.Module) -> dict[str, Tensor]:
        """Where the method has set entries of the encoder's parameters to 0 for good: true there,
        by the parameter's name."""
        return {}

    def declare(self) -> dict[str, Any]:
        """The method as an artifact declares it; ``make_method`` reads it."""
        return {"name": self.name, **asdict(self)}

    def require(self, **allowed: Allowed) -> None:
        """Raise ``ValueError`` for the first setting that is not what is allowed, saying that."""
        for setting, values in allowed.items():
            if (value := getattr(self, setting)) not in values:
                raise ValueError(
                    Wording(
                        "%(name)s = %(value)r is not allowed; it must be %(allowed)s",
                        name=f"{self.name}: {setting}",
                        value=value,
                        allowed=values.words,
                    )
                )
