"""What a flow may do outside: registered functions and signed webhooks, bounded in time.

An action may be tried again, also by another process after a crash, always under the same key:
what it writes, it writes once for each key.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings

from apps.core.fetching import Fetcher, FetchError
from apps.core.signing import secret_of, signed_headers
from apps.support.flows.definition import Step

logger = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.2
"""Between the first try and the second; each further pause is twice as long."""

MAX_ANSWER = 16 * 1024
"""Bytes of the largest answer of a webhook, and characters of what a function returns."""

in_caller_thread: ContextVar[bool] = ContextVar("in_caller_thread", default=False)
"""Run functions in the thread of the database, within its transaction, as tests of conversations
do. Elsewhere one that hangs must not hold up that thread."""


@dataclass(frozen=True, slots=True)
class Call:
    """What an action is given. ``key`` is the same for each try of one step of one run."""

    values: Mapping[str, str]
    key: str
    today: date
    conversation: UUID | None = None
    flow: str = ""
    step: str = ""
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How an action went: its value, or why it failed."""

    value: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    tries: int = 1


class ActionFailed(Exception):
    """An action that cannot be done. ``final``: another try would fail in the same way."""

    def __init__(self, message: str, *, final: bool = True) -> None:
        super().__init__(message)
        self.final = final


Function = Callable[[Call], dict[str, Any] | Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Registered:
    function: Function
    writes: bool


_registered: dict[str, _Registered] = {}


def register_action(name: str, function: Function, *, writes: bool) -> None:
    """Offer ``function`` to flows as ``do: name``; one that ``writes`` is not run in previews."""
    _registered[name] = _Registered(function, writes)


def known_actions() -> frozenset[str]:
    return frozenset(_registered)


def time_needed(step: Step) -> float:
    """Seconds that all tries of an action may take, with the pauses between them."""
    return step.tries * step.seconds + sum(PAUSE_SECONDS * 2**n for n in range(step.tries - 1))


async def perform(step: Step, call: Call) -> Result:
    """Do a step's action, with its tries; a failure is a result, never raised."""
    error = ""
    for attempt in range(1, step.tries + 1):
        if attempt > 1:
            await asyncio.sleep(PAUSE_SECONDS * 2 ** (attempt - 2))
        try:
            async with asyncio.timeout(step.seconds):
                value = await (_post if step.kind == "webhook" else _run)(step, call)
            return Result(_bounded(value), tries=attempt)
        except TimeoutError:
            error = "no answer in time"
        except ActionFailed as failure:
            error = str(failure)
            if failure.final:
                break
        except Exception as failure:
            logger.exception("action failed", flow=call.flow, step=call.step)
            error = type(failure).__name__
    logger.warning("action gave up", flow=call.flow, step=call.step, reason=error, tries=attempt)
    return Result(error=error, tries=attempt)


async def rehearse(step: Step, call: Call) -> Result:
    """The action as a preview has it: what the step foresees, or a function that only reads."""
    registered = _registered.get(step.action) if step.kind == "do" else None
    if registered is not None and not registered.writes and not step.preview:
        return await perform(step, call)
    error = step.preview.get("error")
    return Result(error=str(error)) if error else Result(dict(step.preview))


async def _run(step: Step, call: Call) -> dict[str, Any]:
    function = _registered[step.action].function
    if inspect.iscoroutinefunction(function):
        found: dict[str, Any] = await function(call)
        return found
    if in_caller_thread.get():
        # Not the one for databases: it would close the connection that the transaction is on.
        return await sync_to_async(function)(call)  # type: ignore[return-value]
    run = database_sync_to_async(function, thread_sensitive=False)
    return await run(call)  # type: ignore[return-value]


async def _post(step: Step, call: Call) -> dict[str, Any]:
    """Send the values, signed; the object that comes back is the step's value."""
    content = {
        "type": "flow.action",
        "data": {
            "flow": call.flow,
            "step": call.step,
            "conversation": str(call.conversation),
            "values": dict(call.values),
        },
    }
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    headers = {"Content-Type": "application/json"} | signed_headers(
        secret=secret_of(call.nonce), key=call.key, timestamp=int(time.time()), body=body
    )
    client = Fetcher(
        allowed_hosts=frozenset(settings.FETCH_ALLOWED_HOSTS),
        total_seconds=step.seconds,
        max_bytes=MAX_ANSWER,
    )
    try:
        answer = await client.acall(step.action, content=body, headers=headers)
        value = json.loads(answer.content or b"{}")
    except FetchError as failure:
        final = failure.code not in ("timeout", "unreachable", "unknown_host", "busy")
        raise ActionFailed(str(failure), final=final) from failure
    except ValueError as failure:
        raise ActionFailed("The answer is not JSON.") from failure
    if not isinstance(value, dict):
        raise ActionFailed("The answer is not a JSON object.")
    return value


def _bounded(value: object) -> dict[str, Any]:
    """The value if it is an object that the database can keep."""
    if not isinstance(value, dict):
        raise ActionFailed("The action returned no object.")
    if len(json.dumps(value)) > MAX_ANSWER:
        raise ActionFailed("The action returned too much.")
    return value
