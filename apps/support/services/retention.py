"""How long conversations are kept: rules, what they would delete, and deleting it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotFound
from apps.support import selectors
from apps.support.models import Conversation, Message, RetentionRule
from apps.support.services.erasure import conversations_erase

LEAST_DAYS, MOST_DAYS = 1, 36_500
_BATCH = 200
_SHOWN = 10
_MOST = 10_000  # conversations that one application deletes; the next goes on


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would delete now: how much, the first of it, and the bounds of its time."""

    conversations: int
    messages: int
    first: datetime | None
    last: datetime | None
    examples: list[Conversation]


def rule_save(
    *,
    rule_id: int | None,
    actor: User,
    kind: str,
    days: int,
    team_id: int | None = None,
    keep_examples: bool = True,
    enabled: bool = False,
) -> RetentionRule:
    """Make or change a rule; only an enabled one deletes anything."""
    if kind not in RetentionRule.Kind.values:
        raise InvalidInput("There is no such kind of rule.", fields={"kind": "unknown"})
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise InvalidInput(
            "Keep conversations for %(least_days)s to %(most_days)s days.",
            fields={"days": "out of range"},
            least_days=LEAST_DAYS,
            most_days=MOST_DAYS,
        )
    with transaction.atomic():
        rule = rule_get(rule_id=rule_id) if rule_id else RetentionRule()
        rule.kind, rule.days, rule.keep_examples, rule.enabled = kind, days, keep_examples, enabled
        rule.team = selectors.team_get(team_id=team_id) if team_id else None
        rule.save()
        _record(actor, "retention.saved", rule, enabled=enabled)
    return rule


def rule_delete(*, rule_id: int, actor: User) -> None:
    with transaction.atomic():
        rule = rule_get(rule_id=rule_id)
        _record(actor, "retention.deleted", rule)
        rule.delete()


def rule_get(*, rule_id: int) -> RetentionRule:
    rule = RetentionRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("There is no such rule.", code="rule_not_found")
    return rule


def rule_list() -> list[RetentionRule]:
    return list(RetentionRule.objects.select_related("team"))


def preview(*, rule: RetentionRule) -> Preview:
    """What the rule would delete if it were applied now; it deletes nothing."""
    rows = _due(rule)
    messages = Message.objects.filter(conversation__in=rows.values("pk"))
    first, last = rows.first(), rows.last()
    return Preview(
        conversations=rows.count(),
        messages=messages.count(),
        first=first.active_at if first else None,
        last=last.active_at if last else None,
        examples=list(rows[:_SHOWN]),
    )


def rules_apply() -> int:
    """Delete what the enabled rules say, in steps of their own transactions; returns how many
    conversations went."""
    return sum(_apply(rule) for rule in RetentionRule.objects.filter(enabled=True))


def _apply(rule: RetentionRule) -> int:
    gone = 0
    while gone < _MOST:
        with transaction.atomic():
            due = list(_due(rule).values_list("pk", flat=True)[:_BATCH])
            if due:
                conversations_erase(conversation_ids=due, keep_examples=rule.keep_examples)
                _record(None, "retention.applied", rule, conversations=len(due))
            rule.applied_at = timezone.now()
            rule.erased += len(due)
            rule.save(update_fields=["applied_at", "erased"])
        gone += len(due)
        if len(due) < _BATCH:
            break
    return gone


def _due(rule: RetentionRule) -> QuerySet[Conversation]:
    """Oldest first. What waits for a person or is with one is never deleted."""
    states = Conversation.State
    wanted = Q(active_at__lt=timezone.now() - timedelta(days=rule.days)) & Q(
        state__in=(states.BOT, states.RESOLVED)
    )
    rows = Conversation.objects.order_by("active_at", "pk")
    if rule.kind == RetentionRule.Kind.RESOLVED:
        wanted &= Q(state=states.RESOLVED)
    if rule.kind == RetentionRule.Kind.BOT:
        by_person = Message.objects.filter(
            conversation=OuterRef("pk"), author=Message.Author.OPERATOR
        )
        rows = rows.filter(~Exists(by_person))
    if rule.team_id is not None:
        wanted &= Q(team=rule.team_id)
    return rows.filter(wanted)


def _record(actor: User | None, action: str, rule: RetentionRule, **more: object) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="retention_rule",
        object_id=rule.pk,
        kind=rule.kind,
        days=rule.days,
        **more,
    )
