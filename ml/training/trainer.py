"""Runs the optimisation, on transformers' Trainer: schedules, precision, checkpoints, resuming."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import nn
from transformers import EarlyStoppingCallback, TrainerCallback
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import set_seed

from ml.errors import TrainingError
from ml.models.tuning.registry import make_method
from ml.training.arguments import LEAST_READINGS, LOG_EVERY, training_arguments
from ml.training.checkpoints import last_checkpoint
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, EncodedRows, collate, of_texts
from ml.training.loop import Loop, accuracy_of, best_columns
from ml.training.order import RowOrder
from ml.training.settings.optimisation import BEST_BY
from ml.training.stopwatch import Stopwatch
from ml.types import FloatArray
from ml.wording import Wording

ProgressCallback = Callable[[int, int, str], None]
_TOLD = ("loss", "learning_rate", "grad_norm", "epoch")


class Watch(Protocol):
    """Is told how a training goes on (:class:`ml.training.tracking.Phase`)."""

    def begin(self, step: int) -> None:
        """Training begins, or goes on behind ``step``."""

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers at a step, from 1."""


@dataclass(frozen=True, slots=True)
class Trained:
    """How the loss of a training fell, and the minutes that it took, those before a kill too."""

    curve: list[dict[str, float]]
    minutes: float


class _Reporter(TrainerCallback):
    """Tells the loop of its steps, passes loss and steps on, stops at a loss that is no number."""

    def __init__(
        self,
        loop: Loop,
        progress: ProgressCallback | None,
        watch: Watch | None = None,
        measure: Callable[[], Mapping[str, float]] | None = None,
    ) -> None:
        main = loop.is_world_process_zero()
        self._loop = loop
        self._progress = progress if main else None
        self._watch = watch if main else None
        self._measure = measure if main else None
        self._message = ""
        self._read: tuple[int, float] = (0, 0.0)  # step and time of the last reading

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._read = (state.global_step, time.monotonic())
        if self._watch is not None:
            self._watch.begin(state.global_step)

    def on_epoch_begin(
        self, args: Any, state: Any, control: Any, train_dataloader: Any = None, **_: Any
    ) -> None:
        self._loop.begin_epoch(state.global_step, len(train_dataloader))

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._measure is not None and self._watch is not None:
            self._watch.log(state.global_step, self._measure())

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if logs and self._watch is not None and (numbers := self._numbers(args, state, logs)):
            self._watch.log(state.global_step, numbers)
        if not logs or "loss" not in logs:
            return
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise TrainingError(
                Wording(
                    "the loss is %(loss)s at step %(step)s; lower the learning rate",
                    loss=loss,
                    step=state.global_step,
                )
            )
        self._message = f"loss {loss:.3f}, rate {float(logs.get('learning_rate', 0.0)):.1e}"

    def _numbers(self, args: Any, state: Any, logs: dict[str, Any]) -> dict[str, float]:
        """What of the trainer's log is told: a reading while training, or of held-out rows."""
        if "loss" not in logs:
            held_out = {name: logs[f"eval_{name}"] for name in BEST_BY if f"eval_{name}" in logs}
            return {f"held_out_{name}": float(value) for name, value in held_out.items()}
        (before, then), now = self._read, time.monotonic()
        self._read = (state.global_step, now)
        rows = (state.global_step - before) * args.train_batch_size * args.world_size
        told = {name: float(logs[name]) for name in _TOLD if name in logs}
        return told | {
            "rows_per_second": rows * args.gradient_accumulation_steps / max(now - then, 1e-9)
        }

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._loop.took_step(state.global_step, state.max_steps)
        if state.global_step == state.max_steps:
            control.should_log = True  # so that the shortest run's loss is looked at too
        if self._progress is not None:
            self._progress(state.global_step, state.max_steps, self._message)


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch."""
    set_seed(seed)


def train(
    model: nn.Module,
    rows: Sequence[EncodedRow] | torch.utils.data.Dataset[dict[str, Any]],
    config: FinetuneConfig,
    *,
    run_folder: Path,
    valid: Sequence[EncodedRow] | None = None,
    progress: ProgressCallback | None = None,
    collator: Callable[[Sequence[dict[str, Any]]], dict[str, Any]] = collate,
    watch: Watch | None = None,
    order: RowOrder | None = None,
    measure: Callable[[], Mapping[str, float]] | None = None,
) -> Trained:
    """Train ``model`` in place and return the loss curve and the time.

    Checkpoints go to ``run_folder`` after each epoch or so many steps; a run that was killed goes
    on from the last one when it is started again with the same folder. Batches hold texts of
    similar length, or follow ``order``; ``collator`` makes them of the rows, or of the items if a
    data set is given.
    The held-out rows ``valid`` stop a run with ``patience``. ``watch`` is told of loss and rate,
    and after each epoch what ``measure`` says of the model as it is.

    Raises :class:`TrainingError` when the loss is not finite.
    """
    if valid is None:  # as on all rows: there are none to measure by
        config = replace(config, patience=0, measure_epochs=False)
    arguments = training_arguments(config, run_folder)
    dataset = _dataset(rows)
    together = config.batch_size * config.accumulation
    steps = len(cast(Sized, dataset)) / together * config.epochs
    if steps <= 1:
        arguments.warmup_steps = 0  # or the only step is that at the rate 0
    arguments.logging_steps = max(1, min(LOG_EVERY, int(steps) // LEAST_READINGS))
    save_memory(model, config)
    method = make_method(config.method_settings())
    trainer = Loop(
        model=model,
        method=method,
        args=arguments,
        regularisation=config,
        class_rows=config.class_rows,
        order=order,
        train_dataset=dataset,
        eval_dataset=_dataset(valid) if valid is not None else None,
        data_collator=collator,
        compute_metrics=accuracy_of,
        preprocess_logits_for_metrics=best_columns,
    )
    trainer.remove_callback(PrinterCallback)
    for callback in (
        Stopwatch(),
        *method.callbacks(trainer.encoder),
        _Reporter(trainer, progress, watch, measure),
    ):
        trainer.add_callback(callback)
    if config.patience:
        trainer.add_callback(EarlyStoppingCallback(config.patience))
    last = last_checkpoint(run_folder)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    trainer.finish()
    # accelerate lets a model compute in half precision until it is taken off again; what is
    # measured, and found anew, from here on is so in 32 bits.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    if not all(torch.isfinite(weight).all() for weight in model.parameters()):
        raise TrainingError(
            Wording("the last step left weights that are no numbers; lower the learning rate")
        )
    curve = [
        {"step": float(entry["step"]), "loss": float(entry["loss"])}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    stopwatch: Any = trainer.pop_callback(Stopwatch)
    return Trained(curve, stopwatch.seconds / 60)


def _dataset(
    rows: Sequence[EncodedRow] | torch.utils.data.Dataset[dict[str, Any]],
) -> torch.utils.data.Dataset[dict[str, Any]]:
    return rows if isinstance(rows, torch.utils.data.Dataset) else EncodedRows(rows)


def save_memory(model: nn.Module, config: FinetuneConfig) -> None:
    """Trade time for memory if the recipe says so: layers are computed again going backward."""
    if config.gradient_checkpointing:
        encoder: Any = model.encoder
        encoder.activation_checkpointing_enable({"use_reentrant": False})


@torch.inference_mode()
def forward_all(
    model: nn.Module, rows: Sequence[EncodedRow], *, batch_size: int = 64
) -> list[torch.Tensor]:
    """The logits of each row, in order: (columns,) or, for tagging, (tokens, columns)."""
    found: list[torch.Tensor] = [torch.empty(0)] * len(rows)
    for places, outputs in _forward(model, rows, batch_size):
        for row, i in enumerate(places):
            logits, length = outputs["logits"], len(rows[i].input_ids)
            found[i] = logits[row, :length] if logits.dim() == 3 else logits[row]
    return found


@torch.inference_mode()
def classify_rows(
    model: nn.Module, rows: Sequence[EncodedRow], *, batch_size: int = 64
) -> tuple[FloatArray, FloatArray]:
    """Logits (texts, columns) and pooled vectors (texts, hidden) of a classifier, by text.

    A text with several rows has their mean.
    """
    logits: list[torch.Tensor] = [torch.empty(0)] * len(rows)
    pooled = list(logits)
    for places, outputs in _forward(model, rows, batch_size):
        for row, i in enumerate(places):
            logits[i], pooled[i] = outputs["logits"][row], outputs["pooled"][row]
    return of_texts(logits, rows), of_texts(pooled, rows)


def _forward(
    model: nn.Module, rows: Sequence[EncodedRow], batch_size: int
) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
    """The places of a few rows of similar length, and what the model gives for them."""
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids))
    data = EncodedRows(rows)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = collate([data[i] for i in chosen])
        batch.pop("labels")
        batch.pop("sample_weight", None)
        yield chosen, model(**batch)
