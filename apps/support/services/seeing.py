"""Records that an operator has looked at a conversation."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import audit_record
from apps.support.models import Conversation

SEEN = "conversation.seen"
_ONCE_IN = timedelta(minutes=15)


def conversation_look(*, conversation: Conversation, operator: User) -> None:
    """Keep that ``operator`` saw the conversation, once in a quarter of an hour."""
    recent = AuditEntry.objects.filter(
        created_at__gte=timezone.now() - _ONCE_IN,
        action=SEEN,
        object_id=str(conversation.pk),
        actor=operator,
    )
    if not recent.exists():
        audit_record(
            actor=operator, action=SEEN, object_type="conversation", object_id=conversation.pk
        )
