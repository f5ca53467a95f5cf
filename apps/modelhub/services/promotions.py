"""Which version of a task is served: promotion, rolling back, and their record.

The record is committed before the models' folder changes and closed after it. A process that is
killed in between leaves it ``pending``; the next promotion of the task, or the housekeeping,
carries it out. So each change of the live version has a record, and each record is true.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from apps.accounts.services import audit_record
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.modelhub import selectors
from apps.modelhub.models import Promotion
from ml.errors import MLError, ModelNotFound
from ml.wording import Wording

logger = structlog.get_logger(__name__)
MAX_REASON = 500
State = Promotion.State


def version_promote(
    *,
    actor: Any | None,
    task: str,
    version: str,
    reason: str = "",
    expected: str | None = None,
    override: bool = False,
    by_command: bool = False,
) -> Promotion:
    """Serve ``version`` of ``task``, in every process, from the next request on.

    ``expected`` is the version that the person saw as live, empty where none was: ``Conflict``
    when it is another by now. The version must have passed the gate of its run, or have been live
    before; ``override`` promotes another, which takes ``modelhub.override_gate`` and a reason.
    Whoever can run commands on the server (``by_command``) may do all of that; the record says so.
    """
    reason = _reason(reason)
    promotions_settle(task=task)
    # First of all: of a version that is not there no gate tells anything.
    check_kind(task, version)
    run = selectors.run_of_version(task=task, version=version)
    failed = selectors.needs_override(task=task, version=version)
    if failed and not by_command:
        _check_override(actor, override, reason)
    live = _live(task)
    _check_expected(task, live, expected)
    if live == version:
        raise Conflict(
            "%(version)s of %(task)s is live already.",
            code="live_already",
            version=version,
            task=task,
        )
    return _switch(
        Promotion.Kind.PROMOTE,
        actor=actor,
        task=task,
        before=live,
        after=version,
        reason=reason or ("by command" if by_command else ""),
        overrides_gate=failed,
        run=run,
    )


def version_roll_back(
    *, actor: Any, task: str, reason: str = "", expected: str | None = None
) -> Promotion:
    """Serve the version that was live before the present one; raises ``Conflict`` without one."""
    promotions_settle(task=task)
    live = _live(task)
    _check_expected(task, live, expected)
    before = selectors.roll_back_target(task=task, live=live)
    if not before:
        raise Conflict(
            "No earlier version of %(task)s was recorded.", code="nothing_before", task=task
        )
    return _switch(
        Promotion.Kind.ROLL_BACK,
        actor=actor,
        task=task,
        before=live,
        after=before,
        reason=_reason(reason),
        overrides_gate=False,
        run=None,
    )


def promotions_settle(*, task: str | None = None, before: datetime | None = None) -> int:
    """Carry out what killed processes left pending; returns how many records were closed.

    Of one task, or those made before a moment. To carry out twice what is being carried out is
    harmless: the folder gets the same word, and the record is closed once.
    """
    rows = Promotion.objects.filter(state=State.PENDING)
    if task is not None:
        rows = rows.filter(task=task)
    if before is not None:
        rows = rows.filter(created_at__lt=before)
    return sum(_settle(promotion) for promotion in rows)


def _settle(promotion: Promotion) -> int:
    live = _live(promotion.task)
    if live not in (promotion.before, promotion.after):
        told = Wording("Another version became live in between.")
        return _close(promotion, State.FAILED, told)
    _carry_out(promotion)
    return 1


def _switch(kind: Promotion.Kind, *, actor: Any | None, **values: Any) -> Promotion:
    task, after = values["task"], values["after"]
    try:
        # Checked first, so that what cannot be served leaves no record.
        gateway.model_store().info(task, after)
        gateway.prepare(task, after)
    except MLError as error:
        raise Conflict(error.words, code=error.code) from error
    person = actor if actor is not None and actor.is_authenticated else None
    try:
        with transaction.atomic():
            promotion = Promotion.objects.create(kind=kind, actor=person, **values)
            audit_record(
                actor=actor,
                action="model.promoted" if kind == Promotion.Kind.PROMOTE else "model.rolled_back",
                object_type="model",
                object_id=task,
                **{"from": values["before"], "to": after, "reason": values["reason"]},
                **({"overrides_gate": True} if values["overrides_gate"] else {}),
            )
    except IntegrityError as error:
        raise Conflict(
            "%(task)s is being promoted at this moment.", code="promotion_pending", task=task
        ) from error
    _carry_out(promotion)
    return promotion


def _carry_out(promotion: Promotion) -> None:
    """Change the models' folder, and close the record."""
    try:
        gateway.model_store().activate(promotion.task, promotion.after)
    except MLError as error:
        logger.warning("promotion failed", task=promotion.task, error=str(error))
        _close(promotion, State.FAILED, str(error))
        raise Conflict(error.words, code=error.code) from error
    _close(promotion, State.DONE)


def _close(promotion: Promotion, state: Promotion.State, problem: str = "") -> int:
    promotion.state, promotion.problem = state, problem[:500]
    open_one = Promotion.objects.filter(pk=promotion.pk, state=State.PENDING)
    return open_one.update(state=state, problem=promotion.problem)


def _live(task: str) -> str:
    try:
        return gateway.model_store().active_version(task)
    except ModelNotFound:
        return ""
    except MLError as error:
        raise Conflict(error.words, code=error.code) from error


def _reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > MAX_REASON:
        raise InvalidInput(
            "The reason has %(reason)s characters; %(max_reason)s are allowed.",
            fields={"reason": "too long"},
            reason=f"{len(reason):,}",
            max_reason=MAX_REASON,
        )
    return reason


def check_kind(task: str, version: str) -> None:
    """What asks the task for answers takes those of one kind; raises ``Conflict``."""
    try:
        kind = gateway.model_store().info(task, version).kind
    except MLError as error:
        raise Conflict(error.words, code=error.code) from error
    expected = selectors.kind_of_task(task=task)
    if expected is not None and kind != expected:
        raise Conflict(
            "%(version)s is of the kind %(kind)s, and %(task)s of the kind %(expected)s; give it "
            "a task of its own.",
            code="kind_differs",
            version=version,
            kind=kind,
            task=task,
            expected=expected,
        )


def _check_expected(task: str, live: str, expected: str | None) -> None:
    """Raises ``Conflict`` where another version is live than the one that somebody looked at."""
    if expected is None or expected == live:
        return
    if not live:
        raise Conflict(
            "No version of %(task)s is live by now; look at it again.",
            code="live_changed",
            task=task,
        )
    raise Conflict(
        "%(live)s of %(task)s is live by now, not %(expected)s; look at it again."
        if expected
        else "%(live)s of %(task)s is live by now; look at it again.",
        code="live_changed",
        live=live,
        task=task,
        expected=expected,
    )


def _check_override(actor: Any, override: bool, reason: str) -> None:
    if not override:
        raise Conflict("This version did not pass a gate.", code="gate_failed")
    if not actor.has_perm("modelhub.override_gate"):
        raise NotAllowed("Only administrators may promote against the gate.")
    if not reason:
        raise InvalidInput(
            "Say why this version is promoted against the gate.", fields={"reason": "missing"}
        )
