"""From a recipe's settings to transformers' TrainingArguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from ml.errors import TrainingError
from ml.training.config import FinetuneConfig
from ml.training.settings.optimisation import OPTIMIZERS, SCHEDULES
from ml.wording import Wording

LOG_EVERY = 20
"""Steps from one reading of loss and rate to the next, at most."""

LEAST_READINGS = 10
"""Readings of a run that has fewer steps than so many times :data:`LOG_EVERY`."""


def computes_in_bf16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware: its GPU, or a CPU with AVX512-BF16 or
    AMX.

    Elsewhere PyTorch imitates it, ten to twenty times slower than float32.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def training_arguments(config: FinetuneConfig, run_folder: Path) -> TrainingArguments:
    """The arguments of a run whose checkpoints go to ``run_folder``.

    Two checkpoints are kept: one may be half-written when the run is killed.

    Raises :class:`TrainingError` for ``fp16`` without a GPU.
    """
    on_gpu = torch.cuda.is_available()
    if config.fp16 and not on_gpu:
        raise TrainingError(Wording("fp16 needs a GPU; use bf16, or neither for float32"))
    return TrainingArguments(
        output_dir=str(run_folder),
        per_device_train_batch_size=config.batch_size,
        num_train_epochs=config.epochs,
        learning_rate=config.rate,
        weight_decay=config.weight_decay,
        optim=OPTIMIZERS[config.optimizer],
        lr_scheduler_type=SCHEDULES[config.schedule],
        warmup_steps=config.warmup,
        gradient_accumulation_steps=config.accumulation,
        max_grad_norm=config.clip,
        bf16=config.bf16 and not config.fp16 and computes_in_bf16(),
        fp16=config.fp16,
        use_cpu=not on_gpu,
        remove_unused_columns=False,
        label_names=["labels"],
        logging_steps=LOG_EVERY,
        logging_nan_inf_filter=False,
        save_total_limit=2,
        # How long a run with patience has waited goes on counting after a kill.
        restore_callback_states_from_checkpoint=True,
        seed=config.seed,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=on_gpu,
        **_checkpoints(config),
    )


def _checkpoints(config: FinetuneConfig) -> dict[str, Any]:
    """When to save and, with ``patience``, to measure: after each epoch, as its best is kept."""
    if config.patience:
        return {
            "save_strategy": "epoch",
            "eval_strategy": "epoch",
            "load_best_model_at_end": True,
            "metric_for_best_model": f"eval_{config.best_by}",
            "greater_is_better": config.best_by == "accuracy",
            "per_device_eval_batch_size": 64,
        }
    measured = (
        {"eval_strategy": "epoch", "per_device_eval_batch_size": 64}
        if config.measure_epochs
        else {}
    )
    if config.save_every:
        return {"save_strategy": "steps", "save_steps": config.save_every, **measured}
    return {"save_strategy": "epoch", **measured}
