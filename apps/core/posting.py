"""Sends composed messages side by side, and says how each try went.

Touches no database. A message is posted as JSON, signed where there is a secret
(:mod:`apps.core.signing`), through the guarded client (:mod:`apps.core.fetching`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from django.conf import settings

from apps.core.errors import InvalidInput
from apps.core.fetching import Fetcher, FetchError
from apps.core.signing import secret_of, signed_headers
from apps.core.wording import said
from ml.wording import Wording

logger = structlog.get_logger(__name__)

SECONDS = 10.0
"""The most time that one try takes."""

LONGEST_ADDRESS = 2000  # characters

_GONE = 410


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message on its way: ``content`` for ``address``, signed if there is a ``nonce``; what does
    not go by HTTP is carried ``by_hand``."""

    delivery_id: int
    key: str
    address: str = ""
    content: dict[str, Any] | None = None
    nonce: str = ""
    by_hand: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went. ``final`` failures are not worth another try; ``error`` is for a person,
    a ``Wording`` that can be said in another language later."""

    delivery_id: int
    delivered: bool
    seconds: float
    status: int | None = None
    error: str = ""
    final: bool = False


def sender() -> Fetcher:
    """The guarded client with this installation's trusted hosts."""
    allowed = frozenset(settings.FETCH_ALLOWED_HOSTS)
    return Fetcher(allowed_hosts=allowed, total_seconds=SECONDS)


def address_check(address: str) -> None:
    """Raise ``InvalidInput``, of the field ``address``, for one that nothing may be posted to."""
    if len(address) > LONGEST_ADDRESS:
        raise InvalidInput("The address is too long.", fields={"address": "too long"})
    try:
        sender().check(address)
    except FetchError as error:
        raise InvalidInput(
            error.words, code=error.code, fields={"address": said(error.words)}
        ) from error


def parcels_send(*, parcels: Sequence[Parcel]) -> list[Outcome]:
    """Try to deliver each parcel; a slow receiver holds up none but its own."""
    return async_to_sync(_send_all)(parcels)


async def _send_all(parcels: Sequence[Parcel]) -> list[Outcome]:
    client = sender()
    return list(await asyncio.gather(*(_try(client, parcel) for parcel in parcels)))


async def _try(client: Fetcher, parcel: Parcel) -> Outcome:
    start = time.monotonic()
    status, final = None, False
    error: str = ""
    try:
        if parcel.by_hand is not None:
            await asyncio.to_thread(parcel.by_hand)
        else:
            status = await _post(client, parcel)
            error = "" if 200 <= status < 300 else _refusal(status)
            final = status == _GONE
    except FetchError as failure:
        error, final = failure.words, failure.code in ("address_refused", "invalid_url")
    except OSError as failure:  # smtplib's errors are OSErrors as well
        error = Wording(
            "The mail server did not take it (%(error)s).", error=type(failure).__name__
        )
    except Exception as failure:  # a fault of ours must not cost the other parcels their try
        logger.exception("delivery failed", delivery=parcel.delivery_id)
        error = Wording("Failed: %(error)s", error=type(failure).__name__)
    seconds = time.monotonic() - start
    return Outcome(parcel.delivery_id, not error, seconds, status, error, final)


async def _post(client: Fetcher, parcel: Parcel) -> int:
    headers = {"Content-Type": "application/json"}
    body = _json(parcel.content or {})
    if parcel.nonce:
        headers |= signed_headers(
            secret=secret_of(parcel.nonce), key=parcel.key, timestamp=int(time.time()), body=body
        )
    return await client.apost(parcel.address, content=body, headers=headers)


def _json(content: dict[str, Any]) -> bytes:
    """The same bytes in each try: a database may give a stored object's keys in another order."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _refusal(status: int) -> Wording:
    if 300 <= status < 400:
        return Wording(
            "The receiver sends elsewhere (%(status)s); redirects are not followed.", status=status
        )
    if status == _GONE:
        return Wording("The receiver is gone for good (410).")
    return Wording("The receiver answered %(status)s.", status=status)
