"""Lists of the last days that every page shows: read once for all who look, for a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

SECONDS = 15.0

T = TypeVar("T")
_lock = threading.Lock()
_kept: dict[Hashable, tuple[float, list[Any]]] = {}


def kept(key: Hashable, read: Callable[[], list[T]]) -> list[T]:
    """What ``read`` returned within the last ``SECONDS`` for ``key``, else what it returns now.

    Of 100,000 articles it takes a second; an empty list is not kept, so that the first news is
    shown at once.
    """
    with _lock:  # who comes second waits for the first one's
        made, found = _kept.get(key, (0.0, []))
        if not found or time.monotonic() - made > SECONDS:
            found = read()
            _kept[key] = (time.monotonic(), found)
        return found


def forget() -> None:
    """Read anew at next use; for tests, each of which has a database of its own."""
    with _lock:
        _kept.clear()
