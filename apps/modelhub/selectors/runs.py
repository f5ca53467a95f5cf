"""Reads of runs: their state, readings and log, and how long one may take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from apps.core.errors import NotFound
from apps.core.models import Job
from apps.core.wording import said
from apps.modelhub.files import run_folder
from apps.modelhub.models import DataKind, Promotion, Run
from ml.runs.process import LOG
from ml.wording import Wording

_USUAL_ROWS_PER_SECOND = 100.0
_USUAL_PAIRS_PER_SECOND = 12.0
_USUAL_OTHER_SECONDS = 40.0
_LOG_SHOWN = 20_000
_LOOKED_AT = 10
_GOING = (Job.Status.QUEUED, Job.Status.RUNNING)


def run_list(*, task: str = "") -> QuerySet[Run]:
    runs = Run.objects.select_related("dataset_version__dataset", "job", "actor")
    return runs.filter(task=task) if task else runs


def run_get(*, run_id: int) -> Run:
    run = run_list().filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.")
    return run


def run_of_version(*, task: str, version: str) -> Run | None:
    """The run that made a version, if one of here did."""
    return run_list(task=task).filter(version=version).first()


def run_alike(*, run: Run) -> Run | None:
    """A run of the same version and settings that has not ended."""
    going = run_list().filter(
        dataset_version=run.dataset_version,
        base=run.base,
        method=run.method,
        advanced=run.advanced,
        job__status__in=_GOING,
    )
    return next((one for one in going if one.options == run.options), None)


def runs_before(*, run: Run) -> int:
    """How many runs are to end before this one begins."""
    waiting = Run.objects.filter(job__status__in=_GOING)
    return waiting.filter(job__created_at__lt=run.job.created_at).count() if run.job else 0


def run_readings(*, run: Run) -> list[dict[str, Any]]:
    """What was read while training, in order."""
    path = run_folder(run.pk) / "curves.jsonl"
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:  # cut off by a kill
            continue
    return rows


def run_warnings(*, run: Run) -> list[str]:
    """What the run's process warned of, in the language of the reader."""
    try:
        told = json.loads((run_folder(run.pk) / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:  # it has not begun
        return []
    return [said(Wording.of(parts)) for parts in told.get("warnings_parts", [])]


def run_log(*, run: Run) -> str:
    """The end of what the run's process wrote."""
    path = run_folder(run.pk) / LOG
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_SHOWN))
        return file.read().decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Estimate:
    """The seconds that a run may take, and the number of earlier runs that say so."""

    seconds: float
    runs: int


def run_estimate(
    *, rows: int, epochs: float, method: str, kind: str = DataKind.CLASSIFICATION
) -> Estimate:
    """How long a run may take, by the rate of the last runs with that method here; those of pairs
    are apart, since a row of theirs is two or three longer texts."""
    pairs = Q(dataset_version__dataset__kind=DataKind.EMBEDDING)
    alike = pairs if kind == DataKind.EMBEDDING else ~pairs
    done = Run.objects.filter(alike, job__status=Job.Status.SUCCEEDED, method=method)[:_LOOKED_AT]
    known = [
        run for run in done if _epochs_read(run) and run.result.get("seconds", {}).get("training")
    ]
    work = training = other = 0.0
    for run in known:
        work += run.result["train_rows"] * _epochs_read(run)
        training += run.result["seconds"]["training"]
        other += run.result["seconds"]["other"]
    usual = _USUAL_PAIRS_PER_SECOND if kind == DataKind.EMBEDDING else _USUAL_ROWS_PER_SECOND
    rate = work / training if work else usual
    beside = other / len(known) if known else _USUAL_OTHER_SECONDS
    return Estimate(rows * epochs / rate + beside, len(known))


def _epochs_read(run: Run) -> float:
    """How often a run read its rows: what it told, or, of one from before runs told it, what a
    person asked for; 0 where neither is known."""
    found: float = run.result.get("epochs") or run.options.get("epochs", 0.0)
    return found


def promotion_list(*, task: str = "") -> QuerySet[Promotion]:
    rows = Promotion.objects.select_related("actor", "run")
    return rows.filter(task=task) if task else rows


def needs_override(*, task: str, version: str) -> bool:
    """Whether a version goes live against the gate only: one whose run did not pass it, or that
    came without a run and never was live."""
    run = run_of_version(task=task, version=version)
    if run is not None:
        return not run.gate.get("passed", False)
    done = promotion_list(task=task).filter(state=Promotion.State.DONE)
    return not done.filter(Q(before=version) | Q(after=version)).exists()


def roll_back_target(*, task: str, live: str) -> str:
    """The version that was served before ``live`` came, empty when that is not known."""
    done = promotion_list(task=task).filter(state=Promotion.State.DONE)
    last = done.filter(after=live).first()
    return last.before if last else ""
