"""How the weights are moved: optimiser, schedule, precision, stopping, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass

from ml.allowed import BELOW_ONE, FROM_ZERO, POSITIVE, Allowed, OneOf

OPTIMIZERS = {"adamw": "adamw_torch_fused", "sgd": "sgd", "adafactor": "adafactor"}
"""A recipe's name of an optimiser to transformers'."""

SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
"""A recipe's name of a schedule, each with warmup, to transformers'."""

BEST_BY = ("loss", "accuracy")


ALLOWED: dict[str, Allowed] = {
    "optimizer": OneOf(OPTIMIZERS),
    "learning_rate": FROM_ZERO,
    "weight_decay": FROM_ZERO,
    "warmup": BELOW_ONE,
    "schedule": OneOf(SCHEDULES),
    "accumulation": POSITIVE,
    "clip": FROM_ZERO,
    "patience": FROM_ZERO,
    "best_by": OneOf(BEST_BY),
    "save_every": FROM_ZERO,
}


@dataclass(frozen=True)
class OptimisationSettings:
    """``optimizer`` is AdamW (Loshchilov and Hutter 2019), SGD or Adafactor (Shazeer and Stern
    2018) at the ``learning_rate`` (0: the usual one of the method), which climbs over the share
    ``warmup`` of the steps and then follows the ``schedule``.

    Gradients are added up over ``accumulation`` batches and cut to the norm ``clip`` (0: never).
    ``gradient_checkpointing`` computes a layer twice instead of keeping it in memory. ``bf16``
    (where the hardware does, else float32) and ``fp16`` (needs a GPU, and comes before ``bf16``)
    compute in half precision; the weights stay float32.

    ``patience`` stops a run after so many epochs without a better held-out ``best_by`` and goes
    back to the best epoch's weights (0: never). ``save_every`` is the number of steps from one
    checkpoint to the next (0: one each epoch). With ``measure_epochs`` loss and accuracy on the
    held-out rows are read after each epoch, as they are with ``patience``.
    """

    optimizer: str = "adamw"
    learning_rate: float = 0.0
    weight_decay: float = 0.01
    warmup: float = 0.1
    schedule: str = "linear"
    accumulation: int = 1
    clip: float = 1.0
    gradient_checkpointing: bool = False
    bf16: bool = True
    fp16: bool = False
    patience: int = 0
    best_by: str = "loss"
    save_every: int = 0
    measure_epochs: bool = False
