"""Places that the course of a run is told to: TensorBoard, Weights & Biases, MLflow."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ml.errors import TrainingError
from ml.training.config import FinetuneConfig

TENSORBOARD = "tensorboard"


class Tracker(Protocol):
    """Takes numbers of a run as it goes on, and its end."""

    name: str

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers at a step of the run, from 1."""

    def finish(self, numbers: Mapping[str, float], *, failed: bool) -> None:
        """The final numbers; nothing is logged after them."""


class TensorBoard:
    """Event files in ``folder/tensorboard``; ``tensorboard --logdir`` shows them."""

    name = "TensorBoard"

    def __init__(self, folder: Path) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(folder / TENSORBOARD), flush_secs=10)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        for name, value in _named(numbers).items():
            self._writer.add_scalar(name, value, step)

    def finish(self, numbers: Mapping[str, float], *, failed: bool) -> None:
        for name, value in _named(numbers).items():
            self._writer.add_scalar(f"final/{name}", value, 0)
        self._writer.close()


class WeightsAndBiases:
    """A run of a Weights & Biases project; asks for the package ``wandb``."""

    name = "Weights & Biases"

    def __init__(
        self, folder: Path, run: str, config: FinetuneConfig, told: dict[str, Any]
    ) -> None:
        wandb = _package("wandb", "wandb_project")
        self._run = wandb.init(
            project=config.wandb_project, name=run, dir=str(folder), config=told, reinit=True
        )

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers), step=step)

    def finish(self, numbers: Mapping[str, float], *, failed: bool) -> None:
        self._run.summary.update(dict(numbers))
        self._run.finish(exit_code=int(failed))


class MLflow:
    """A run of an MLflow experiment; asks for the package ``mlflow`` or ``mlflow-skinny``."""

    name = "MLflow"

    def __init__(
        self, folder: Path, run: str, config: FinetuneConfig, told: dict[str, Any]
    ) -> None:
        self._mlflow = _package("mlflow", "mlflow_uri")
        self._mlflow.set_tracking_uri(config.mlflow_uri)
        self._mlflow.set_experiment(config.mlflow_experiment)
        self._mlflow.start_run(run_name=run)
        # MLflow keeps at most 500 characters of a parameter.
        self._mlflow.log_params({name: str(value)[:500] for name, value in told.items()})
        self._mlflow.log_text((folder / "config.toml").read_text("utf-8"), "config.toml")

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        self._mlflow.log_metrics(_named(numbers), step=step)

    def finish(self, numbers: Mapping[str, float], *, failed: bool) -> None:
        self._mlflow.log_metrics(_named(numbers))
        self._mlflow.end_run("FAILED" if failed else "FINISHED")


def make_trackers(
    folder: Path, run: str, config: FinetuneConfig, told: dict[str, Any]
) -> list[Tracker]:
    """TensorBoard, and what the recipe asks for beside it; ``told`` are the run's parameters.

    Raises :class:`TrainingError` for a package that is not there and a service that cannot be
    reached, before anything is trained.
    """
    trackers: list[Tracker] = [TensorBoard(folder)]
    asked: list[tuple[str, type[WeightsAndBiases] | type[MLflow]]] = [
        (config.wandb_project, WeightsAndBiases),
        (config.mlflow_uri, MLflow),
    ]
    for wanted, make in asked:
        if not wanted:
            continue
        try:
            trackers.append(make(folder, run, config, told))
        except TrainingError:
            raise
        except Exception as error:  # the packages' errors have no common base
            raise TrainingError(f"{make.name} did not take the run: {error}") from error
    return trackers


def _package(name: str, setting: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TrainingError(
            f"{setting} is set, but the package {name} is not installed; pip install {name}"
        ) from error


def _named(numbers: Mapping[str, float]) -> dict[str, float]:
    """The finite numbers, by names that TensorBoard and MLflow take."""
    return {
        name.replace("@", "_at_"): value for name, value in numbers.items() if math.isfinite(value)
    }
