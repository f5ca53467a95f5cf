"""JSON shapes of customers, receipts, rules of retention and audit entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.accounts.models import AuditEntry
from apps.support.models import Customer, ErasureReceipt, RetentionRule
from apps.support.payloads import conversation_payload
from apps.support.selectors.customers import Person
from apps.support.services.retention import Preview


def customer_payload(customer: Customer | None) -> dict[str, Any] | None:
    if customer is None:
        return None
    return {
        "id": customer.external_id,
        "name": customer.name,
        "email": customer.email,
        "attributes": customer.attributes,
        "since": customer.created_at.isoformat(),
        "seen_at": customer.seen_at.isoformat(),
    }


def row_payload(row: Mapping[str, Any], customer: Customer | None) -> dict[str, Any]:
    return {
        "visitor": str(row["visitor"]),
        "name": row["name"],
        "conversations": row["number"],
        "first": row["first"].isoformat(),
        "last": row["last"].isoformat(),
        "customer": customer_payload(customer),
    }


def person_payload(person: Person) -> dict[str, Any]:
    return {
        "visitor": str(person.visitor),
        "name": person.name,
        "customer": customer_payload(person.customer),
        "conversations": [conversation_payload(one) for one in person.conversations],
    }


def receipt_payload(receipt: ErasureReceipt) -> dict[str, Any]:
    return {
        "id": str(receipt.pk),
        "subject": receipt.subject,
        "at": receipt.created_at.isoformat(),
        "by": receipt.actor.display_name if receipt.actor else None,
        "reason": receipt.reason,
        "counts": receipt.counts,
        "left": receipt.left,
    }


def rule_payload(rule: RetentionRule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "kind": rule.kind,
        "team": rule.team_id,
        "days": rule.days,
        "keep_examples": rule.keep_examples,
        "enabled": rule.enabled,
        "applied_at": rule.applied_at.isoformat() if rule.applied_at else None,
        "erased": rule.erased,
    }


def preview_payload(preview: Preview) -> dict[str, Any]:
    return {
        "conversations": preview.conversations,
        "messages": preview.messages,
        "first": preview.first.isoformat() if preview.first else None,
        "last": preview.last.isoformat() if preview.last else None,
        "examples": [str(one.pk) for one in preview.examples],
    }


def audit_payload(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "at": entry.created_at.isoformat(),
        "by": entry.actor.display_name if entry.actor else None,
        "action": entry.action,
        "about": entry.object_type,
        "object": entry.object_id,
        "details": entry.details,
    }
