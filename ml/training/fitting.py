"""One training of a new model, and the one on all rows that may follow it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from ml.training.datasets import EncodedRow
from ml.training.rows import FinetuneRequest
from ml.training.storing import Fit
from ml.training.trainer import ProgressCallback, seed_everything, train

Settle = Callable[[torch.nn.Module, Sequence[EncodedRow]], None]
"""What is done to a model once it has been trained on the rows."""


def fit_model(
    request: FinetuneRequest,
    make: Callable[[], torch.nn.Module],
    rows: Sequence[EncodedRow],
    progress: ProgressCallback | None,
    valid: Sequence[EncodedRow] | None = None,
    run: str = ".",
    settle: Settle | None = None,
) -> Fit:
    """What ``make`` makes, trained on ``rows`` by the request's recipe.

    ``run`` is the folder of its checkpoints in that of the request's; ``valid`` are held-out rows
    that may stop it. Raises :class:`ml.errors.TrainingError` when the loss is not finite.
    """
    seed_everything(request.config.seed)
    model = make()
    trained = train(
        model,
        rows,
        request.config,
        run_folder=request.run_folder / run,
        valid=valid,
        progress=progress,
        watch=request.watch(run),
    )
    settling = time.monotonic()
    if settle is not None:
        settle(model, rows)
    return Fit(model, trained.curve, trained.minutes + (time.monotonic() - settling) / 60)


def refit_model(
    request: FinetuneRequest,
    make: Callable[[], torch.nn.Module],
    rows: Sequence[EncodedRow],
    progress: ProgressCallback | None,
    minutes: float,
    settle: Settle | None = None,
) -> Fit:
    """A new model trained on ``rows``, the held-out ones included, after so many ``minutes``."""
    fit = fit_model(request, make, rows, progress, run="refit", settle=settle)
    return replace(fit, minutes=minutes + fit.minutes)
