"""Writes of business rules, each with who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import NotAllowed
from apps.recommend import policy_source
from apps.recommend.models import BusinessRule
from apps.recommend.rule_drafts import rule_draft

OBJECT = "business_rule"


def rule_save(
    *, actor: Any, given: Mapping[str, Any], rule: BusinessRule | None = None
) -> BusinessRule:
    """Make or change a rule; raises ``NotAllowed`` and ``InvalidInput``."""
    _checked(actor)
    draft = rule_draft(given, rule)
    with transaction.atomic():
        before = BusinessRule.objects.select_for_update().get(pk=rule.pk) if rule else None
        draft.save()
        held, now = before.content() if before else {}, draft.content()
        changed = {
            name: [held.get(name), value] for name, value in now.items() if held.get(name) != value
        }
        if changed:
            audit_record(
                actor=actor,
                action="rule.changed" if before else "rule.made",
                object_type=OBJECT,
                object_id=draft.pk,
                changed=changed,
            )
    policy_source.reset()
    return draft


def rule_delete(*, actor: Any, rule: BusinessRule) -> None:
    """Delete a rule; what it was stays in the audit log."""
    _checked(actor)
    with transaction.atomic():
        audit_record(
            actor=actor,
            action="rule.deleted",
            object_type=OBJECT,
            object_id=rule.pk,
            was=rule.content(),
        )
        rule.delete()
    policy_source.reset()


def _checked(actor: Any) -> None:
    if not actor.has_perm("recommend.manage"):
        raise NotAllowed("Only administrators change the rules.")
