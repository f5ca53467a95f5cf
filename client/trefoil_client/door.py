"""The models over one socket, with many requests under way."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from trefoil_client.answers import Answer, Part, Prediction, prediction_of
from trefoil_client.errors import ConnectionLost, TrefoilError

_MAX_FRAME = 16 * 1024 * 1024
_OPEN_SECONDS = 30


@dataclass(slots=True)
class _Room:
    """What may be under way: so many requests, so many texts."""

    requests: int
    texts: int
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, texts: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.requests > 0 and self.texts >= texts)
            self.requests -= 1
            self.texts -= texts

    async def give_back(self, texts: int) -> None:
        async with self.changed:
            self.requests += 1
            self.texts += texts
            self.changed.notify_all()


class Door:
    """One socket; open it with ``async with Door.open(url, token) as door``.

    Calls may run side by side. Those that would exceed the server's limits wait; a call that is
    cancelled is cancelled at the server too.
    """

    def __init__(self, socket: ClientConnection, hello: dict[str, Any]) -> None:
        self.tasks: dict[str, str] = {one["task"]: one["version"] for one in hello["tasks"]}
        self.limits: dict[str, int] = hello["limits"]
        self._socket = socket
        self._room = _Room(self.limits["requests"], self.limits["texts"])
        self._ids = itertools.count(1)
        self._frames: dict[str, asyncio.Queue[dict[str, Any] | None]] = {}
        self._lost = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str, token: str) -> AsyncIterator[Door]:
        """Connect; raises ``TrefoilError`` when the token is refused, ``ConnectionLost`` when
        nobody answers there."""
        origin = url.rstrip("/")
        try:
            socket = await connect(
                f"ws{origin.removeprefix('http')}/ws/ml/",
                origin=origin,  # type: ignore[arg-type]
                additional_headers={"Authorization": f"Token {token}"},
                compression=None,
                max_size=_MAX_FRAME,
                open_timeout=_OPEN_SECONDS,
            )
        except (OSError, InvalidHandshake) as error:
            raise ConnectionLost(f"no connection to {origin}: {error}") from error
        async with socket:
            try:
                hello = json.loads(await socket.recv())
            except ConnectionClosed as error:
                raise ConnectionLost("the socket closed before its greeting") from error
            if hello["type"] == "error":
                raise TrefoilError.of(hello)
            door = cls(socket, hello)
            reading = asyncio.create_task(door._read())
            try:
                yield door
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def predict(self, task: str, texts: Sequence[str]) -> Answer:
        """The predictions of all ``texts``, by one version of the model."""
        found: list[Prediction] = []
        version = ""
        async with contextlib.aclosing(self.stream(task, texts)) as parts:
            async for part in parts:
                found += part.predictions
                version = part.version
        return Answer(task, version, tuple(found))

    async def stream(self, task: str, texts: Sequence[str]) -> AsyncGenerator[Part, None]:
        """The predictions part by part, in order; a request of few texts has one part."""
        most = self.limits["texts_per_request"]
        if not 1 <= len(texts) <= most:
            raise TrefoilError("frame_invalid", f"{len(texts)} texts; 1 to {most} are allowed")
        await self._room.take(len(texts))
        request_id = str(next(self._ids))
        frames = self._frames[request_id] = asyncio.Queue()
        ended = False
        try:
            await self._send(type="predict", id=request_id, task=task, texts=list(texts))
            while not ended:
                frame = await frames.get()
                ended = frame is None or frame["type"] != "part"
                if frame is None:
                    raise ConnectionLost("the socket closed before the answer")
                if frame["type"] == "error":
                    raise TrefoilError.of(frame)
                if "predictions" in frame:
                    predictions = tuple(map(prediction_of, frame["predictions"]))
                    yield Part(frame.get("offset", 0), frame["version"], predictions)
        finally:
            if not ended:
                with contextlib.suppress(TrefoilError):
                    await self._send(type="cancel", id=f"c{request_id}", request=request_id)
            del self._frames[request_id]
            await self._room.give_back(len(texts))

    async def _send(self, **frame: Any) -> None:
        text = json.dumps(frame, ensure_ascii=False)
        limit = self.limits["frame_bytes"]
        if len(text.encode("utf-8", "replace")) > limit:
            raise TrefoilError("frame_too_large", f"the request is larger than {limit:,} bytes")
        if self._lost:
            raise ConnectionLost("the socket is closed")
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise ConnectionLost("the socket closed") from error

    async def _read(self) -> None:
        """Hand each frame to the call that waits for it; ends with the connection."""
        try:
            async for raw in self._socket:
                frame = json.loads(raw)
                frames = self._frames.get(str(frame.get("id")))
                if frames is not None:
                    frames.put_nowait(frame)
        finally:
            self._lost = True
            for frames in self._frames.values():
                frames.put_nowait(None)
