"""A visitor's socket, and the frames that tests wait for."""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.conftest import widget_socket


def is_message(author: str) -> Any:
    return lambda frame: (
        frame["type"] == "event"
        and frame["kind"] == "message.created"
        and frame["payload"]["author"] == author
    )


def is_ack(client_id: str) -> Any:
    return lambda frame: frame["type"] in ("ack", "error") and frame.get("id") == client_id


async def opened(visitor: uuid.UUID) -> Any:
    socket = widget_socket(visitor)
    assert (await socket.connect(timeout=5))[0]
    return socket
