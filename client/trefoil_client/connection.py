"""What every part of the client shares: one connection with a token, and refusals as errors."""

from __future__ import annotations

from typing import Any, Self

import httpx

from trefoil_client.errors import TrefoilError


class Connection:
    """A connection to one part of the API; a context manager.

    What the server refuses is raised as ``TrefoilError``; what keeps it from answering as the
    errors of ``httpx``.
    """

    _part: str
    """The part's place below ``/api/v1/``."""

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/{self._part}/",
            headers={"Authorization": f"Token {token}"},
            timeout=timeout,
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _asked(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        response = self._http.request(method, path, **more)
        if response.is_success:
            found: dict[str, Any] = response.json()
            return found
        try:
            problem = response.json()
        except ValueError:
            problem = {"detail": response.reason_phrase}
        raise TrefoilError.of(problem, response.status_code)
