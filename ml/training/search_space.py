"""Which settings of a recipe a search changes, and within what bounds: the ``[search]`` table.

::

    [search]
    learning_rate = { low = 1e-4, high = 3e-3, log = true }
    rank = [4, 8, 16]
    dropout = { low = 0.0, high = 0.3 }
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

from optuna.trial import BaseTrial

from ml.errors import DataError, TrainingError
from ml.training.config import LOW_RANK, FinetuneConfig
from ml.training.kinds import SHORT, check_settings
from ml.types import Kind

_FIXED = {"encoder", "seed", "refit", "held_out", "target_error", "in_scope_kept"}
"""What makes another task of the run, or its measures not comparable."""

_RATES = {
    "full": (1e-5, 3e-4),
    "head": (1e-3, 5e-2),
    "lora": (2e-4, 4e-3),
    "adalora": (2e-4, 6e-3),
}
_OTHER_RATES = (2e-4, 2e-2)
_MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def suggest(self, trial: BaseTrial, name: str) -> Any:
        """The value of a trial."""
        return trial.suggest_categorical(name, list(self.values))

    def holds(self, value: Any) -> bool:
        """Whether a trial may have the value."""
        return value in self.values

    @property
    def all(self) -> Sequence[Any]:
        """All values, each once."""
        return tuple(dict.fromkeys(self.values))

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that are tried before any trial has them."""
        return self.values


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, both included, evenly or by their logarithm."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def suggest(self, trial: BaseTrial, name: str) -> float:
        """The value of a trial."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Whether a trial may have the value."""
        return bool(self.low <= value <= self.high)

    @property
    def all(self) -> Sequence[int] | None:
        """All values of whole numbers; ``None`` of others."""
        return range(int(self.low), int(self.high) + 1) if self.whole else None

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that are tried before any trial has them."""
        return self.low, self.high


Space = dict[str, Choice | Range]


def search_space(config: FinetuneConfig, kind: Kind = "classification") -> Space:
    """What the recipe's ``[search]`` table says; without one, what usually counts for its method.

    Raises :class:`DataError` naming the key that is wrong, or means nothing for the ``kind``.
    """
    if not config.search:
        return _usual(config)
    space = {name: _of(config, name, asked) for name, asked in config.search.items()}
    for name, part in space.items():
        _try(config, name, part, kind)
    chosen = space.get("method")
    methods = chosen.values if isinstance(chosen, Choice) else (config.method,)
    for name in SHORT.keys() & space.keys():
        reasons = [_without_effect(config, name, method) for method in methods]
        if all(reasons):
            raise _wrong(name, f"changes nothing: {'; '.join(reasons)}")
    return space


def combinations(space: Space) -> list[dict[str, Any]] | None:
    """All settings that trials may have; ``None`` where they are too many to be counted."""
    values = [part.all for part in space.values()]
    counted = [one for one in values if one is not None]
    if len(counted) < len(values) or math.prod(map(len, counted)) > _MOST_COUNTED:
        return None
    return [dict(zip(space, chosen, strict=True)) for chosen in product(*counted)]


def _without_effect(config: FinetuneConfig, name: str, method: str) -> str:
    """Why a short key is nothing to a method; empty if the method has its value."""
    if method not in LOW_RANK:
        return f"the method {method} has no {name}"
    if SHORT[name] in config.methods.get(method, {}):
        return f"the table [{method}] has a {SHORT[name]}, which counts"
    return ""


def _usual(config: FinetuneConfig) -> Space:
    method = config.method
    low, high = _RATES.get(method, _OTHER_RATES)
    space: Space = {
        "learning_rate": Range(low, high, log=True),
        "dropout": Range(0.0, 0.3),
        "warmup": Range(0.0, 0.2),
        "schedule": Choice(("linear", "cosine")),
    }
    if config.loss == "cross_entropy":
        space["label_smoothing"] = Range(0.0, 0.15)
    if not _without_effect(config, "rank", method):
        space["rank"] = Choice((4, 8, 16, 32))
    return space


def _of(config: FinetuneConfig, name: str, asked: Any) -> Choice | Range:
    known = {setting.name: getattr(config, setting.name) for setting in fields(config)}
    value = known.get(name)
    if value is None or isinstance(value, dict | list) or name in _FIXED:
        raise _wrong(name, "is no setting that a search can change")
    return _choice(name, value, asked) if isinstance(asked, list) else _range(name, value, asked)


def _choice(name: str, value: Any, asked: list[Any]) -> Choice:
    if not asked:
        raise _wrong(name, "lists no value")
    for one in asked:
        if type(one) is not type(value) and not (isinstance(value, float) and type(one) is int):
            raise _wrong(name, f"lists {one!r}, which is no {type(value).__name__}")
    return Choice(tuple(type(value)(one) for one in asked))


def _range(name: str, value: Any, asked: Any) -> Range:
    if type(value) not in (int, float):
        raise _wrong(name, f"is a {type(value).__name__}: list its values")
    if not isinstance(asked, Mapping) or not {"low", "high"} <= set(asked) <= {
        "low",
        "high",
        "log",
    }:
        raise _wrong(name, "must be a list of values, or a table of low, high and log")
    low, high, log = asked["low"], asked["high"], asked.get("log", False)
    if type(low) not in (int, float) or type(high) not in (int, float) or type(log) is not bool:
        raise _wrong(name, "has bounds that are no numbers, or a log that is not true or false")
    if isinstance(value, int) and (type(low) is float or type(high) is float):
        raise _wrong(name, "is a whole number, and so are its bounds")
    if low >= high:
        raise _wrong(name, f"begins at {low} and ends at {high}")
    if log and low <= 0:
        raise _wrong(name, "has a logarithm of what is not above 0")
    return Range(low, high, log, isinstance(value, int))


def _try(config: FinetuneConfig, name: str, part: Choice | Range, kind: Kind) -> None:
    """Refuse values that the recipe does not allow, or that mean nothing, before any trial has
    them."""
    for value in part.ends:
        try:
            check_settings(replace(config, **{name: value}), kind)
        except DataError as error:
            raise _wrong(name, f"reaches {value!r}: {error.problem}") from error
        except TrainingError as error:
            raise _wrong(name, f"reaches {value!r}; {error}") from error


def _wrong(name: str, problem: str) -> DataError:
    return DataError("configuration", None, f"search.{name} {problem}")
