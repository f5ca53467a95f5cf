"""Many texts through an engine without filling its queue: for imports, indexes and evaluation."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice

from ml.errors import Overloaded
from ml.serving.protocol import InferenceEngine
from ml.types import Prediction

_AHEAD = 3  # chunks in the queue, so that no worker waits for the caller
_PAUSE = 0.05  # seconds before a refused chunk is offered again


def predict_stream(
    engine: InferenceEngine, task: str, texts: Iterable[str], *, chunk: int = 64
) -> Iterator[Prediction]:
    """Yield the prediction of each text, in order, for any number of texts.

    At most ``3 * chunk`` texts are queued at a time, so that the rest of the queue stays free for
    others; when the queue is full the stream waits for its turn. The first error ends it; texts
    that were queued and are no longer wanted are cancelled.
    """
    remaining = iter(texts)
    waiting: deque[list[Future[Prediction]]] = deque()
    try:
        while True:
            while len(waiting) < _AHEAD and (part := list(islice(remaining, chunk))):
                waiting.append(_submit(engine, task, part))
            if not waiting:
                return
            for future in waiting[0]:
                yield future.result()
            waiting.popleft()
    finally:
        for futures in waiting:
            for future in futures:
                future.cancel()


def _submit(engine: InferenceEngine, task: str, texts: list[str]) -> list[Future[Prediction]]:
    while True:
        try:
            return engine.submit(task, texts)
        except Overloaded:
            if len(texts) > engine.stats().capacity:
                raise
            time.sleep(_PAUSE)
