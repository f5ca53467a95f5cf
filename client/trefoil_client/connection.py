"""What every part of the client shares: one connection with a token, and refusals as errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from trefoil_client.errors import TrefoilError


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was named: without what is ``None``."""
    return {name: value for name, value in values.items() if value is not None}


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
        found: dict[str, Any] = self._answer(method, path, **more).json()
        return found

    def _rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """A list that the server answers in one piece."""
        found: list[dict[str, Any]] = self._answer("GET", path, params=given(query)).json()
        return found

    def _paged(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list that the server answers page by page."""
        page = self._asked("GET", path, params=given(query))
        yield from page["results"]
        while page["next"]:
            page = self._asked("GET", self._below(page["next"]))
            yield from page["results"]

    def _below(self, url: str) -> str:
        """An address of this part without the host, which may have another name for the server."""
        whole = urlsplit(url)
        return f"{whole.path.rpartition(f'/{self._part}/')[2]}?{whole.query}"

    def _answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        response = self._http.request(method, path, **more)
        if response.is_success:
            return response
        try:
            problem = response.json()
        except ValueError:
            problem = {"detail": response.reason_phrase}
        raise TrefoilError.of(problem, response.status_code)
