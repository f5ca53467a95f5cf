"""Whose answers a classifier learns beside its labels."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Distillation:
    """A recipe's table ``distil``.

    ``teachers`` are folders of trained artifacts; ``ensemble`` so many models of the recipe itself,
    each with a seed of its own, are trained first and teach too. The mean of their probabilities
    makes up the share ``weight`` of the loss, softened by ``temperature``
    (:mod:`ml.training.losses.distillation`). A student whose accuracy on the held-out rows is by
    more than ``max_loss`` below that of its teachers together is refused.

    Raises ``ValueError`` naming a value that is not allowed.
    """

    teachers: list[str] = field(default_factory=list)
    ensemble: int = 0
    weight: float = 0.5
    temperature: float = 2.0
    max_loss: float = 1.0

    def __post_init__(self) -> None:
        good = {
            "teachers": type(self.teachers) is list
            and all(type(folder) is str and folder for folder in self.teachers),
            "ensemble": type(self.ensemble) is int and 0 <= self.ensemble <= 20,
            "weight": type(self.weight) in (int, float) and 0 < self.weight <= 1,
            "temperature": type(self.temperature) in (int, float) and self.temperature > 0,
            "max_loss": type(self.max_loss) in (int, float) and 0 <= self.max_loss <= 1,
        }
        for name, fine in good.items():
            if not fine:
                raise ValueError(f"distil.{name} = {getattr(self, name)!r} is not allowed")
        if not self.teachers and not self.ensemble:
            raise ValueError("distil names no teachers; give folders of them, or an ensemble")


def distillation(settings: dict[str, Any]) -> Distillation | None:
    """The distillation of a recipe's table ``distil``; ``None`` if it is empty.

    Raises ``ValueError`` for an unknown setting or a value that is not allowed.
    """
    known = [item.name for item in fields(Distillation)]
    for name in settings:
        if name not in known:
            raise ValueError(f"distil.{name} is unknown; there are {', '.join(known)}")
    return Distillation(**settings) if settings else None
