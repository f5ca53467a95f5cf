"""Trying a version on live traffic: start, stop, and the return of a canary by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub import selectors
from apps.modelhub.models import Trial
from apps.modelhub.services.promotions import MAX_REASON, check_kind
from ml.errors import MLError
from ml.wording import Wording

logger = structlog.get_logger(__name__)
State = Trial.State
_PAIRS_KEPT = 200

# When a canary returns.
FAILED_CALLS = 3
LEAST_TEXTS = 50
SLOWER, SLOWER_MS = 3.0, 50.0
LESS_SURE = 0.15


@dataclass(slots=True)
class Counts:
    """What one process saw of a trial since it last stored that."""

    compared: int = 0
    agreed: int = 0
    failures: int = 0
    candidate_texts: int = 0
    candidate_seconds: float = 0.0
    candidate_confidence: float = 0.0
    live_texts: int = 0
    live_seconds: float = 0.0
    live_confidence: float = 0.0
    differences: Counter[str] = field(default_factory=Counter)


def trial_start(
    *, actor: Any, task: str, version: str, kind: str, percent: int, reason: str = ""
) -> Trial:
    """Try ``version`` on ``percent`` of the traffic of a task, in every server process.

    A canary acts, so it must have passed the gate as a promotion must. Raises ``Conflict`` for a
    version that cannot be served, that is live or of another kind, or while another trial of the
    task runs.
    """
    if kind not in Trial.Kind.values:
        raise InvalidInput(
            "%(kind)s is no kind of trial.", fields={"kind": "unknown"}, kind=kind[:20]
        )
    most = 50 if kind == Trial.Kind.CANARY else 100
    if not 1 <= percent <= most:
        raise InvalidInput(
            "A %(kind)s takes 1 to %(most)s percent.",
            fields={"percent": "out of range"},
            kind=kind,
            most=most,
        )
    if len(reason) > MAX_REASON:
        raise InvalidInput("The reason is too long.", fields={"reason": "too long"})
    try:
        store = gateway.model_store()
        live = store.active_version(task)
        artifact = store.artifact(task, version)
    except MLError as error:
        raise Conflict(error.words, code=error.code) from error
    if live == version:
        raise Conflict(
            "%(version)s of %(task)s is live already.",
            code="live_already",
            version=version,
            task=task,
        )
    check_kind(task, version)
    if artifact.kind == "embedding":
        raise Conflict(
            (
                "%(task)s is a sentence encoder: what is indexed by one version cannot be "
                "compared with what another reads, so that no part of the traffic can try it."
            ),
            code="trial_of_encoder",
            task=task,
        )
    if kind == Trial.Kind.CANARY and selectors.needs_override(task=task, version=version):
        raise Conflict("This version did not pass a gate.", code="gate_failed")
    try:
        with transaction.atomic():
            trial = Trial.objects.create(
                task=task,
                kind=kind,
                live=live,
                candidate=version,
                percent=percent,
                reason=reason.strip(),
                actor=actor,
            )
            _audit(actor, trial, "trial.started", percent=percent, reason=trial.reason)
    except IntegrityError as error:
        raise Conflict(
            "Another version of %(task)s is tried already.", code="trial_runs", task=task
        ) from error
    return trial


def trial_stop(*, actor: Any, trial_id: int, reason: str = "") -> Trial:
    """End a trial; the live version answers all again. Raises ``Conflict`` when it has ended."""
    trial = _end(trial_id, State.STOPPED, reason.strip()[:MAX_REASON], actor)
    if trial is None:
        raise Conflict("This trial has ended, or never was.", code="trial_ended")
    return trial


def trial_count(*, trial_id: int, counts: Counts) -> Trial | None:
    """Add what a process saw; returns a canary that returned because of it.

    A canary returns when calls fail, when it is much slower or much less sure than the live
    version, or when another version went live.
    """
    with transaction.atomic():
        trial = Trial.objects.select_for_update().filter(pk=trial_id, state=State.RUNNING).first()
        if trial is None:
            return None
        for name in Counts.__dataclass_fields__:
            if name != "differences":
                setattr(trial, name, getattr(trial, name) + getattr(counts, name))
        pairs = Counter(trial.differences) + counts.differences
        trial.differences = dict(pairs.most_common(_PAIRS_KEPT))
        trial.save()
    why = why_it_ends(trial)
    return _end(trial.pk, State.RETURNED, why, None) if why else None


def why_it_ends(trial: Trial) -> Wording | None:
    """What is wrong with a trial, in words; ``None`` when it may go on."""
    live = _live(trial.task)
    if not live:
        return Wording("Nothing is live by now, where %(before)s was.", before=trial.live)
    if live != trial.live:
        return Wording("%(live)s is live by now, not %(before)s.", live=live, before=trial.live)
    if trial.kind == Trial.Kind.SHADOW:
        return None
    if trial.failures >= FAILED_CALLS:
        return Wording(
            "%(failures)s calls failed; the live version answered them.", failures=trial.failures
        )
    if min(trial.candidate_texts, trial.live_texts) < LEAST_TEXTS:
        return None
    ours, theirs = trial.candidate_mean_ms or 0.0, trial.live_mean_ms or 0.0
    if ours > SLOWER * theirs and ours > theirs + SLOWER_MS:
        return Wording(
            "It takes %(ours)s ms, the live version %(theirs)s ms.",
            ours=f"{ours:.0f}",
            theirs=f"{theirs:.0f}",
        )
    sure, before = trial.candidate_mean_confidence or 0.0, trial.live_mean_confidence or 0.0
    if sure < before - LESS_SURE:
        return Wording(
            "Its confidence is %(sure)s on average, the live version's %(before)s.",
            sure=f"{sure:.0%}",
            before=f"{before:.0%}",
        )
    return None


def _end(trial_id: int, state: str, why: str, actor: Any | None) -> Trial | None:
    with transaction.atomic():
        ended = Trial.objects.filter(pk=trial_id, state=State.RUNNING).update(
            state=state,
            ended_because=str(why),
            ended_parts=why.parts() if isinstance(why, Wording) else None,
            ended_at=timezone.now(),
        )
        if not ended:
            return None
        trial = Trial.objects.get(pk=trial_id)
        action = "trial.stopped" if state == State.STOPPED else "trial.returned"
        _audit(actor, trial, action, reason=trial.ended_because)
    logger.info("trial ended", task=trial.task, state=state, reason=trial.ended_because)
    return trial


def _audit(actor: Any | None, trial: Trial, action: str, **details: Any) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="model",
        object_id=trial.task,
        kind=trial.kind,
        live=trial.live,
        candidate=trial.candidate,
        **details,
    )


def _live(task: str) -> str:
    try:
        return gateway.model_store().active_version(task)
    except MLError:
        return ""
