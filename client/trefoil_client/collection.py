"""A list behind the API whose rows are added, replaced and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

Row = dict[str, Any]
Answer = Callable[..., httpx.Response]


class Collection:
    """Rows as the API has them; what a row needs stands in the schema at ``/api/v1/schema/``."""

    def __init__(self, answer: Answer, path: str) -> None:
        self._answer, self._path = answer, path

    def all(self) -> list[Row]:
        found: list[Row] = self._answer("GET", self._path).json()
        return found

    def add(self, **row: Any) -> Row:
        """Store a new row; returns it with its ``id``."""
        found: Row = self._answer("POST", self._path, json=row).json()
        return found

    def replace(self, id: int, **row: Any) -> Row:
        """Put ``row`` in the place of the one that has that id."""
        found: Row = self._answer("PUT", f"{self._path}{id}/", json=row).json()
        return found

    def delete(self, id: int) -> None:
        self._answer("DELETE", f"{self._path}{id}/")
