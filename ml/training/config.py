"""What a fine-tuning run does: a TOML file, or arguments, checked before anything is loaded."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ml.encoders import DEFAULT_ENCODER
from ml.errors import DataError

METHODS = ("lora", "full", "head")
SCHEDULES = ("linear", "cosine")
PAIR_LOSSES = ("multiple_negatives", "triplet")


@dataclass(frozen=True, slots=True)
class FinetuneConfig:
    """The recipe of a run. Defaults are the measured ones for short texts with LoRA.

    ``held_out`` is the share of the distinct training texts that is kept aside when no validation
    file is given; calibration, thresholds and metrics come from the validation rows alone.
    ``target_error`` is the error rate on them that the accept threshold aims at, and
    ``in_scope_kept`` the share of in-scope texts that the out-of-scope threshold lets pass.
    ``r_drop`` weighs the agreement of two passes with different dropout (:mod:`ml.models.r_drop`),
    which takes twice the time; it is for classification.
    With ``refit`` the weights are trained once more on all rows, in the same way, after they have
    been measured; temperature, thresholds and metrics stay those of the run without the held-out
    rows, and the card says so.

    For sentence encoders: ``pair_loss`` with its ``similarity_scale`` (multiple negatives) or
    ``triplet_margin``; ``strength`` is the share of the tuned change of the weights that is kept
    (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"): below 1 the encoder stays
    nearer to what it was and so better on texts unlike the training rows. ``keep_weight`` is the
    weight of how far the vectors of the texts that are to stay have moved (1 - cosine), after Li
    and Hoiem 2016, "Learning without forgetting".
    """

    encoder: str = DEFAULT_ENCODER
    method: str = "lora"
    rank: int = 16
    alpha: int = 32
    adapter_dropout: float = 0.05
    dropout: float = 0.1
    epochs: float = 5.0
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    schedule: str = "linear"
    label_smoothing: float = 0.05
    r_drop: float = 0.0
    max_length: int = 64
    bf16: bool = True
    seed: int = 13
    held_out: float = 0.1
    target_error: float = 0.05
    in_scope_kept: float = 0.97
    refit: bool = False
    pair_loss: str = "multiple_negatives"
    similarity_scale: float = 20.0
    triplet_margin: float = 0.3
    strength: float = 1.0
    keep_weight: float = 10.0
    licences: dict[str, str] = field(default_factory=dict)
    card: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checks = {
            "method": self.method in METHODS,
            "schedule": self.schedule in SCHEDULES,
            "rank": self.rank > 0,
            "alpha": self.alpha > 0,
            "epochs": self.epochs > 0,
            "batch_size": self.batch_size > 0,
            "learning_rate": self.learning_rate > 0,
            "warmup": 0 <= self.warmup < 1,
            "label_smoothing": 0 <= self.label_smoothing < 1,
            "r_drop": self.r_drop >= 0,
            "max_length": 8 <= self.max_length <= 512,
            "held_out": 0 < self.held_out < 1,
            "target_error": 0 < self.target_error < 1,
            "pair_loss": self.pair_loss in PAIR_LOSSES,
            "similarity_scale": self.similarity_scale > 0,
            "triplet_margin": 0 < self.triplet_margin <= 2,
            "strength": 0 < self.strength <= 1,
            "keep_weight": self.keep_weight >= 0,
            "in_scope_kept": 0 < self.in_scope_kept < 1,
        }
        for name, good in checks.items():
            if not good:
                raise DataError(
                    "configuration", None, f"{name} = {getattr(self, name)!r} is not allowed"
                )

    def method_settings(self) -> dict[str, Any]:
        """The method as the artifact declares it."""
        if self.method == "lora":
            return {
                "name": "lora",
                "rank": self.rank,
                "alpha": self.alpha,
                "dropout": self.adapter_dropout,
            }
        return {"name": self.method}


def load_config(path: Path | None, **overrides: Any) -> FinetuneConfig:
    """The configuration in a TOML file with ``overrides`` (those that are not ``None``) applied.

    Raises :class:`DataError` naming an unknown key, a value of the wrong type or a broken file.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(path, None, f"is not TOML: {error}") from error
    known = {item.name: item for item in fields(FinetuneConfig)}
    for name, value in values.items():
        if name not in known:
            raise DataError(path or "", None, f"unknown setting {name!r}")
        default = getattr(FinetuneConfig(), name)
        numeric = isinstance(default, float) and type(value) is int
        if not numeric and type(value) is not type(default):
            raise DataError(path or "", None, f"{name} must be a {type(default).__name__}")
    config = FinetuneConfig(**values)
    return replace(
        config, **{name: value for name, value in overrides.items() if value is not None}
    )
