"""The socket by which other programs use the models: ``/ws/ml/``."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from typing import Any, ClassVar

import orjson
import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from knox.models import AuthToken

from apps.accounts.models import User
from apps.accounts.selectors import token_get
from apps.core import gateway
from apps.core.consumers import CLOSE_NOT_ALLOWED, StreamConsumer
from apps.core.errors import Conflict, NotAllowed, Problem
from apps.modelhub.door import Account, Request, door, read_id
from apps.modelhub.payloads import prediction_payload
from ml.types import Prediction

logger = structlog.get_logger(__name__)


class DoorConsumer(StreamConsumer):
    """Many requests under way on one socket, answered in any order; see docs/sockets.md.

    Frames are read while requests are computed, so that a request can be cancelled. A client that
    does not read its answers holds up its own requests, and beyond their limit its own socket.
    """

    frames_per_second: ClassVar[float] = settings.ML_DOOR_FRAMES_PER_SECOND
    frames_burst: ClassVar[int] = settings.ML_DOOR_FRAMES_BURST
    max_frame_bytes: ClassVar[int] = settings.ML_DOOR_MAX_FRAME_BYTES

    async def connect(self) -> None:
        self._account: Account | None = None
        self._token: AuthToken | None = None
        self._requests: dict[str, asyncio.Task[None]] = {}
        self._checked = time.monotonic()
        await super().connect()

    async def authorise(self) -> None:
        secret = _secret(self.scope["headers"])
        if secret is not None:
            self._token = await database_sync_to_async(token_get)(secret=secret)
            self.scope["user"] = self._token.user
        await super().authorise()
        self._account = door.enter(self.user.pk)

    async def greeting(self) -> dict[str, Any]:
        infos = await asyncio.to_thread(gateway.models)
        return {
            "tasks": [
                {"task": info.task, "kind": info.kind, "version": info.version} for info in infos
            ],
            "limits": {
                "requests": settings.ML_DOOR_REQUESTS,
                "texts": settings.ML_DOOR_TEXTS,
                "texts_per_request": settings.ML_DOOR_TEXTS_PER_REQUEST,
                "frame_bytes": settings.ML_DOOR_MAX_FRAME_BYTES,
                "part": settings.ML_DOOR_PART,
            },
        }

    async def disconnect(self, code: int) -> None:
        account, self._account = self._account, None
        await asyncio.sleep(0)  # a task that has not begun could not clean up
        running = list(self._requests.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if account is not None:
            door.leave(self.user.pk)
        await super().disconnect(code)

    async def send_json(self, content: dict[str, Any]) -> None:
        """Vectors are long: the writer of the standard library takes ten times as long for them."""
        await self.send(text_data=orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY).decode())

    # Commands -----------------------------------------------------------------------------

    async def _dispatch(self, frame: dict[str, Any]) -> dict[str, Any] | None:
        if "type" not in frame and "texts" in frame:
            frame["type"] = "predict"
        return await super()._dispatch(frame)

    async def on_predict(self, frame: dict[str, Any]) -> None:
        """Begin to compute; the answer comes when it is there."""
        if not await self._is_still_allowed():
            problem = NotAllowed("You are signed out, or the token ended.", code="not_signed_in")
            await self.send_json({"type": "error", "id": frame.get("id"), **problem.detail()})
            await self.close(code=CLOSE_NOT_ALLOWED)
            return
        request = Request.of(frame)
        if request.id in self._requests:
            raise Conflict("A request %(id)s is under way.", code="id_in_use", id=request.id)
        if self._account is None:
            return
        self._account.take(len(request.texts))
        self._requests[request.id] = asyncio.create_task(self._answer(request, self._account))

    async def on_cancel(self, frame: dict[str, Any]) -> dict[str, Any]:
        """End a request; what it has not computed yet leaves the engine's queue."""
        wanted = read_id(frame, "request")
        await asyncio.sleep(0)  # a task that has not begun could not tell that it was cancelled
        task = self._requests.get(wanted)
        if task is not None:
            task.cancel()
        return {"request": wanted, "cancelled": task is not None}

    # Answers ------------------------------------------------------------------------------

    async def _answer(self, request: Request, account: Account) -> None:
        """Compute and send; ends with one ``ack`` or one ``error``, unless the socket is gone."""
        try:
            last = await self._result(request, account)
            # Under way until it is sent: who does not read the answers has no room for more.
            await self.send_json(last)
        except OSError:
            logger.debug("the client of the door went before its answer")
        finally:
            account.give_back(len(request.texts))
            del self._requests[request.id]

    async def _result(self, request: Request, account: Account) -> dict[str, Any]:
        """The frame that ends a request; the parts of a long one are sent before it."""
        try:
            return await self._computed(request, account)
        except Problem as problem:
            return {"type": "error", "id": request.id, **problem.detail()}
        except asyncio.CancelledError:
            if self._account is None:  # the socket is closing
                raise
            return _error(request, "cancelled", "The request was cancelled.")
        except OSError:
            raise
        except Exception:
            logger.exception("request of the door failed", task=request.task)
            detail = "Something went wrong on our side; it has been recorded."
            return _error(request, "internal_error", detail)

    async def _computed(self, request: Request, account: Account) -> dict[str, Any]:
        last: dict[str, Any] = {"type": "ack", "id": request.id, "task": request.task}
        if len(request.texts) <= settings.ML_DOOR_PART:
            return last | _shown(await door.compute(request.task, request.texts, account))
        done, shown = 0, {}
        async with contextlib.aclosing(door.parts(request, account)) as parts:
            async for part in parts:
                shown = _shown(part)
                await self.send_json({"type": "part", "id": request.id, "offset": done, **shown})
                done += len(part)
        return last | {"version": shown["version"], "count": done}

    async def _is_still_allowed(self) -> bool:
        now = time.monotonic()
        if now - self._checked < settings.ML_DOOR_CHECK_SECONDS:
            return True
        self._checked = now
        return await database_sync_to_async(self._may_sign_in)()

    def _may_sign_in(self) -> bool:
        if not User.objects.filter(pk=self.user.pk, is_active=True).exists():
            return False
        if self._token is not None:
            return AuthToken.objects.filter(pk=self._token.pk).exists()
        session = self.scope["session"]
        return bool(session.session_key and session.exists(session.session_key))


def _secret(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The secret in ``Authorization: Token <secret>``; ``None`` without that header."""
    given = dict(headers).get(b"authorization")
    if given is None:
        return None
    scheme, _, secret = given.decode("latin-1").partition(" ")
    if scheme.lower() != "token":
        raise NotAllowed("Send Authorization: Token <secret>.", code="token_invalid")
    return secret.strip()


def _shown(part: list[Prediction]) -> dict[str, Any]:
    """The version of a part, and its predictions without it."""
    found = [prediction_payload(one) for one in part]
    for one in found:
        del one["version"]
    return {"version": part[0].version, "predictions": found}


def _error(request: Request, code: str, detail: str) -> dict[str, Any]:
    return {"type": "error", "id": request.id, "code": code, "detail": detail}
