"""Writes: conversations, messages, turns. Each is one transaction with its events."""

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
    "Received",
    "conversation_open",
    "conversation_release",
    "conversation_resolve",
    "conversation_start",
    "conversation_stream",
    "conversation_take",
    "message_receive",
    "operator_reply",
    "person_request",
    "turn_claim",
    "turn_claim_next",
    "turn_close",
    "turn_postpone",
]
