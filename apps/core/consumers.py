"""The base of every socket: frames, errors, rate limit, streams with replay."""

from __future__ import annotations

import contextlib
import json
import re
import time
from typing import Any, ClassVar

import structlog
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import translation

from apps.core import events, tailer
from apps.core.errors import InvalidInput, NotAllowed, Problem, RateLimited
from apps.core.language import language_of

logger = structlog.get_logger(__name__)

CLOSE_NOT_ALLOWED = 4403
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class TokenBucket:
    """Allows ``burst`` frames at once and ``rate`` a second in the long run."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class StreamConsumer(AsyncWebsocketConsumer):
    """A socket on which a client sends commands and follows event streams.

    A client frame is a JSON object ``{"type": "<noun>.<verb>", "id": "<client id>", ...}``. A
    subclass answers the type ``message.send`` with a method ``on_message_send(frame)`` whose
    returned object goes back as ``{"type": "ack", "id": ..., ...}``, sent after its commit. What it
    raises as a ``Problem`` goes back as ``{"type": "error", "id", "code", "detail"}`` and leaves
    the socket open.

    ``subscribe {"stream", "after"}`` follows a stream that :meth:`may_follow` allows: events after
    ``after`` are replayed, then live ones follow in order, each once. ``{"type": "reset",
    "stream", "seq"}`` tells a client too far behind to load its page anew.
    """

    frames_per_second: ClassVar[float] = settings.SOCKET_FRAMES_PER_SECOND
    frames_burst: ClassVar[int] = settings.SOCKET_FRAMES_BURST
    max_frame_bytes: ClassVar[int] = settings.SOCKET_MAX_FRAME_BYTES

    @property
    def user(self) -> Any:
        """The signed-in person, or an ``AnonymousUser``."""
        return self.scope["user"]

    async def connect(self) -> None:
        self.cursors: dict[str, int] = {}
        self._bucket = TokenBucket(self.frames_per_second, self.frames_burst)
        translation.activate(language_of(self.scope))  # for all that this task answers
        try:
            await self.authorise()
        except Problem as problem:
            # Accepting first lets the client read why, which a refused handshake does not tell.
            await self.accept()
            await self.send_json({"type": "error", **problem.detail()})
            await self.close(code=CLOSE_NOT_ALLOWED)
            return
        await self.accept()
        tailer.follow(self)
        await self.send_json({"type": "hello", **(await self.greeting())})

    async def disconnect(self, code: int) -> None:
        tailer.unfollow(self)
        for stream in list(self.cursors):
            await self.channel_layer.group_discard(events.group_name(stream), self.channel_name)
        self.cursors.clear()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a frame, or an event of the channel layer, to its method.

        Channels first visits the thread of the database, to look for a connection gone stale:
        each event to each socket would wait there behind all that is being stored.
        ``database_sync_to_async``, the only way to the database from here, looks for itself.
        """
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"no handler for the message type {message['type']}")
        await handler(message)

    # What a subclass decides --------------------------------------------------------------

    async def authorise(self) -> None:
        """Raise ``NotAllowed`` when this person may not open the socket at all."""
        if not self.user.is_authenticated:
            raise NotAllowed("Sign in to open this connection.", code="not_signed_in")

    async def greeting(self) -> dict[str, Any]:
        """What the client is told first, beside ``"type": "hello"``."""
        return {}

    async def may_follow(self, stream: str) -> bool:
        """Whether this person may follow ``stream``; nothing is allowed by default."""
        return False

    # Frames -------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame: dict[str, Any] = {}
        try:
            allowed = self._bucket.take()
            frame = _parse(
                text_data, self.max_frame_bytes
            )  # before refusing, so that the refusal names the frame
            if not allowed:
                raise RateLimited("Too many frames; wait a moment and send again.")
            answer = await self._dispatch(frame)
        except Problem as problem:
            await self.send_json({"type": "error", "id": frame.get("id"), **problem.detail()})
        except Exception:
            logger.exception("socket frame failed", frame_type=frame.get("type"))
            await self.send_json(
                {
                    "type": "error",
                    "id": frame.get("id"),
                    "code": "internal_error",
                    "detail": translation.gettext(
                        "Something went wrong on our side; it has been recorded."
                    ),
                }
            )
        else:
            if answer is not None:
                await self.send_json({"type": "ack", "id": frame.get("id"), **answer})

    async def _dispatch(self, frame: dict[str, Any]) -> dict[str, Any] | None:
        kind = frame.get("type")
        if not isinstance(kind, str):
            raise InvalidInput('The frame has no "type".', code="frame_without_type")
        handler = getattr(self, f"on_{kind.replace('.', '_')}", None)
        if handler is None:
            raise InvalidInput(
                'Unknown frame type "%(kind)s".', code="frame_unknown_type", kind=kind[:60]
            )
        answer: dict[str, Any] | None = await handler(frame)
        return answer

    async def send(  # type: ignore[override] # as the library itself does
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        close: bool = False,
    ) -> None:
        """Send a frame; a client that has gone, whose disconnect comes next, is sent nothing.

        Servers raise ``OSError`` then (ASGI 2.4), which would end the tick of all others too.
        """
        with contextlib.suppress(OSError):
            await super().send(text_data, bytes_data, close)

    async def send_json(self, content: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(content, ensure_ascii=False))

    # Streams ------------------------------------------------------------------------------

    async def on_ping(self, frame: dict[str, Any]) -> dict[str, Any]:
        return {}

    async def on_subscribe(self, frame: dict[str, Any]) -> dict[str, Any]:
        stream, after = frame.get("stream"), frame.get("after")
        if not isinstance(stream, str) or not isinstance(after, int | None):
            raise InvalidInput(
                '"stream" must be a text and "after" a number.', code="frame_invalid"
            )
        if not await self.may_follow(stream):
            raise NotAllowed("You may not follow %(stream)s.", stream=stream[:90])
        await self.follow(stream, after)
        return {"stream": stream, "seq": self.cursors[stream]}

    async def on_unsubscribe(self, frame: dict[str, Any]) -> dict[str, Any]:
        stream = str(frame.get("stream"))
        if self.cursors.pop(stream, None) is not None:
            await self.channel_layer.group_discard(events.group_name(stream), self.channel_name)
        return {"stream": stream}

    async def follow(self, stream: str, after: int | None = None) -> None:
        """Join ``stream``, then replay what follows ``after`` (``None``: only what is to come).

        Joining before reading leaves no gap between the replay and the live events; what arrives
        twice is dropped by its sequence number.
        """
        await self.channel_layer.group_add(events.group_name(stream), self.channel_name)
        if after is None:
            self.cursors[stream] = await database_sync_to_async(events.head)(stream)
        else:
            self.cursors[stream] = after
            await self.catch_up(stream)

    async def catch_up(self, stream: str) -> None:
        """Send what the log holds beyond this socket's cursor on ``stream``."""
        cursor = self.cursors.get(stream)
        if cursor is None:
            return
        missed = await database_sync_to_async(events.replay)(stream, cursor)
        if not missed.complete:
            if self.cursors.get(stream) == cursor:
                self.cursors[stream] = missed.head
                await self.send_json({"type": "reset", "stream": stream, "seq": missed.head})
            return
        for event in missed.events:
            await self._deliver(event.frame())

    async def stream_event(self, message: dict[str, Any]) -> None:
        """A broadcast from the channel layer."""
        frame = message["event"]
        cursor = self.cursors.get(frame["stream"])
        if cursor is None:
            return
        if frame["seq"] > cursor + 1:
            await self.catch_up(frame["stream"])
        await self._deliver(frame, message["text"])

    async def _deliver(self, frame: dict[str, Any], text: str = "") -> None:
        """Send an event that is the next of its stream; drop one that was sent already.

        ``text`` is the whole frame where it was written out already.
        """
        stream = frame["stream"]
        if self.cursors.get(stream, frame["seq"]) != frame["seq"] - 1:
            return
        self.cursors[stream] = frame["seq"]
        if text:
            await self.send(text_data=text)
        else:
            await self.send_json(frame)


def _parse(text_data: str | None, limit: int) -> dict[str, Any]:
    if text_data is None:
        raise InvalidInput(
            "Send text frames; binary frames are not understood.", code="frame_not_text"
        )
    if len(text_data) > limit or len(text_data.encode()) > limit:
        raise InvalidInput(
            "The frame is larger than %(kilobytes)s KB; nothing of it was stored.",
            code="frame_too_large",
            kilobytes=limit // 1024,
        )
    try:
        frame = json.loads(text_data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "The frame is not JSON: %(error)s", code="frame_not_json", error=error
        ) from error
    if not isinstance(frame, dict):
        raise InvalidInput("The frame is not a JSON object.", code="frame_not_object")
    if "\\u" in text_data and not _is_text(frame):
        raise InvalidInput(
            "The frame has characters that are no text (half a surrogate pair, or NUL).",
            code="frame_not_text",
        )
    return frame


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _is_text(frame: dict[str, Any]) -> bool:
    """Whether every text in ``frame`` can be sent and stored; escapes can name what cannot."""
    try:
        return not _NUL.search(json.dumps(frame, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return False
