"""Texts, connections and figures that the measurements of the ml door share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from websockets.asyncio.client import connect

from bench.server import RunningServer

IN_FLIGHT = 64
SIZE = 8
_OPENINGS = ("where is", "what about", "please check", "I lost", "how do I pay", "why is there")
_SUBJECTS = ("my card", "the transfer", "a fee", "my refund", "the rate", "this payment", "my PIN")


class Measured(NamedTuple):
    """Texts a second, and milliseconds of processor that a request of ``SIZE`` texts takes."""

    rate: float
    cost: float


def batches(start: int = 100_000) -> Iterator[list[str]]:
    """Batches of short texts without end, none of which is the same as another.

    All numbers have six digits, so that the texts are of one length.
    """
    for number in itertools.count(start):
        yield [
            f"{_OPENINGS[(number + row) % len(_OPENINGS)]} {_SUBJECTS[row % len(_SUBJECTS)]} "
            f"of {number} {row}"
            for row in range(SIZE)
        ]


def open_socket(server: RunningServer, token: str) -> Any:
    return connect(
        f"{server.socket_url}/ws/ml/",
        origin=server.url,  # type: ignore[arg-type]
        additional_headers={"Authorization": f"Token {token}"},
        compression=None,
        max_size=None,
    )
