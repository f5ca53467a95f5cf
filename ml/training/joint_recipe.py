"""What a joint run does: a TOML recipe with a table for each task.

::

    name = "market"
    sampling = 0.5          # tasks are drawn by their number of rows to this power
    shapes = "input"        # who sees the words' shapes: all tasks, or the tag "head"s alone
    epochs = 3              # and every other setting of ml.training.config, shared by all tasks

    [tasks.sentiment]
    kind = "classification"
    train = "sentiment_train.jsonl"
    valid = "sentiment_valid.jsonl"
    weight = 1.0            # of the task's loss
    long_texts = "windows"  # of a text of over max_length tokens all is read (else "cut")
    r_drop = 1.0            # and of a classification task head_start and label_names
    [tasks.sentiment.licences]
    "Some data" = "CC-BY-4.0"
    [tasks.sentiment.columns]   # of files that have others; a table [columns] is for all tasks
    text = "headline"

    [tasks.vector]          # the sentence vector is kept near the untuned encoder's
    kind = "embedding"
    train = "texts.jsonl"
    valid = "other_texts.jsonl"
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import tomli_w

from ml.data.columns import checked_columns
from ml.errors import DataError, TrainingError
from ml.models.tuning.registry import method_names
from ml.training.config import FinetuneConfig, make_config, read_toml
from ml.training.kinds import check_idle
from ml.types import KINDS, Kind

_SHAPES = ("input", "head")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_NOT_SHARED = (
    *("r_drop", "mixup", "contrast", "class_rows", "label_names", "head_start", "patience"),
    *("measure_epochs", "augment", "distil", "long_texts", "strength", "start"),
    *("memory", "memory_temperature", "contrast_temperature"),
    *("pseudo_by", "pseudo_error", "pseudo_per_class"),
    *("pair_loss", "similarity_scale", "triplet_margin", "keep_weight"),
)
"""Settings of one task's run that mean nothing, or are not done, where several learn together, or
that a task has for itself."""
_LEARNING = ("r_drop", "head_start", "label_names")
"""Settings of one task's run that a classification task of several may have."""


@dataclass(frozen=True)
class JointTask:
    """One head: its files and the weight of its loss. ``licences`` are those of its data.

    ``long_texts`` is "cut" or "windows" (:mod:`ml.data.long_texts`), of windows of whole words; a
    tagger reads all of a text anyway. ``r_drop``, ``head_start`` and ``label_names`` are what they
    are to a single run (:mod:`ml.training.config`), for classification alone. ``columns`` are what
    its files call their columns, where otherwise; of a sentence vector only the text is read.
    """

    name: str
    kind: Kind
    train: Path
    valid: Path | None = None
    weight: float = 1.0
    long_texts: str = "cut"
    licences: dict[str, str] = field(default_factory=dict)
    r_drop: float = 0.0
    head_start: str = "random"
    label_names: bool = False
    columns: dict[str, str] = field(default_factory=dict)

    def config(self, shared: FinetuneConfig) -> FinetuneConfig:
        """The recipe of a single run: the ``shared`` settings with the task's own."""
        return replace(shared, columns=self.columns, **self.learning)

    @property
    def learning(self) -> dict[str, Any]:
        """The settings of how it alone learns, where they are not the defaults."""
        own = {item.name: item.default for item in fields(self) if item.name in _LEARNING}
        return {
            name: getattr(self, name)
            for name, default in own.items()
            if getattr(self, name) != default
        }

    @property
    def read_settings(self) -> dict[str, str]:
        """What a declaration says of how long texts are read."""
        return {} if self.long_texts == "cut" else {"long_texts": self.long_texts}


@dataclass(frozen=True)
class JointRecipe:
    """The tasks and the settings that they share; ``config.licences`` and ``config.columns`` are
    those of the data of a task that states none.

    ``sampling`` is between 0 (all tasks as often) and 1 (by their number of rows).
    """

    name: str
    tasks: tuple[JointTask, ...]
    config: FinetuneConfig
    sampling: float = 0.5
    shapes: str = "input"

    @property
    def files(self) -> dict[str, Path]:
        """The data files by task and what they are for."""
        found = {}
        for task in self.tasks:
            found[f"{task.name} train"] = task.train
            if task.valid is not None:
                found[f"{task.name} valid"] = task.valid
        return found

    def as_toml(self) -> str:
        """The recipe as :func:`load_recipe` reads it."""
        values = asdict(self.config)
        methods = values.pop("methods")
        values |= {name: methods[name] for name in method_names() if name in methods}
        tables = {}
        for task in self.tasks:
            table = {**asdict(task), "train": str(task.train), "valid": str(task.valid or "")}
            name = table.pop("name")
            tables[name] = {key: value for key, value in table.items() if value != ""}
        own = {"name": self.name, "sampling": self.sampling, "shapes": self.shapes}
        return tomli_w.dumps({**own, **values, "tasks": tables})


def load_recipe(path: Path, **overrides: Any) -> JointRecipe:
    """The recipe in a TOML file with ``overrides`` of shared settings (those not ``None``).

    Raises :class:`DataError` naming an unknown key, a value that is not allowed, or what a joint
    run does not do.
    """
    values = read_toml(path)
    tables = values.pop("tasks", None)
    if not isinstance(tables, dict) or len(tables) < 2:
        raise DataError(path, None, "needs a table [tasks.NAME] for each of two tasks or more")
    name = _checked_name(path, "name", values.pop("name", None))
    own = {"sampling": values.pop("sampling", 0.5), "shapes": values.pop("shapes", "input")}
    if type(own["sampling"]) not in (int, float) or not 0 <= own["sampling"] <= 1:
        raise DataError(path, None, f"sampling = {own['sampling']!r} is not between 0 and 1")
    if own["shapes"] not in _SHAPES:
        raise DataError(path, None, f"shapes = {own['shapes']!r} is none of {', '.join(_SHAPES)}")
    config = make_config(values, path, **overrides)
    _check_shared(path, config)
    tasks = tuple(_task(path, key, table, config) for key, table in tables.items())
    if name in tables:
        raise DataError(path, None, f"{name} is the name of the whole and of a task")
    if config.label_precision and all(task.kind != "multi_label" for task in tasks):
        raise DataError(path, None, "label_precision is for tasks of several labels")
    return JointRecipe(name, tasks, replace(config, few_shot="off"), **own)


def _check_shared(path: Path, config: FinetuneConfig) -> None:
    for setting in _NOT_SHARED:
        if getattr(config, setting) != getattr(FinetuneConfig(), setting):
            place = "; it goes into the table of one" if setting in _LEARNING else ""
            raise DataError(path, None, f"{setting} is not for tasks that learn together{place}")
    if config.few_shot == "on":
        raise DataError(path, None, "few_shot = 'on' is not for tasks that learn together")
    if config.loss == "crf":
        raise DataError(path, None, "loss 'crf' is for taggers alone")
    try:
        check_idle(config)
    except TrainingError as error:
        raise DataError(path, None, str(error)) from error


def _task(path: Path, name: str, table: Any, config: FinetuneConfig) -> JointTask:
    where = f"tasks.{_checked_name(path, 'tasks', name)}"
    if not isinstance(table, Mapping):
        raise DataError(path, None, f"{where} must be a table")
    known = {item.name for item in fields(JointTask)} - {"name"}
    for key in table:
        if key not in known:
            raise DataError(path, None, f"{where}.{key} is unknown; there are {_listed(known)}")
    if table.get("kind") not in KINDS:
        raise DataError(path, None, f"{where}.kind must be one of {', '.join(KINDS)}")
    for key in ("train", "valid"):
        if key in table and (type(table[key]) is not str or not table[key]):
            raise DataError(path, None, f"{where}.{key} must be the name of a file")
    if "train" not in table:
        raise DataError(path, None, f"{where}.train is missing")
    weight = table.get("weight", 1.0)
    if type(weight) not in (int, float) or not 0 < weight < math.inf:
        raise DataError(path, None, f"{where}.weight = {weight!r} is not above 0")
    licences = table.get("licences", config.licences)
    if not isinstance(licences, dict) or not all(type(v) is str for v in licences.values()):
        raise DataError(path, None, f"{where}.licences must be a table of texts")
    return JointTask(
        name,
        table["kind"],
        Path(table["train"]),
        Path(table["valid"]) if "valid" in table else None,
        weight=float(weight),
        long_texts=_long_texts(path, where, table),
        licences=licences,
        columns=_columns(path, where, table.get("columns", config.columns)),
        **_learning(path, where, table),
    )


def _learning(path: Path, where: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """What the table says of how the task learns; checked as a single run's settings are."""
    chosen = {name: table[name] for name in _LEARNING if name in table}
    try:
        config = make_config(dict(chosen), path)
    except DataError as error:
        raise DataError(path, None, f"{where}: {error.problem}") from error
    found = {name: getattr(config, name) for name in _LEARNING}
    if table["kind"] != "classification":
        for name in (name for name in _LEARNING if found[name] != getattr(FinetuneConfig(), name)):
            raise DataError(path, None, f"{where}.{name} is for classification")
    return found


def _columns(path: Path, where: str, table: Any) -> dict[str, str]:
    if not isinstance(table, dict):
        raise DataError(path, None, f"{where}.columns must be a table")
    try:
        return checked_columns(table, path)
    except DataError as error:
        raise DataError(path, None, f"{where}.columns: {error.problem}") from error


def _long_texts(path: Path, where: str, table: Mapping[str, Any]) -> str:
    way = table.get("long_texts", "cut")
    if way not in ("cut", "windows"):
        raise DataError(path, None, f"{where}.long_texts = {way!r} is neither cut nor windows")
    if way == "windows" and table["kind"] not in ("classification", "multi_label"):
        raise DataError(path, None, f"{where}.long_texts is for classifiers")
    return str(way)


def _checked_name(path: Path, key: str, name: Any) -> str:
    if type(name) is not str or not _NAME.fullmatch(name):
        raise DataError(
            path, None, f"{key}: {name!r} is no name; letters, digits, - and _, 60 at most"
        )
    return name


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
