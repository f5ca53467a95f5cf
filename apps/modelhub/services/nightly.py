"""The nightly loop: set, begun when enough corrections have come, followed, promoted by a click.

The version of the data set, the run and the night's row are committed together, so that a killed
process leaves all or none; what follows is read from the run, whose job outlives its worker.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core import gateway, locks
from apps.core.errors import Conflict, FieldNames, InvalidInput, Problem, unusable
from apps.core.models import Job
from apps.modelhub.models import DataSet, Night, NightlyLoop
from apps.modelhub.selectors.nightly import is_due, loop_list, new_corrections, night_list
from apps.modelhub.services.datasets import version_extend
from apps.modelhub.services.promotions import version_promote
from apps.modelhub.services.runs import METHODS, MOST_EPOCHS, RECIPES, run_start
from ml.wording import Wording

logger = structlog.get_logger(__name__)
State = Night.State
MOST_NEW = 100_000


def loop_set(
    *,
    actor: Any,
    dataset: DataSet,
    enabled: bool,
    least_new: int = 50,
    hour: int = 2,
    method: str = "lora",
    recipe: str = "plain",
    epochs: float | None = None,
) -> NightlyLoop:
    """Set the loop of the data set's task; raises ``InvalidInput`` naming what cannot be."""
    problems = {
        "least_new": not 1 <= least_new <= MOST_NEW,
        "hour": not 0 <= hour <= 23,
        "method": method not in METHODS,
        "recipe": recipe not in RECIPES,
        "epochs": epochs is not None and not 0 < epochs <= MOST_EPOCHS,
    }
    if bad := unusable(problems, "out of range or unknown"):
        raise InvalidInput(
            "The loop's %(bad)s cannot be used.",
            fields=bad,
            bad=FieldNames(bad),
        )
    with transaction.atomic():
        loop, _ = NightlyLoop.objects.update_or_create(
            task=dataset.task,
            defaults={
                "dataset": dataset,
                "enabled": enabled,
                "least_new": least_new,
                "hour": hour,
                "method": method,
                "recipe": recipe,
                "epochs": epochs,
                "actor": actor,
            },
        )
        audit_record(
            actor=actor,
            action="nightly.set",
            object_type="nightly_loop",
            object_id=loop.pk,
            task=loop.task,
            enabled=enabled,
            least_new=least_new,
            hour=hour,
        )
    return loop


def loops_step(*, now: datetime | None = None) -> int:
    """Follow the nights that are open and begin those that are due; returns how many began."""
    now = now or timezone.now()
    for night in night_list().filter(state__in=Night.OPEN):
        _follow(night)
    begun = 0
    for loop in loop_list().filter(enabled=True):
        if not is_due(loop=loop, now=now) or _open(loop):
            continue
        if new_corrections(dataset=loop.dataset) < loop.least_new:
            continue
        try:
            night_begin(loop=loop)
        except Conflict:
            continue  # another process has begun it
        begun += 1
    return begun


def night_begin(*, loop: NightlyLoop, actor: Any | None = None) -> Night:
    """Build the data set version and queue its run, now.

    What cannot be built or trained is a night that failed, with the reason. Raises ``Conflict``
    while a night of this loop is open, or when nothing was corrected since the last version.
    """
    if not new_corrections(dataset=loop.dataset):
        raise Conflict(
            "Nobody has corrected %(task)s since the last version.",
            code="no_corrections",
            task=loop.task,
        )
    try:
        return _begin(loop, actor)
    except IntegrityError as error:
        raise _going_on(loop) from error
    except Problem as problem:
        if problem.code == "night_open":
            raise
        logger.warning("nightly loop failed", task=loop.task, problem=problem.message)
        night = Night(loop=loop, state=State.FAILED, actor=actor, ended_at=timezone.now())
        night.corrections = new_corrections(dataset=loop.dataset)
        night.problem = problem.message[:500]
        with transaction.atomic():
            night.save()
            _audit(night, "nightly.failed", actor, problem=night.problem)
        return night


def night_promote(*, night: Night, actor: Any) -> Night:
    """Serve what the night trained; raises ``Conflict`` when it does not wait, another version is
    live than the one that its gate compared with, or that one could not be measured."""
    run = _waiting(night)
    if run.result.get("live_problem"):
        raise Conflict(
            "The live version could not be measured, so the two were not compared; promote "
            "%(version)s on the page of its run.",
            code="not_compared",
            version=run.version,
        )
    compared = (run.result.get("live") or {}).get("version", "")
    version_promote(
        actor=actor, task=run.task, version=run.version, reason="nightly loop", expected=compared
    )
    return _end(night, State.PROMOTED, actor)


def night_dismiss(*, night: Night, actor: Any) -> Night:
    """Let what the night trained be; raises ``Conflict`` when it does not wait."""
    _waiting(night)
    return _end(night, State.DISMISSED, actor)


def _begin(loop: NightlyLoop, actor: Any | None) -> Night:
    with transaction.atomic():
        locks.hold(f"modelhub.nightly.{loop.pk}")
        if _open(loop):
            raise _going_on(loop)
        corrections = new_corrections(dataset=loop.dataset)
        base = "latest" if loop.dataset.versions.exists() else "none"
        version = version_extend(actor=actor, dataset=loop.dataset, base=base)
        run = run_start(
            actor=actor,
            version=version,
            method=loop.method,
            recipe=loop.recipe,
            epochs=loop.epochs,
        )
        night = Night.objects.create(loop=loop, corrections=corrections, run=run, actor=actor)
        _audit(night, "nightly.begun", actor, run=run.pk)
    return night


def _follow(night: Night) -> None:
    """Set a night that is open to what its run has come to."""
    if night.state not in Night.OPEN:
        return
    run = night.run
    if run is None:
        _end(night, State.FAILED, None, Wording("Its run is gone."))
    elif night.state == State.WAITING:
        store = gateway.model_store()
        if run.task in store.tasks() and store.active_version(run.task) == run.version:
            _end(night, State.PROMOTED, None)
    elif run.state == Job.Status.SUCCEEDED:
        if run.gate.get("passed"):
            _change(night, state=State.WAITING)
        else:
            _end(night, State.REFUSED, None)
    elif run.is_finished:
        told = run.job.message if run.job else ""
        cancelled = run.state == Job.Status.CANCELLED
        ended = Wording("Its run was cancelled.") if cancelled else Wording("Its run failed.")
        _end(night, State.FAILED, None, told or ended)


def _waiting(night: Night) -> Any:
    _follow(night)
    night.refresh_from_db()
    if night.state != State.WAITING or night.run is None:
        raise Conflict(
            "This night does not wait: %(state)s.",
            code="night_over",
            state=night.get_state_display().lower(),
        )
    return night.run


def _end(night: Night, state: str, actor: Any | None, problem: str = "") -> Night:
    with transaction.atomic():
        changed = _change(night, state=state, ended_at=timezone.now(), problem=problem[:500])
        if changed:
            _audit(night, f"nightly.{state}", actor, **({"problem": problem} if problem else {}))
    night.refresh_from_db()
    return night


def _change(night: Night, **values: Any) -> bool:
    """Change the night unless another process has done so since it was read."""
    return bool(Night.objects.filter(pk=night.pk, state=night.state).update(**values))


def _open(loop: NightlyLoop) -> bool:
    return loop.nights.filter(state__in=Night.OPEN).exists()


def _going_on(loop: NightlyLoop) -> Conflict:
    return Conflict(
        "A night of %(task)s trains or waits already.", code="night_open", task=loop.task
    )


def _audit(night: Night, action: str, actor: Any | None, **more: Any) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="night",
        object_id=night.pk,
        task=night.loop.task,
        **more,
    )
