"""Where the course of a run is told, beside its own folder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingSettings:
    """A run's folder and its TensorBoard file are always written (:mod:`ml.training.tracking`).

    With ``wandb_project`` the run is told to Weights & Biases too, with ``mlflow_uri`` to MLflow,
    as a run of ``mlflow_experiment``; their packages, ``wandb`` and ``mlflow-skinny`` or
    ``mlflow``, are to be installed by whoever asks for them.
    """

    wandb_project: str = ""
    mlflow_uri: str = ""
    mlflow_experiment: str = "trefoil"
