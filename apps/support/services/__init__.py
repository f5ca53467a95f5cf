"""Writes: conversations, messages, turns, articles. Each is one transaction with its events."""

from apps.support.services.articles import (
    Content,
    article_create,
    article_delete,
    article_put,
    article_restore,
    article_update,
    versions_record,
)
from apps.support.services.conversations import (
    Received,
    conversation_open,
    conversation_release,
    conversation_resolve,
    conversation_start,
    conversation_take,
    message_receive,
    operator_reply,
    person_request,
)
from apps.support.services.desk import (
    colleagues,
    conversation_assign,
    conversation_snooze,
    conversation_sort,
    conversations_wake,
    note_add,
    notes_stream,
)
from apps.support.services.macros import macro_delete, macro_list, macro_save
from apps.support.services.records import INBOX, conversation_stream
from apps.support.services.turns import (
    LEASE,
    Closed,
    turn_claim,
    turn_claim_next,
    turn_close,
    turn_postpone,
)

__all__ = [
    "INBOX",
    "LEASE",
    "Closed",
    "Content",
    "Received",
    "article_create",
    "article_delete",
    "article_put",
    "article_restore",
    "article_update",
    "colleagues",
    "conversation_assign",
    "conversation_open",
    "conversation_release",
    "conversation_resolve",
    "conversation_snooze",
    "conversation_sort",
    "conversation_start",
    "conversation_stream",
    "conversation_take",
    "conversations_wake",
    "macro_delete",
    "macro_list",
    "macro_save",
    "message_receive",
    "note_add",
    "notes_stream",
    "operator_reply",
    "person_request",
    "turn_claim",
    "turn_claim_next",
    "turn_close",
    "turn_postpone",
    "versions_record",
]
