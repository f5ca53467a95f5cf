"""What a recipe becomes where there are few rows (:mod:`ml.training.few_shot`); free of torch."""

from __future__ import annotations

from dataclasses import fields, replace

from ml.training.config import LOW_RANK, WEAKENED, FinetuneConfig

FEW = 20
"""Rows a class, on average, up to which a run is fitted to few."""

STEPS = 300
RATE = 0.4
"""The share of the usual learning rate at which few rows are learned from."""

STRENGTH = 0.6
"""The share of what tuning changed that is kept where rows are few."""

_SETTINGS = {
    "schedule": "cosine",
    "head_start": "logistic",
    "label_names": True,
    "pooling": "normalised_mean",
    "memory": 0.3,
}
_OF_ADAPTERS = {"adapter_dropout": 0.05}
"""Those of methods whose updates may drop some of their input."""

_OF_BATCHES = {"contrast": 0.5, "class_rows": 2}
"""Those that need other classes in a batch, beside the rows of one."""


def fitted_to_few(
    config: FinetuneConfig, *, rows: int, classes: int, own_split: bool = False
) -> FinetuneConfig:
    """The recipe as it is to be for ``rows`` of so many ``classes``.

    With ``few_shot`` "on", or "auto" and few rows, the settings that are at their defaults, and
    are none of the ``stated``, get values for few rows, and the epochs are enough for
    :data:`STEPS` steps. With ``own_split`` the held-out rows were taken from the few that there are
    (one of five): the weights that are stored are trained on them too (``refit``), once they have
    been measured without; but for ``patience``, which stops a run by those rows.
    """
    if config.few_shot == "off" or (config.few_shot == "auto" and rows > FEW * classes):
        return config
    left = {
        setting.name
        for setting in fields(config)
        if getattr(config, setting.name) == setting.default and setting.name not in config.stated
    }
    usual = _SETTINGS | (_OF_BATCHES if config.batch_size > _OF_BATCHES["class_rows"] else {})
    usual |= _OF_ADAPTERS if config.method in LOW_RANK else {}
    chosen: dict[str, object] = {name: value for name, value in usual.items() if name in left}
    has_start = chosen.get("head_start", config.head_start) != "random"
    if "strength" in left and config.method in WEAKENED and has_start:
        chosen["strength"] = STRENGTH
    if "learning_rate" in left:
        chosen["learning_rate"] = RATE * config.rate
    if "epochs" in left:
        steps_an_epoch = -(-rows // (config.batch_size * config.accumulation))
        chosen["epochs"] = max(config.epochs, float(-(-STEPS // steps_an_epoch)))
    if own_split and not config.patience and "refit" not in config.stated:
        chosen["refit"] = True
    return replace(config, **chosen)  # type: ignore[arg-type]
