"""What a fine-tuning run does: a TOML file, or arguments, checked before anything is loaded."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ml.allowed import (
    BELOW_ONE,
    FROM_ZERO,
    POSITIVE,
    WITHIN_ONE,
    Allowed,
    Between,
    OneOf,
)
from ml.data.augmentation import augmentation
from ml.data.columns import checked_columns
from ml.data.long_texts import LONG_TEXTS
from ml.encoders import DEFAULT_ENCODER
from ml.errors import DataError
from ml.models.tuning.registry import make_method, method_names
from ml.training.settings import (
    few_shot,
    losses,
    multi_label,
    optimisation,
    pretraining,
    regularisation,
)
from ml.training.settings.distillation import distillation
from ml.training.settings.few_shot import FewShotSettings
from ml.training.settings.losses import LossSettings
from ml.training.settings.multi_label import MultiLabelSettings
from ml.training.settings.optimisation import OptimisationSettings
from ml.training.settings.pretraining import PretrainingSettings
from ml.training.settings.regularisation import RegularisationSettings
from ml.training.settings.tagging import TaggingSettings
from ml.training.settings.tracking import TrackingSettings
from ml.wording import Wording

METHODS = method_names()
LOW_RANK = ("lora", "adalora")
WEAKENED = ("lora", "full")
"""The methods of whose change a share can be kept."""
POOLINGS = ("mean", "normalised_mean")
PAIR_LOSSES = ("multiple_negatives", "triplet")
CARD = ("use", "data", "limits", "command", "machine")
"""What a recipe may say of its model in the table ``card``: what it is for, what it was trained on,
what it cannot do, what makes it again, and on which machine it was trained."""
_APART = (
    ("patience", "refit", "a run on all rows has none left to stop it by"),
    ("patience", "ema", "the best epoch's weights and a mean of weights cannot both be stored"),
    ("patience", "swa", "the best epoch's weights and a mean of weights cannot both be stored"),
    ("patience", "save_every", "the best epoch is found among the checkpoints of epochs"),
    ("distil", "mixup", "teachers say nothing of mixed texts"),
    ("ema", "swa", "one mean of the weights is stored"),
)

_ALLOWED: dict[str, Allowed] = {
    "method": OneOf(METHODS),
    "dropout": BELOW_ONE,
    "epochs": Between(0, 10_000, above=True),
    "batch_size": POSITIVE,
    "max_length": Between(8, 512),
    "long_texts": OneOf(LONG_TEXTS),
    "pooling": OneOf(POOLINGS),
    "seed": Between(0, 2**32 - 1),
    "held_out": WITHIN_ONE,
    "target_error": WITHIN_ONE,
    "in_scope_kept": WITHIN_ONE,
    "pair_loss": OneOf(PAIR_LOSSES),
    "similarity_scale": POSITIVE,
    "triplet_margin": Between(0, 2, above=True),
    "strength": Between(0, 1, above=True),
    "keep_weight": FROM_ZERO,
    **losses.ALLOWED,
    **optimisation.ALLOWED,
    **regularisation.ALLOWED,
    **few_shot.ALLOWED,
    **pretraining.ALLOWED,
    **multi_label.ALLOWED,
}

_WORDS: dict[type, Wording] = {
    bool: Wording("true or false"),
    int: Wording("a whole number"),
    float: Wording("a number"),
    str: Wording("a text in quotes"),
    dict: Wording("a table"),
    list: Wording("a list of names"),
}
"""What a setting is to be, in words, by the type of its default."""

_RATE = 1e-3
METHOD_RATES = {"full": 1e-4, "head": 1e-2, "ia3": 5e-3, "prefix": 5e-3, "prompt": 5e-3}
"""The learning rate of a method whose recipe names none, where it is not :data:`_RATE`: the fewer
weights learn, the larger their steps may be."""


@dataclass(frozen=True)
class FinetuneConfig(
    LossSettings,
    OptimisationSettings,
    RegularisationSettings,
    TaggingSettings,
    MultiLabelSettings,
    FewShotSettings,
    TrackingSettings,
    PretrainingSettings,
):
    """The recipe of a run. Defaults are the measured ones for short texts with LoRA.

    Loss, optimisation, regularisation, few rows and tracking have their settings in
    :mod:`ml.training.settings`; all are flat keys of one recipe.

    ``held_out`` is the share of the distinct training texts that is kept aside when no validation
    file is given; calibration, thresholds and metrics come from the validation rows alone.
    ``target_error`` is the error rate on them that the accept threshold aims at, and
    ``in_scope_kept`` the share of in-scope texts that the out-of-scope threshold lets pass.
    With ``refit`` the weights are trained once more on all rows, in the same way, after they have
    been measured; temperature, thresholds and metrics stay those of the run without the held-out
    rows, and the card says so.

    ``long_texts`` says what a classifier reads of a text of over ``max_length`` tokens
    (:mod:`ml.data.long_texts`); up to eight windows of a text are learned from.

    ``pooling`` makes one vector of a text's states for a classifier's head
    (:func:`ml.models.encoder.pool`).

    ``augment`` is a table that makes more training rows of those there are
    (:class:`ml.data.augmentation.Augmentation`); validation rows stay as they are.

    ``distil`` is a table of a classifier's teachers
    (:class:`ml.training.settings.distillation.Distillation`).

    ``columns`` is a table of the columns of the data files that are not called as what they hold
    (:mod:`ml.data.columns`).

    ``search`` is a table of what :mod:`ml.training.search` may change, and within what bounds; a
    run itself does not read it.

    ``strength`` is the share of the tuned change of a sentence encoder's or a classifier's weights
    that is kept (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"): below 1 the
    encoder stays nearer to what it was and so better on texts unlike the training rows. A
    classifier's head is then found anew as ``head_start`` says.

    For sentence encoders: ``pair_loss`` with its ``similarity_scale`` (multiple negatives) or
    ``triplet_margin``; ``keep_weight`` is the weight of how far the vectors of the texts that are
    to stay have moved (1 - cosine), after Li and Hoiem 2016, "Learning without forgetting".

    ``methods`` holds the tables of the recipe that are called as a method, ``[adapter]`` say, with
    the settings of that method (see ``ml/models/tuning/methods``); those of the chosen one count.
    ``rank``, ``alpha`` and ``adapter_dropout`` are short for the settings of the low-rank methods.

    ``stated`` are the settings that stay where others are fitted to few rows: those that a recipe
    writes at their defaults, unless it lists here which, and those given beside it.
    """

    encoder: str = DEFAULT_ENCODER
    method: str = "lora"
    rank: int = 16
    alpha: int = 32
    adapter_dropout: float = 0.0
    dropout: float = 0.1
    epochs: float = 5.0
    batch_size: int = 32
    max_length: int = 64
    long_texts: str = "cut"
    pooling: str = "mean"
    seed: int = 13
    held_out: float = 0.1
    target_error: float = 0.05
    in_scope_kept: float = 0.99
    refit: bool = False
    pair_loss: str = "multiple_negatives"
    similarity_scale: float = 20.0
    triplet_margin: float = 0.3
    strength: float = 1.0
    keep_weight: float = 10.0
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    distil: dict[str, Any] = field(default_factory=dict)
    licences: dict[str, str] = field(default_factory=dict)
    card: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)
    stated: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The learning rate, or what is usual for the method if the recipe names none."""
        return self.learning_rate or METHOD_RATES.get(self.method, _RATE)

    def __post_init__(self) -> None:
        checked_columns(self.columns, "configuration")
        for name in ("licences", "card"):
            _check_texts(name, getattr(self, name))
        for name in (name for name in self.card if name not in CARD):
            known = ", ".join(CARD)
            raise _wrong(
                Wording("card: %(name)s is unknown; there are %(known)s", name=name, known=known)
            )
        for name in _ALLOWED:
            _check_allowed(name, getattr(self, name))
        for told in self._amiss():
            raise _wrong(told)
        try:
            for name, settings in {self.method: {}, **self.methods}.items():
                self._settings_of(name, settings)
            augmentation(self.augment)
            distillation(self.distil)
        except ValueError as error:
            raise _wrong(error.args[0]) from error

    def _amiss(self) -> Iterator[str]:
        """What does not go together."""
        if self.strength < 1 and self.method not in WEAKENED:
            yield f"strength = {self.strength:g} is for the methods {' and '.join(WEAKENED)}"
        if self.class_rows == 1:
            yield "class_rows = 1 puts no texts of a class side by side; 0 or 2 and more do"
        if self.class_rows and self.class_rows >= self.batch_size:
            yield (
                f"class_rows = {self.class_rows} fills batches of {self.batch_size} with one "
                "class each, of which nothing is told apart"
            )
        for name in ("contrast", "mixup"):
            if getattr(self, name) and self.batch_size == 1:
                yield f"{name} is between the texts of a batch; batch_size = 1 leaves one"
        if self.mlflow_uri and not self.mlflow_experiment:
            yield "mlflow_experiment is empty"
        if not self.mlflow_uri and self.mlflow_experiment != type(self).mlflow_experiment:
            yield "mlflow_experiment asks for mlflow_uri, the server that is to be told"
        for one, other, why in _APART:
            if getattr(self, one) and getattr(self, other):
                yield f"{one} and {other} exclude each other: {why}"

    def method_settings(self) -> dict[str, Any]:
        """The method as the artifact declares it."""
        return self._settings_of(self.method, self.methods.get(self.method, {}))

    def _settings_of(self, name: str, settings: dict[str, Any]) -> dict[str, Any]:
        low_rank = {"rank": self.rank, "alpha": self.alpha, "dropout": self.adapter_dropout}
        short = low_rank if name in LOW_RANK else {}
        return make_method({"name": name, **short, **settings}).declare()


def load_config(path: Path | None, **overrides: Any) -> FinetuneConfig:
    """The configuration in a TOML file with ``overrides`` (those that are not ``None``) applied.

    Raises :class:`DataError` naming an unknown key, a value of the wrong type or a broken file.
    """
    return make_config(read_toml(path) if path else {}, path, **overrides)


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says; raises :class:`DataError` for one that is broken or no file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(path, None, f"is not TOML: {error}") from error


def make_config(values: dict[str, Any], path: Path | None, **overrides: Any) -> FinetuneConfig:
    """The configuration of the ``values`` of a recipe, as :func:`load_config`."""
    check_values(values, path)
    methods = {name: table for name, table in values.items() if name in METHODS}
    plain = {name: value for name, value in values.items() if name not in METHODS}
    try:
        config = FinetuneConfig(**plain, methods=methods)
    except DataError as error:
        raise DataError(path or error.source, None, error.problem) from error
    given = {name: value for name, value in overrides.items() if value is not None}
    # A run's own recipe has all settings in it, and lists those that its person gave.
    usual = FinetuneConfig()
    written = [name for name, value in plain.items() if value == getattr(usual, name)]
    stated = values.get("stated", written)
    return replace(config, **given, stated=sorted({*stated, *given}))


def check_values(values: Mapping[str, Any], path: Path | None = None) -> None:
    """Raise :class:`DataError` for a name that is no setting's, or a value that it cannot have;
    free of torch."""
    source = path or "configuration"
    usual = {name: value for name, value in vars(FinetuneConfig()).items() if name != "methods"}
    for name, value in values.items():
        if name in METHODS:
            if not isinstance(value, dict):
                table = Wording("%(name)s must be a table of the method's settings", name=name)
                raise DataError(source, None, table)
            continue
        if name not in usual:
            raise DataError(source, None, _unknown(name, usual))
        kind = type(usual[name])
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise DataError(source, None, _of_a_kind(name, value, kind))
        if name == "stated":
            for one in (one for one in value if one not in (*usual, "methods")):
                told = Wording("stated: %(told)s", told=_unknown(one, usual))
                raise DataError(source, None, told)
        try:
            _check_allowed(name, value)
        except DataError as error:
            raise DataError(source, None, error.problem) from error


def _unknown(name: Any, known: Iterable[str]) -> Wording:
    close = get_close_matches(str(name), [*known, *METHODS], n=1)
    return Wording(
        "unknown setting %(name)r; is %(close)r meant?" if close else "unknown setting %(name)r",
        name=name,
        close=close[0] if close else "",
    )


def _check_allowed(name: str, value: Any) -> None:
    if name in _ALLOWED and value not in (allowed := _ALLOWED[name]):
        raise _wrong(
            Wording(
                "%(name)s = %(value)r is not allowed; it must be %(allowed)s",
                name=name,
                value=value,
                allowed=allowed.words,
            )
        )


def _check_texts(name: str, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if not isinstance(value, str):
            raise _wrong(_of_a_kind(f"{name}: {key}", value, str))


def _of_a_kind(name: str, value: Any, kind: type) -> Wording:
    return Wording(
        "%(name)s = %(value)r must be %(kind)s", name=name, value=value, kind=_WORDS[kind]
    )


def _wrong(told: str) -> DataError:
    return DataError("configuration", None, told)
