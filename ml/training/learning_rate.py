"""A learning-rate range test: one short run whose rate climbs from tiny to far too large.

After Smith 2017, "Cyclical Learning Rates for Training Neural Networks", with the smoothing and the
suggestions of fastai: the rate where the loss falls most steeply, and a tenth of the rate where it
is least. The weights are thrown away.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback

from ml.allowed import POSITIVE, check_number
from ml.data.encoding import load_tokenizer
from ml.encoders import resolve_encoder
from ml.errors import TrainingError
from ml.models.tuning.registry import make_method
from ml.training.arguments import training_arguments
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, EncodedRows, collate
from ml.training.kinds import check_settings, passed_over
from ml.training.loop import Loop
from ml.training.multi_label import MultiLabelTask
from ml.training.processes import check_alone
from ml.training.rows import FinetuneRequest
from ml.training.tasks import ClassifierTask, TaggerTask
from ml.training.trainer import ProgressCallback, save_memory, seed_everything

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
_TASKS: dict[str, Any] = {
    "classification": ClassifierTask,
    "multi_label": MultiLabelTask,
    "ner": TaggerTask,
}
_SMOOTHING = 0.9
_SETTLED = round(1 / (1 - _SMOOTHING))
"""Readings until the smoothed loss is a mean of many; before, it follows every batch's loss."""
_DIVERGED = 4.0
"""The test ends when the smoothed loss is so many times the least one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A step of the test: its rate, its batch's loss, and the losses so far smoothed."""

    rate: float
    loss: float
    smoothed: float


@dataclass(frozen=True, slots=True)
class RangeTest:
    """The readings in order, and two rates to begin from; the lower one is the safer."""

    readings: tuple[Reading, ...]
    steepest: float
    tenth_of_least: float

    def ticks(self) -> list[str]:
        """Rates that stand evenly along :meth:`curve`."""
        first, last = (math.log(self.readings[place].rate) for place in (0, -1))
        return [f"{math.exp(first + (last - first) * tick / 3):.0e}" for tick in range(4)]

    def curve(self) -> list[tuple[float, float]]:
        """Smoothed losses over the share of the way from the first rate to the last, by powers."""
        first, last = (math.log(self.readings[place].rate) for place in (0, -1))
        width = max(last - first, 1e-9)
        return [((math.log(one.rate) - first) / width, one.smoothed) for one in self.readings]


def find_learning_rate(
    request: FinetuneRequest,
    *,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    steps: int = STEPS,
    progress: ProgressCallback | None = None,
) -> RangeTest:
    """Train for ``steps`` steps with the rate rising from ``lowest`` to ``highest``.

    Everything else is as in a run of ``request``. Ends earlier when the loss has left for good.

    Raises :class:`ml.errors.DataError` for unusable rows, :class:`TrainingError` for bounds that
    are none, for settings that the kind does not read, for teachers, and for a loss that never was
    a number or never fell, and in several processes.
    """
    check_alone("find_learning_rate")
    check_number("highest", highest, POSITIVE)
    if not 0 < lowest < highest or steps < 10:
        raise TrainingError("a range test needs 0 < lowest < highest, and at least 10 steps")
    model, rows, config = _made(request)
    losses = _losses(model, rows, config, (lowest, highest, steps), progress)
    return range_test(losses)


def range_test(losses: Sequence[tuple[float, float]]) -> RangeTest:
    """What (rate, loss) pairs of rising rates say."""
    readings = smoothed(losses)
    if len(readings) < 5:
        raise TrainingError(
            "the loss was no number within five steps; the rows or the recipe are bad"
        )
    slopes = [
        (after.smoothed - before.smoothed) / math.log(after.rate / before.rate)
        for before, after in pairwise(readings)
    ]
    least = min(range(len(readings)), key=lambda place: readings[place].smoothed)
    if least == 0:
        raise TrainingError("the loss fell at no rate; begin lower")
    # Beyond the least loss the rates are too large: where it falls there, it falls back.
    settled = min(_SETTLED, len(slopes) // 4, least - 1)
    steepest = min(range(settled, least), key=slopes.__getitem__)
    return RangeTest(tuple(readings), readings[steepest].rate, readings[least].rate / 10)


def smoothed(losses: Sequence[tuple[float, float]]) -> list[Reading]:
    """Exponentially smoothed, bias-corrected losses, up to where they diverge."""
    readings: list[Reading] = []
    mean, least = 0.0, math.inf
    for number, (rate, loss) in enumerate(losses, start=1):
        if not math.isfinite(loss):
            break
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        value = mean / (1 - _SMOOTHING**number)
        readings.append(Reading(rate, loss, value))
        least = min(least, value)
        if value > _DIVERGED * least:
            break
    return readings


class _RisingRate(Loop):
    """A loop whose rate rises by the same factor each step."""

    factor: float = 1.0

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        """From the recipe's learning rate on, by powers of the factor."""
        chosen = optimizer or self.optimizer
        assert chosen is not None
        self.lr_scheduler = LambdaLR(chosen, lambda step: self.factor**step)
        return self.lr_scheduler


class _Reader(TrainerCallback):
    """Keeps each step's rate and loss; ends the run when the loss has left for good."""

    def __init__(
        self, loop: Loop, rates: Callable[[int], float], progress: ProgressCallback | None
    ) -> None:
        self.losses: list[tuple[float, float]] = []
        self._loop = loop
        self._rates = rates
        self._progress = progress

    def on_epoch_begin(
        self, args: Any, state: Any, control: Any, train_dataloader: Any = None, **_: Any
    ) -> None:
        self._loop.begin_epoch(state.global_step, len(train_dataloader))

    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,
        logs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        self.losses.append((self._rates(state.global_step), float(logs["loss"])))
        rate, loss = self.losses[-1]
        if self._progress is not None:
            self._progress(state.global_step, state.max_steps, f"rate {rate:.1e} loss {loss:.3f}")
        if _left(self.losses):
            control.should_training_stop = True


def _left(losses: Sequence[tuple[float, float]]) -> bool:
    """Whether the last loss is no number, or the smoothed one has diverged."""
    values = [reading.smoothed for reading in smoothed(losses)]
    return len(values) < len(losses) or values[-1] > _DIVERGED * min(values)


def _made(request: FinetuneRequest) -> tuple[nn.Module, Sequence[EncodedRow], FinetuneConfig]:
    """The model and rows of a run, and the recipe by which it trains."""
    source = resolve_encoder(request.config.encoder)
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    if request.kind not in _TASKS:
        raise TrainingError(f"a range test needs rows with labels; {request.kind} has none")
    check_settings(request.config, request.kind)
    if request.config.distil:
        raise TrainingError("a range test has no teachers; leave [distil] out")
    for words in passed_over(request.config):
        request.warned(words)
    task = _TASKS[request.kind].read(request, source, tokenizer)
    seed_everything(request.config.seed)
    return task.make(), task.rows, task.config


def _losses(
    model: nn.Module,
    rows: Sequence[EncodedRow],
    config: FinetuneConfig,
    bounds: tuple[float, float, int],
    progress: ProgressCallback | None,
) -> list[tuple[float, float]]:
    lowest, highest, steps = bounds
    factor = (highest / lowest) ** (1 / (steps - 1))
    config = replace(config, learning_rate=lowest, patience=0, measure_epochs=False)
    save_memory(model, config)
    with tempfile.TemporaryDirectory(prefix="trefoil-rate-") as folder:
        arguments = replace(
            training_arguments(config, Path(folder)),
            max_steps=steps,
            logging_steps=1,
            save_strategy="no",
        )
        method = make_method(config.method_settings())
        loop = _RisingRate(
            model=model,
            method=method,
            args=arguments,
            regularisation=config,
            class_rows=config.class_rows,
            train_dataset=EncodedRows(rows),
            data_collator=collate,
        )
        loop.factor = factor
        reader = _Reader(loop, lambda step: lowest * factor ** (step - 1), progress)
        loop.remove_callback(PrinterCallback)
        for callback in (*method.callbacks(loop.encoder), reader):
            loop.add_callback(callback)
        loop.train()
    return reader.losses
