"""Groups of matters, the errors promised for them, and notices when a promise is in danger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput
from apps.support import knowledge
from apps.support.models import Article, IntentGroup, PromiseNotice
from apps.support.promises import kept_by
from apps.support.selectors import promises as selectors
from apps.support.services.corrections import intent_labels
from ml.evaluation.promises import least_error, rows_needed

MOST_ERROR = 0.5
_NAME = 60


def group_save(
    *,
    group_id: int | None,
    actor: User,
    name: str,
    intents: Sequence[str],
    error: float | None,
) -> IntentGroup:
    """Make or change a group; the bot goes by it at once.

    Raises ``InvalidInput`` for a promise that the held-out rows cannot carry, an unknown intent, or
    one that another group has; ``Conflict`` for a name that is taken.
    """
    title = " ".join(name.split())
    if not 0 < len(title) <= _NAME:
        raise InvalidInput(
            "Name the group, in %(name)s characters at most.",
            fields={"name": "empty or too long"},
            name=_NAME,
        )
    chosen = sorted({intent.strip() for intent in intents if intent.strip()})
    try:
        with transaction.atomic():
            group = selectors.group_get(group_id=group_id) if group_id else IntentGroup()
            _check_intents(chosen, group)
            if error is not None:
                _check_error(error, chosen)
            before = group.error
            group.name, group.intents, group.error = title, chosen, error
            group.save()
            knowledge.version_bump()
            audit_record(
                actor=actor,
                action="promise.saved",
                object_type="intent_group",
                object_id=group.pk,
                name=title,
                before=before,
                error=error,
            )
    except IntegrityError as failure:
        raise Conflict(
            "There is a group called %(title)r.",
            code="group_exists",
            fields={"name": "taken"},
            title=title,
        ) from failure
    notices_renew()
    return group


def group_delete(*, group_id: int, actor: User) -> None:
    with transaction.atomic():
        group = selectors.group_get(group_id=group_id)
        audit_record(
            actor=actor,
            action="promise.deleted",
            object_type="intent_group",
            object_id=group.pk,
            name=group.name,
        )
        group.delete()
        knowledge.version_bump()


def groups_of_topics(*, actor: User) -> int:
    """Make a group, without a promise, of the intents of each topic of the knowledge base that no
    group has yet; returns how many were made."""
    taken = {intent for group in IntentGroup.objects.all() for intent in group.intents}
    known = set(intent_labels())
    found: dict[str, set[str]] = {}
    for article in Article.objects.all():
        found.setdefault(article.topic or "Other matters", set()).update(article.intents)
    made = 0
    for topic, intents in sorted(found.items()):
        name = topic.replace("-", " ").replace("_", " ").capitalize()[:_NAME]
        free = (intents & known) - taken
        if free and not IntentGroup.objects.filter(name=name).exists():
            group_save(group_id=None, actor=actor, name=name, intents=sorted(free), error=None)
            taken |= free
            made += 1
    return made


def notices_renew() -> int:
    """Raise a notice for each promise that is newly in danger and end those that are over; returns
    how many were raised."""
    wanted = selectors.dangers()
    raised = 0
    with transaction.atomic():
        opened = {
            (notice.group_id, notice.kind): notice
            for notice in PromiseNotice.objects.filter(ended_at=None).select_for_update()
        }
        for key, notice in opened.items():
            if key not in wanted:
                notice.ended_at = timezone.now()
                notice.save(update_fields=["ended_at"])
        for (group_id, kind), text in wanted.items():
            if (group_id, kind) not in opened:
                PromiseNotice.objects.create(group_id=group_id, kind=kind, text=text[:300])
                raised += 1
    return raised


def _check_intents(chosen: list[str], group: IntentGroup) -> None:
    unknown = sorted(set(chosen) - set(intent_labels()))
    if unknown:
        raise InvalidInput(
            "No matter is called %(unknown)r.",
            fields={"intents": f"unknown: {unknown[0]}"},
            unknown=unknown[0],
        )
    for other in IntentGroup.objects.exclude(pk=group.pk):
        if both := sorted(set(chosen) & set(other.intents)):
            raise InvalidInput(
                "%(both)r is in the group %(name)r already.",
                fields={"intents": f"in another group: {both[0]}"},
                both=both[0],
                name=other.name,
            )


def _check_error(error: float, chosen: list[str]) -> None:
    fields: dict[str, Any] = {"error": "cannot be promised"}
    if not 0 < error <= MOST_ERROR:
        raise InvalidInput(
            "Promise more than 0%% and at most %(most_error)s.",
            code="error_invalid",
            fields=fields,
            most_error=f"{MOST_ERROR:.0%}",
        )
    held_out = selectors.held_out_live()
    if held_out is None:
        raise InvalidInput(
            "Nothing can be promised yet: what the live intent model does on held-out rows is not "
            "known.",
            code="no_held_out",
            fields=fields,
        )
    kept = kept_by(held_out, chosen, error)
    if not kept.can_be_kept:
        raise InvalidInput(
            (
                "%(error)s cannot be promised from %(rows)s held-out rows: the least that can "
                "be promised is %(least_error)s. It needs %(rows_needed)s rows."
            ),
            code="too_few_rows",
            fields=fields,
            error=f"{error:.2%}",
            rows=kept.rows,
            least_error=f"{least_error(kept.rows):.2%}",
            rows_needed=rows_needed(error),
        )
