"""What other programs ask the models for over ``/ws/ml/``: requests, limits, turns, answers.

A request of many texts is computed in parts. A part takes a turn of its person and a turn of the
door before it stands in the engine's queue: so the apps always find room there, and nobody's long
batch holds up everybody else.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from apps.core import gateway
from apps.core.errors import Busy, InvalidInput, RateLimited
from apps.modelhub.api import MAX_CHARACTERS, TASK_NAME
from ml.types import Prediction

_MAX_ID = 64
_AHEAD = 2  # parts of one request that are under way together, so that the engine need not wait
_PAUSE = 0.02  # seconds before a part that the engine refused is offered again


@dataclass(frozen=True, slots=True)
class Request:
    """Texts for one task, under an id that the client chose."""

    id: str
    task: str
    texts: list[str]

    @classmethod
    def of(cls, frame: dict[str, Any]) -> Request:
        """Read a frame; raises ``InvalidInput`` that names the field, and the text by its index."""
        request_id = read_id(frame, "id")
        task, texts = frame.get("task"), frame.get("texts")
        if not isinstance(task, str) or not re.fullmatch(TASK_NAME, task):
            raise InvalidInput('"task" must be the name of a task.', code="frame_invalid")
        limit = settings.ML_DOOR_TEXTS_PER_REQUEST
        if not isinstance(texts, list) or not 1 <= len(texts) <= limit:
            raise InvalidInput(
                '"texts" must be a list of 1 to %(limit)s texts.',
                code="frame_invalid",
                limit=f"{limit:,}",
            )
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise InvalidInput(
                    "texts[%(index)s] is not a text.", code="frame_invalid", index=index
                )
            if len(text) > MAX_CHARACTERS:
                raise InvalidInput(
                    "texts[%(index)s] has %(number)s characters; %(max_characters)s are allowed.",
                    code="text_too_long",
                    index=index,
                    number=f"{len(text):,}",
                    max_characters=f"{MAX_CHARACTERS:,}",
                )
        return cls(request_id, task, texts)


def read_id(frame: dict[str, Any], name: str) -> str:
    """The id of a request in the field ``name``; raises ``InvalidInput`` without one."""
    value = frame.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_ID:
        raise InvalidInput(
            '"%(name)s" must be a text of 1 to %(max_id)s characters.',
            code="frame_without_id",
            name=name,
            max_id=_MAX_ID,
        )
    return value


@dataclass(slots=True)
class Account:
    """What one person has under way on all sockets of this process."""

    sockets: int = 0
    requests: int = 0
    texts: int = 0
    turns: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(settings.ML_DOOR_PARTS_QUEUED_EACH)
    )

    def take(self, texts: int) -> None:
        """Count a request in; raises ``RateLimited`` beyond the limits."""
        if self.requests >= settings.ML_DOOR_REQUESTS:
            raise RateLimited(
                "%(requests)s requests are under way, which is the limit; wait for answers.",
                code="too_many_in_flight",
                requests=self.requests,
            )
        if self.texts + texts > settings.ML_DOOR_TEXTS:
            raise RateLimited(
                "%(texts)s texts are under way; %(ml_door_texts)s are allowed.",
                code="too_many_in_flight",
                texts=f"{self.texts:,}",
                ml_door_texts=f"{settings.ML_DOOR_TEXTS:,}",
            )
        self.requests += 1
        self.texts += texts

    def give_back(self, texts: int) -> None:
        self.requests -= 1
        self.texts -= texts


class Door:
    """The accounts of those whose sockets are open, and the turns that all of them share.

    All belongs to one event loop: to that of the server process.
    """

    def __init__(self) -> None:
        self._accounts: dict[int, Account] = {}
        self._turns = asyncio.Semaphore(settings.ML_DOOR_PARTS_QUEUED)

    def enter(self, user_id: int) -> Account:
        """Count a socket in; raises ``RateLimited`` when the person has too many."""
        if not self._accounts:  # of an empty door nothing is left, least of all its event loop
            self._turns = asyncio.Semaphore(settings.ML_DOOR_PARTS_QUEUED)
        account = self._accounts.setdefault(user_id, Account())
        if account.sockets >= settings.ML_DOOR_SOCKETS:
            raise RateLimited(
                "%(sockets)s sockets are open, which is the limit.",
                code="too_many_sockets",
                sockets=account.sockets,
            )
        account.sockets += 1
        return account

    def leave(self, user_id: int) -> None:
        account = self._accounts[user_id]
        account.sockets -= 1
        if not account.sockets:
            del self._accounts[user_id]

    async def parts(
        self, request: Request, account: Account
    ) -> AsyncGenerator[list[Prediction], None]:
        """The predictions part by part, in order, all of one version. Raises ``Problem``.

        The first part goes to the version that is live when it is computed, the others to the
        same one, also when another is promoted in between.
        """
        size = settings.ML_DOOR_PART
        parts = [request.texts[at : at + size] for at in range(0, len(request.texts), size)]
        first = await self.compute(request.task, parts[0], account)
        yield first
        waiting = iter(parts[1:])
        running: deque[asyncio.Task[list[Prediction]]] = deque()
        try:
            while True:
                while len(running) < _AHEAD and (part := next(waiting, None)) is not None:
                    asked = self.compute(request.task, part, account, version=first[0].version)
                    running.append(asyncio.create_task(asked))
                if not running:
                    return
                yield await running[0]
                running.popleft()
        finally:
            for task in running:
                task.cancel()

    async def compute(
        self, task: str, texts: list[str], account: Account, *, version: str | None = None
    ) -> list[Prediction]:
        """A part's predictions, once it has its turns and the engine has room.

        ``Busy`` when that takes longer than ``ML_TIMEOUT_SECONDS``.
        """
        try:
            async with (
                asyncio.timeout(settings.ML_TIMEOUT_SECONDS),
                account.turns,
                self._turns,
            ):
                return await _offer(task, texts, version)
        except TimeoutError as error:
            raise Busy(
                "The language models are busy at this moment; please try again.", code="overloaded"
            ) from error


async def _offer(task: str, texts: list[str], version: str | None) -> list[Prediction]:
    """Ask the engine again and again while its queue is full, as long as the caller waits."""
    while True:
        try:
            return await gateway.apredict(task, texts, version=version)
        except Busy as problem:
            if problem.code != "overloaded":
                raise
            await asyncio.sleep(_PAUSE)


door = Door()
