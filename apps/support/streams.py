"""Names of the event streams of Support, and what each is about."""

from __future__ import annotations

from uuid import UUID

INBOX = "support.inbox"
"""Rows of the list of conversations, but for those of private teams."""
DESK = "support.desk"
"""Who is on duty, and that teams have changed."""


def conversation_stream(conversation_id: UUID | str) -> str:
    return f"support.conversation.{conversation_id}"


def notes_stream(conversation_id: UUID | str) -> str:
    """Apart from the conversation's own stream, which its visitor follows."""
    return f"support.notes.{conversation_id}"


def team_inbox(team_id: int) -> str:
    """The rows of a private team, for its members."""
    return f"{INBOX}.{team_id}"


def mentions_stream(operator_id: int) -> str:
    """Notes that name an operator, for that operator alone."""
    return f"support.mentions.{operator_id}"
