"""The values that a setting may have, in a form that tests one and that says what they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from ml.errors import TrainingError
from ml.wording import Wording


class Allowed(Protocol):
    """Some values, and words that say which."""

    def __contains__(self, value: object) -> bool: ...

    @property
    def words(self) -> Wording: ...


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

    @property
    def words(self) -> Wording:
        """Which numbers these are."""
        ends = {"low": f"{self.low:.12g}", "high": f"{self.high:.12g}"}
        if self.high == math.inf:
            return Wording("above %(low)s" if self.above else "%(low)s or more", **ends)
        if not self.above:
            return Wording(
                "from %(low)s to below %(high)s" if self.below else "from %(low)s to %(high)s",
                **ends,
            )
        return Wording(
            "above %(low)s and below %(high)s" if self.below else "above %(low)s, %(high)s at most",
            **ends,
        )


class OneOf(tuple[str, ...]):
    """These texts."""

    __slots__ = ()

    @property
    def words(self) -> Wording:
        """Which texts these are."""
        return Wording("one of %(names)s", names=", ".join(self))


POSITIVE = Between(0, above=True)
FROM_ZERO = Between(0)
BELOW_ONE = Between(0, 1, below=True)
WITHIN_ONE = Between(0, 1, above=True, below=True)


def check_number(name: str, value: float, allowed: Between) -> None:
    """Raise :class:`TrainingError` for an argument that is none of the numbers ``allowed``, as NaN
    and the infinite, which a comparison alone may let pass, never are."""
    if value not in allowed:
        raise TrainingError(
            Wording(
                "%(name)s = %(value)s is not allowed; it must be a finite number, %(allowed)s",
                name=name,
                value=f"{value:g}",
                allowed=allowed.words,
            )
        )
