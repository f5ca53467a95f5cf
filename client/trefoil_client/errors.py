"""What goes wrong between a program and the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TrefoilError(Exception):
    """The server refused; ``code`` is stable, ``status`` the HTTP status (0 on a socket)."""

    def __init__(self, code: str, detail: str, status: int = 0) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code
        self.detail = detail
        self.status = status

    @classmethod
    def of(cls, body: Mapping[str, Any], status: int = 0) -> TrefoilError:
        """From an error frame, or from a problem detail."""
        return cls(str(body.get("code", "error")), str(body.get("detail", "")), status)


class ConnectionLost(TrefoilError):
    """The socket closed before the answer; ``code`` is ``connection_lost``."""

    def __init__(self, detail: str) -> None:
        super().__init__("connection_lost", detail)
