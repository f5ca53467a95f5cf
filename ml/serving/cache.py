"""Results already computed, least recently used first out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b

from ml.types import Answers, Prediction

_KEPT_WHOLE = 512  # characters up to which a text is its own key; longer ones go by their digest

CacheKey = tuple[str, str, str | bytes]


def cache_key(task: str, version: str, text: str) -> CacheKey:
    """The key of a result: equal only for the same text on the same version of the same task."""
    if len(text) <= _KEPT_WHOLE:
        return task, version, text
    return task, version, blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class ResultCache:
    """A thread-safe LRU cache of predictions; a ``capacity`` of 0 keeps nothing."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[CacheKey, Prediction | Answers] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: CacheKey) -> Prediction | Answers | None:
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def texts(self, task: str) -> list[str]:
        """The texts whose results of ``task`` are held, whatever the version; long ones are not
        held as such."""
        with self._lock:
            return [
                key[2]
                for key, held in self._entries.items()
                if _is_of(key, held, task) and isinstance(key[2], str)
            ]

    def drop(self, task: str) -> int:
        """Let go of the results of ``task``, whatever the version; how many those were. Those of
        a joint model go with what its other tasks say."""
        with self._lock:
            dropped = [key for key, held in self._entries.items() if _is_of(key, held, task)]
            for key in dropped:
                del self._entries[key]
        return len(dropped)

    def put(self, key: CacheKey, prediction: Prediction | Answers) -> None:
        with self._lock:
            self._entries[key] = prediction
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)


def _is_of(key: CacheKey, held: Prediction | Answers, task: str) -> bool:
    if isinstance(held, Answers):
        return task in held.of  # its key names the joint model
    return key[0].partition("@")[0] == task
