"""Reads that every turn makes, or twice a second, as statements written out.

The mapper takes up to ten times as long to put such a query together as the database to run it,
and all writes of a process share one thread.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core import rows
from apps.support.flow_models import FlowVersion, StoredFlow
from apps.support.models import BotTurn, Conversation, Message
from apps.support.webhook_models import Webhook

_LOCKED = "SELECT {columns} FROM {conversation} WHERE id = %s{lock}"
_SENT = "SELECT id FROM {message} WHERE conversation_id = %s AND client_id = %s"
_OPEN = """
    SELECT turn.id FROM {turn} turn JOIN {message} message ON message.id = turn.message_id
    WHERE turn.status = %s AND message.conversation_id = %s ORDER BY turn.id LIMIT 1
"""

_OF_VISITOR = """
    SELECT {columns} FROM {conversation} WHERE visitor = %s ORDER BY active_at DESC LIMIT 1
"""

_DUE = """
    SELECT due.id FROM {turn} due JOIN {message} message ON message.id = due.message_id
    WHERE due.status = %s AND due.lease_until <= %s AND NOT EXISTS (
        SELECT 1 FROM {turn} earlier JOIN {message} sent ON sent.id = earlier.message_id
        WHERE earlier.status = %s AND sent.conversation_id = message.conversation_id
            AND earlier.id < due.id
    ) ORDER BY due.id LIMIT %s
"""

_LATEST = """
    SELECT COUNT(*) FROM (
        SELECT created_at FROM {message} WHERE conversation_id = %s AND author = %s
        ORDER BY seq DESC LIMIT %s
    ) latest WHERE created_at > %s
"""

_PUBLISHED = """
    SELECT version.id, version.digest, flow.name, flow.nonce, version.number
    FROM {version} version JOIN {flow} flow ON flow.id = version.flow_id
    WHERE version.state = %s AND flow.enabled ORDER BY flow.name
"""
_END = "UPDATE {turn} SET status = %s WHERE id = %s AND status = %s"
_LISTENS = "SELECT id FROM {webhook} WHERE enabled LIMIT 1"


def conversation_locked(conversation_id: UUID) -> Conversation | None:
    """The conversation, whose row nobody else can change until the transaction ends."""
    locks = connection.features.has_select_for_update
    return rows.fetch(Conversation, _written(_LOCKED, locks), [_stored(conversation_id)])


def conversation_of_visitor(visitor: UUID) -> Conversation | None:
    """The visitor's latest conversation."""
    return rows.fetch(Conversation, _written(_OF_VISITOR), [_stored(visitor)])


def message_sent(conversation_id: UUID, client_id: str) -> int | None:
    """The message that a client has sent under ``client_id`` before."""
    return _first(_written(_SENT), [_stored(conversation_id), client_id])


def messages_since(conversation_id: UUID, since: datetime, *, most: int) -> int:
    """How many of the visitor's ``most`` latest messages were written after ``since``."""
    moment = connection.ops.adapt_datetimefield_value(since)
    author = Message.Author.VISITOR.value
    return _first(_written(_LATEST), [_stored(conversation_id), author, most, moment]) or 0


def turn_open(conversation_id: UUID) -> int | None:
    """The oldest turn of the conversation that is not closed."""
    return _first(_written(_OPEN), [BotTurn.Status.PENDING.value, _stored(conversation_id)])


def turns_due(now: datetime, *, most: int) -> list[int]:
    """Open turns whose lease has run out, oldest first; of a conversation the first alone."""
    pending = BotTurn.Status.PENDING.value
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(_written(_DUE), [pending, moment, pending, most])
        return [int(turn_id) for (turn_id,) in cursor.fetchall()]


def flows_published() -> list[tuple[int, str, str, str, int]]:
    """The versions of flows that begin now, by name: id, digest, name, nonce and number."""
    with connection.cursor() as cursor:
        cursor.execute(_written(_PUBLISHED), [FlowVersion.State.PUBLISHED.value])
        return cursor.fetchall()


def turn_end(turn_id: int, status: str) -> bool:
    """Close a turn; false when it is closed already."""
    with connection.cursor() as cursor:
        cursor.execute(_written(_END), [str(status), turn_id, BotTurn.Status.PENDING.value])
        return bool(cursor.rowcount)


def webhook_listens() -> bool:
    """Whether any webhook is to be told of anything."""
    return _first(_written(_LISTENS), []) is not None


@cache
def _written(statement: str, locks: bool = False) -> str:
    """The statement with the names of tables and columns; ``locks`` for a database with locks."""
    return statement.format(
        columns=rows.columns(Conversation),
        conversation=Conversation._meta.db_table,
        message=Message._meta.db_table,
        turn=BotTurn._meta.db_table,
        webhook=Webhook._meta.db_table,
        version=FlowVersion._meta.db_table,
        flow=StoredFlow._meta.db_table,
        lock=" FOR UPDATE" if locks else "",
    )


def _stored(name: UUID) -> str | UUID:
    """A conversation's or a visitor's id as this database keeps it."""
    stored: str | UUID = Conversation._meta.pk.get_db_prep_value(name, connection)
    return stored


def _first(statement: str, values: list[Any]) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return None if row is None else int(row[0])
