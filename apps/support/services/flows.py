"""Flows: stored as drafts, tested, published, switched off, restored. Each write is audited."""

from __future__ import annotations

import hashlib
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.typed import typed
from apps.support.flows.actions import in_caller_thread
from apps.support.flows.reading import read_flow
from apps.support.flows.rehearsing import Exchange, failures, played
from apps.support.models import FlowVersion, StoredFlow

State = FlowVersion.State
MOST_SAID = 40  # messages of a preview


def flow_save(
    *, source: str, author: User | None, file: str = "flow", name: str | None = None
) -> FlowVersion:
    """Store a text as the next draft of the flow that it names; the same text again is no version.

    Raises ``FlowInvalid`` with all that is wrong, and ``InvalidInput`` when the text is of another
    flow than ``name``.
    """
    source = typed(source)
    flow = read_flow(source, file=file)
    if name is not None and flow.name != name:
        raise InvalidInput(
            "The text is of the flow %(name)r, not %(own)r.",
            code="flow_renamed",
            name=flow.name,
            own=name,
        )
    digest = _digest(source)
    with transaction.atomic():
        stored, _ = StoredFlow.objects.get_or_create(name=flow.name, defaults={"title": flow.title})
        stored = StoredFlow.objects.select_for_update().get(pk=stored.pk)
        latest = stored.versions.first()
        if latest is not None and latest.digest == digest:
            return latest
        number = (stored.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version = FlowVersion.objects.create(
            flow=stored, number=number, source=source, digest=digest, author=author
        )
        _record(author, "flow.saved", version)
    return version


def flow_test(*, version_id: int, actor: User | None) -> FlowVersion:
    """Play the rehearsals of a draft; it becomes tested when all hold, else keeps what failed."""
    with transaction.atomic():
        version = _locked(version_id)
        if version.state not in (State.DRAFT, State.TESTED):
            raise Conflict(
                "Version %(number)s is %(state)s.",
                code="flow_state",
                number=version.number,
                state=version.get_state_display().lower(),
            )
        flow = read_flow(version.source, file=version.flow.name)
        version.problems = _here(failures, flow, today=timezone.localdate())
        version.state = State.DRAFT if version.problems else State.TESTED
        version.save(update_fields=["state", "problems"])
        _record(actor, "flow.tested", version, failed=len(version.problems))
    return version


def flow_publish(*, version_id: int, actor: User | None) -> FlowVersion:
    """Make a tested version, or a retired one again, the one that conversations begin.

    Those that run go on in their own version. Raises ``Conflict`` for a draft.
    """
    with transaction.atomic():
        version = _locked(version_id)
        if version.state == State.PUBLISHED:
            return version
        if version.state == State.DRAFT:
            raise Conflict(
                "Version %(number)s is a draft; test it first.",
                code="flow_not_tested",
                number=version.number,
            )
        flow = read_flow(version.source, file=version.flow.name)
        version.flow.versions.filter(state=State.PUBLISHED).update(state=State.RETIRED)
        version.state = State.PUBLISHED
        version.save(update_fields=["state"])
        version.flow.title = flow.title
        version.flow.save(update_fields=["title"])
        _record(actor, "flow.published", version)
    return version


def flow_switch(*, name: str, enabled: bool, actor: User) -> StoredFlow:
    """Let a flow begin, or not any more; conversations that are in it go on."""
    with transaction.atomic():
        flow = StoredFlow.objects.select_for_update().filter(name=name).first()
        if flow is None:
            raise NotFound("There is no such flow.", code="flow_not_found")
        flow.enabled = enabled
        flow.save(update_fields=["enabled"])
        audit_record(
            actor=actor,
            action="flow.enabled" if enabled else "flow.disabled",
            object_type="flow",
            object_id=flow.name,
        )
    return flow


def flow_preview(*, source: str, says: list[str], file: str = "flow") -> list[Exchange]:
    """The conversation with a text that need not be stored, without side effects."""
    if len(says) > MOST_SAID:
        raise InvalidInput(
            "At most %(most_said)s messages are played.",
            code="preview_too_long",
            most_said=MOST_SAID,
        )
    exchanges: list[Exchange] = _here(
        played, read_flow(source, file=file), says, today=timezone.localdate()
    )
    return exchanges


def flow_ship(*, source: str, file: str) -> FlowVersion:
    """Store, test and publish a text that came with a release, once.

    Where a person's version is published it stays so, and the new one waits, tested. Raises
    ``InvalidInput`` naming the rehearsals that do not hold; then nothing is stored.
    """
    known = FlowVersion.objects.select_related("flow").filter(digest=_digest(source)).first()
    if known is not None:
        return known
    with transaction.atomic():
        version = flow_save(source=source, author=None, file=file)
        version = flow_test(version_id=version.pk, actor=None)
        if version.problems:
            raise InvalidInput(f"{file}: {'; '.join(version.problems)}", code="flow_failed")
        theirs = version.flow.versions.filter(state=State.PUBLISHED, author__isnull=False)
        return version if theirs.exists() else flow_publish(version_id=version.pk, actor=None)


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _here(play: Any, *args: Any, **named: Any) -> Any:
    """Play a flow in this thread, with functions that read on this connection."""
    token = in_caller_thread.set(True)
    try:
        return async_to_sync(play)(*args, **named)
    finally:
        in_caller_thread.reset(token)


def _locked(version_id: int) -> FlowVersion:
    rows = FlowVersion.objects.select_for_update(of=("self",)).select_related("flow")
    version = rows.filter(id=version_id).first()
    if version is None:
        raise NotFound("There is no such version.", code="flow_not_found")
    return version


def _record(actor: User | None, action: str, version: FlowVersion, **more: Any) -> None:
    if actor is not None:
        audit_record(
            actor=actor,
            action=action,
            object_type="flow",
            object_id=version.flow.name,
            version=version.number,
            **more,
        )
