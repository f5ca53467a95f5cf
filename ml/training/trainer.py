"""Runs the optimisation, on transformers' Trainer: schedules, precision, checkpoints, resuming."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint, set_seed

from ml.errors import TrainingError
from ml.models.tuning.method import Method
from ml.models.tuning.registry import make_method
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, EncodedRows, collate

ProgressCallback = Callable[[int, int, str], None]
_LOG_EVERY = 20


class _Reporter(TrainerCallback):
    """Passes steps and loss on, and stops at a loss that is not a number."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self._progress = progress
        self._message = ""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} at step {state.global_step}; lower the learning rate"
            )
        self._message = f"loss {loss:.3f}"

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == state.max_steps:
            control.should_log = True  # so that the shortest run's loss is looked at too
        if self._progress is not None:
            self._progress(state.global_step, state.max_steps, self._message)


class _Trainer(Trainer):
    """transformers' Trainer with the learning rates and the penalty of a tuning method."""

    def __init__(self, *, method: Method, model: nn.Module, **settings: Any) -> None:
        super().__init__(model=model, **settings)
        self._method = method
        self._encoder = _encoder_of(model)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        rates = {
            parameter: self._method.rate(self._encoder, name)
            for name, parameter in self._encoder.named_parameters()
        }
        if set(rates.values()) - {1.0}:
            optimizer.param_groups[:] = split_by_rate(optimizer.param_groups, rates)
        return optimizer

    def compute_loss(self, *positional: Any, **named: Any) -> Any:
        answer = super().compute_loss(*positional, **named)
        penalty = self._method.penalty(self._encoder)
        if penalty is None:
            return answer
        return (answer[0] + penalty, answer[1]) if isinstance(answer, tuple) else answer + penalty


def split_by_rate(
    groups: Sequence[dict[str, Any]], rates: dict[nn.Parameter, float]
) -> list[dict[str, Any]]:
    """The optimiser's groups with those parameters apart whose rate is multiplied by another.

    ``rates`` holds the factor of a group's ``lr`` for each parameter; 1 for those not in it.
    """
    found = []
    for group in groups:
        of_factor: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            of_factor.setdefault(rates.get(parameter, 1.0), []).append(parameter)
        found += [
            {**group, "params": parameters, "lr": group["lr"] * factor}
            for factor, parameters in of_factor.items()
        ]
    return found


def _encoder_of(model: nn.Module) -> nn.Module:
    encoder: nn.Module = model.encoder  # type: ignore[assignment]
    return encoder


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch."""
    set_seed(seed)


def train(
    model: nn.Module,
    rows: Sequence[EncodedRow] | torch.utils.data.Dataset[dict[str, Any]],
    config: FinetuneConfig,
    *,
    run_folder: Path,
    progress: ProgressCallback | None = None,
    collator: Callable[[Sequence[dict[str, Any]]], dict[str, Any]] = collate,
) -> list[dict[str, float]]:
    """Train ``model`` in place and return the loss curve.

    Checkpoints go to ``run_folder`` after each epoch; a run that was killed goes on from the last
    one when it is started again with the same folder. Batches hold texts of similar length;
    ``collator`` makes them of the rows, or of the items if a data set is given.

    Raises :class:`TrainingError` when the loss is not finite.
    """
    arguments = TrainingArguments(
        output_dir=str(run_folder),
        per_device_train_batch_size=config.batch_size,
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup,
        max_grad_norm=1.0,
        bf16=config.bf16,
        use_cpu=not torch.cuda.is_available(),
        train_sampling_strategy="group_by_length",
        remove_unused_columns=False,
        label_names=["labels"],
        logging_steps=_LOG_EVERY,
        logging_nan_inf_filter=False,
        save_strategy="epoch",
        save_total_limit=1,
        seed=config.seed,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    dataset = rows if isinstance(rows, torch.utils.data.Dataset) else EncodedRows(rows)
    method = make_method(config.method_settings())
    trainer = _Trainer(
        method=method, model=model, args=arguments, train_dataset=dataset, data_collator=collator
    )
    trainer.remove_callback(_printer())
    for callback in (*method.callbacks(_encoder_of(model)), _Reporter(progress)):
        trainer.add_callback(callback)
    last = get_last_checkpoint(str(run_folder)) if run_folder.is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    if not all(torch.isfinite(weight).all() for weight in model.parameters()):
        raise TrainingError(
            "the last step left weights that are no numbers; lower the learning rate"
        )
    return [
        {"step": float(entry["step"]), "loss": float(entry["loss"])}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]


def _printer() -> type[TrainerCallback]:
    from transformers.trainer_callback import PrinterCallback

    return PrinterCallback


@torch.inference_mode()
def forward_all(
    model: nn.Module, rows: Sequence[EncodedRow], *, batch_size: int = 64
) -> list[torch.Tensor]:
    """The logits of each row, in order: (columns,) or, for tagging, (tokens, columns)."""
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids))
    found: list[torch.Tensor] = [torch.empty(0)] * len(rows)
    data = EncodedRows(rows)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = collate([data[i] for i in chosen])
        batch.pop("labels")
        logits = model(**batch)["logits"]
        for row, i in enumerate(chosen):
            length = len(rows[i].input_ids)
            found[i] = logits[row, :length] if logits.dim() == 3 else logits[row]
    return found
