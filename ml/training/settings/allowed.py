"""The values that a setting may have, in a form that tests one and that says what they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol


class Allowed(Protocol):
    """Some values; as text it says which."""

    def __contains__(self, value: object) -> bool: ...


@dataclass(frozen=True, slots=True)
class Between:
    """Finite numbers from ``low`` to ``high``; ``above`` and ``below`` leave out the ends."""

    low: float
    high: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: Any) -> bool:
        enough = value > self.low if self.above else value >= self.low
        within = value < self.high if self.below else value <= self.high
        return math.isfinite(value) and enough and within

    def __str__(self) -> str:
        begin = f"above {self.low:g}" if self.above else f"from {self.low:g}"
        if self.high == math.inf:
            return f"{begin} on"
        return f"{begin} to below {self.high:g}" if self.below else f"{begin} to {self.high:g}"


class OneOf(tuple[str, ...]):
    """These texts."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"one of {', '.join(self)}"


POSITIVE = Between(0, above=True)
FROM_ZERO = Between(0)
BELOW_ONE = Between(0, 1, below=True)
WITHIN_ONE = Between(0, 1, above=True, below=True)
