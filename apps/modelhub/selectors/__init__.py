"""Reads: models with their versions, examples, data sets, runs."""

from apps.modelhub.selectors.corrections import corrections_count
from apps.modelhub.selectors.datasets import (
    dataset_get,
    dataset_list,
    dataset_version_get,
    upload_get,
)
from apps.modelhub.selectors.examples import example_list, example_tasks
from apps.modelhub.selectors.runs import (
    needs_override,
    promotion_list,
    roll_back_target,
    run_alike,
    run_estimate,
    run_get,
    run_list,
    run_log,
    run_of_version,
    run_readings,
    run_warnings,
    runs_before,
)
from apps.modelhub.selectors.shipped import (
    kind_of_task,
    known_versions,
    newer_shipped,
    shipped_versions,
)
from apps.modelhub.selectors.trials import trial_list
from apps.modelhub.selectors.versions import (
    ModelVersion,
    artifact_folders,
    card_html,
    task_list,
    version_get,
    version_list,
)

__all__ = [
    "ModelVersion",
    "artifact_folders",
    "card_html",
    "corrections_count",
    "dataset_get",
    "dataset_list",
    "dataset_version_get",
    "example_list",
    "example_tasks",
    "kind_of_task",
    "known_versions",
    "needs_override",
    "newer_shipped",
    "promotion_list",
    "roll_back_target",
    "run_alike",
    "run_estimate",
    "run_get",
    "run_list",
    "run_log",
    "run_of_version",
    "run_readings",
    "run_warnings",
    "runs_before",
    "shipped_versions",
    "task_list",
    "trial_list",
    "upload_get",
    "version_get",
    "version_list",
]
