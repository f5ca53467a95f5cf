"""Events are a log first and a broadcast second.

``publish`` writes a row in the caller's transaction, so an event exists exactly if what it tells
of exists, and tells the channel layer after the commit. A reader that has missed the broadcast
(it was offline, the layer dropped it, the event came from another process) finds it in the log
by the stream's sequence, which is dense: a gap in it is a missed event.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone

from apps.core.models import Event, Stream

logger = structlog.get_logger(__name__)

_NEXT_SEQ = """
    INSERT INTO core_stream (name, last_seq) VALUES (%s, 1)
    ON CONFLICT (name) DO UPDATE SET last_seq = core_stream.last_seq + 1
    RETURNING last_seq
"""
# Every write makes some events, and the mapper would take several times as long to insert one.
_INSERT = """
    INSERT INTO core_event (stream, seq, kind, payload, created_at) VALUES (%s, %s, %s, %s, %s)
"""
REPLAY_LIMIT = 500
"""The most events that one replay delivers; a reader further behind is told to load anew."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as read from the log or from a broadcast."""

    stream: str
    seq: int
    kind: str
    payload: dict[str, Any]
    at: datetime

    def frame(self) -> dict[str, Any]:
        """The event as a socket frame."""
        return {
            "type": "event",
            "stream": self.stream,
            "seq": self.seq,
            "kind": self.kind,
            "payload": self.payload,
            "at": self.at.isoformat(),
        }

    def broadcast(self) -> dict[str, Any]:
        """The event as the channel layer has it: written out once for all who follow, and what
        they look at, since the layer copies a message for each of them."""
        seen = {"stream": self.stream, "seq": self.seq, "kind": self.kind}
        text = orjson.dumps(self.frame()).decode()
        return {"type": "stream.event", "event": seen, "text": text}


@dataclass(frozen=True, slots=True)
class Replay:
    """What a reader missed. ``complete`` is false when it must load its page anew instead."""

    events: list[StoredEvent]
    complete: bool
    head: int


def publish(stream: str, kind: str, payload: Mapping[str, Any]) -> int:
    """Append an event to ``stream`` in the current transaction; returns its sequence number.

    Taking the next number locks the stream's row until the commit, so numbers become visible in
    order. Raises ``TransactionManagementError`` outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("publish() needs a transaction")
    at = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_SEQ, [stream])
        seq = int(cursor.fetchone()[0])
        content = json.dumps(dict(payload), cls=DjangoJSONEncoder, ensure_ascii=False)
        moment = connection.ops.adapt_datetimefield_value(at)
        cursor.execute(_INSERT, [stream, seq, kind, content, moment])
    _after_commit(StoredEvent(stream, seq, kind, orjson.loads(content), at))
    return seq


_loop: asyncio.AbstractEventLoop | None = None
_sending: set[asyncio.Task[None]] = set()


async def run_broadcasts() -> None:
    """Let this loop tell the channel layer, until cancelled.

    A thread that has committed goes on at once. Without such a loop, in a command or a worker, it
    tells the layer itself and waits.
    """
    global _loop
    _loop = asyncio.get_running_loop()
    try:
        await asyncio.Event().wait()
    finally:
        _loop = None


class _Broadcast:
    """The events of one transaction, told in one go: crossing to the event loop costs most."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []

    def __call__(self) -> None:
        """Tell the channel layer; a failure is logged only, since readers catch up from the log."""
        layer = get_channel_layer()
        if layer is None:
            return
        if (loop := _loop) is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed
                loop.call_soon_threadsafe(self._start, loop, layer)
            return
        async_to_sync(self._send)(layer)

    def _start(self, loop: asyncio.AbstractEventLoop, layer: Any) -> None:
        task = loop.create_task(self._send(layer))
        _sending.add(task)  # a task that nobody holds may be collected
        task.add_done_callback(_sending.discard)

    async def _send(self, layer: Any) -> None:
        try:
            for event in self.events:
                await layer.group_send(group_name(event.stream), event.broadcast())
        except Exception as error:
            first = self.events[0]
            logger.warning("broadcast failed", stream=first.stream, seq=first.seq, error=str(error))


def _after_commit(event: StoredEvent) -> None:
    """Join the broadcast of this transaction (of this savepoint, so that a rollback drops it)."""
    waiting = connection.run_on_commit
    last: Any = waiting[-1][1] if waiting else None
    if isinstance(last, _Broadcast) and waiting[-1][0] == set(connection.savepoint_ids):
        last.events.append(event)
        return
    broadcast = _Broadcast()
    broadcast.events.append(event)
    transaction.on_commit(broadcast)


def group_name(stream: str) -> str:
    """The channel layer's group for a stream."""
    return f"events.{stream}"


def replay(stream: str, after: int, *, limit: int = REPLAY_LIMIT) -> Replay:
    """Read the events of ``stream`` that follow sequence number ``after``, oldest first."""
    head = heads([stream]).get(stream, 0)
    if after > head:  # the reader knows of events that this database does not have
        return Replay([], False, head)
    rows = list(Event.objects.filter(stream=stream, seq__gt=after).order_by("seq")[:limit])
    complete = after + len(rows) >= head and (not rows or rows[0].seq == after + 1)
    events = [
        StoredEvent(row.stream, row.seq, row.kind, row.payload, row.created_at) for row in rows
    ]
    return Replay(events if complete else [], complete, max(head, rows[-1].seq if rows else 0))


def heads(streams: Iterable[str]) -> dict[str, int]:
    """The last sequence number of each of ``streams`` that has events."""
    return dict(Stream.objects.filter(name__in=list(streams)).values_list("name", "last_seq"))


def head(stream: str) -> int:
    """The last sequence number of ``stream``; 0 when nothing has happened on it.

    A page reads it *before* it reads its content, so that the socket replays what came between.
    """
    return heads([stream]).get(stream, 0)


def prune(*, older_than: timedelta) -> int:
    """Delete events older than ``older_than``; returns how many."""
    deleted, _ = Event.objects.filter(created_at__lt=timezone.now() - older_than).delete()
    return deleted
