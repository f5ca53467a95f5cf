"""The inference engine of one process: dynamic batching on a few threads."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path

from ml.errors import DeadlineExceeded, EngineClosed, InferenceError, MLError, Overloaded
from ml.runtime import RuntimeSettings, default_settings
from ml.serving.batcher import SMALL_CALL, Batcher, Slot
from ml.serving.cache import CacheKey, ResultCache, cache_key
from ml.serving.metrics import EngineMetrics
from ml.serving.protocol import EngineStats, ModelSource, Unit
from ml.serving.waiters import Gather, TextFuture, Waiter
from ml.types import Answers, ModelInfo, Prediction

logger = logging.getLogger(__name__)

TOGETHER_CHARACTERS = 512
"""Texts of at most so many characters are read once for all tasks of a joint model."""

Computed = Prediction | Answers | MLError


class LocalEngine:
    """An :class:`ml.serving.protocol.InferenceEngine` over threads of this process.

    A worker that is free takes what is queued at that moment (continuous batching: nothing is
    delayed in the hope of company), computes it wholly on one version of the model and delivers.
    Equal texts in flight are computed once; results are cached by version and text. A batch that
    fails is tried again text by text, so that one bad text fails alone. The threads start with
    the first request. Short texts of tasks that share a joint model are computed for all of them in
    one pass, whoever asks first.

    ``source`` gives the models; a path is the folder of the built ones.
    ``capacity`` bounds the queue in texts; ``max_batch`` and ``max_characters`` bound a batch
    (see :class:`ml.serving.batcher.Batcher`); ``cache_size`` is in texts, 0 for none.
    """

    def __init__(
        self,
        source: ModelSource | Path,
        *,
        settings: RuntimeSettings | None = None,
        capacity: int = 2048,
        max_batch: int = 32,
        max_characters: int = 16_384,
        cache_size: int = 4096,
    ) -> None:
        self.metrics = EngineMetrics()
        settings = settings or default_settings()
        self._source = _store(source, settings) if isinstance(source, Path) else source
        self._workers = settings.workers
        self._cache = ResultCache(cache_size)
        self._batcher = Batcher(
            capacity=capacity, max_texts=max_batch, max_characters=max_characters
        )
        self._lock = threading.Lock()
        self._has_work = threading.Condition(self._lock)
        self._has_deadline = threading.Condition(self._lock)
        self._threads: list[threading.Thread] = []
        self._timer: threading.Thread | None = None
        self._timer_until = math.inf  # when it looks again unless it is woken
        self._closing = False
        self._closed = False

    def submit(
        self, task: str, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Future[Prediction]]:
        now = time.monotonic()
        futures = [TextFuture(task, now, self._withdraw) for _ in texts]
        self._enqueue(task, texts, futures, timeout)
        return [*futures]

    def predict(
        self, task: str, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Prediction]:
        done = threading.Event()
        gather = Gather(task, len(texts), time.monotonic(), done.set)
        self._enqueue(task, texts, gather.parts, timeout)
        try:
            if texts:
                done.wait()
        except BaseException:  # KeyboardInterrupt, above all
            self._abandon(gather)
            raise
        return gather.results()

    async def apredict(
        self, task: str, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Prediction]:
        loop = asyncio.get_running_loop()
        complete = loop.create_future()

        def finish() -> None:
            if not complete.done():
                complete.set_result(None)

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(finish)
            except RuntimeError:
                logger.debug("the event loop closed before a prediction arrived")

        gather = Gather(task, len(texts), time.monotonic(), wake)
        self._enqueue(task, texts, gather.parts, timeout)
        try:
            if texts and not gather.complete:
                await complete
        except asyncio.CancelledError:
            self._abandon(gather)
            raise
        return gather.results()

    def tasks(self) -> list[ModelInfo]:
        return self._source.infos()

    def active_version(self, task: str) -> str:
        return self._source.active_version(task)

    def warm(self, tasks: Sequence[str] | None = None) -> None:
        names = tasks if tasks is not None else [info.task for info in self._source.infos()]
        for name in names:
            try:
                self._source.load(name).predict(["A first text takes longer than the next ones."])
            except MLError:
                if tasks is not None:
                    raise
                logger.exception("the task %s cannot be served", name)

    def refresh(self) -> list[str]:
        return self._source.refresh()

    def cached_texts(self, task: str) -> list[str]:
        return self._cache.texts(task)

    def drop_cached(self, task: str) -> int:
        return self._cache.drop(task)

    def stats(self) -> EngineStats:
        with self._lock:
            queued, running = self._batcher.queued, self._batcher.running
        return EngineStats(queued, running, self._batcher.capacity, self.metrics.snapshot())

    def close(self, *, drain: float = 5.0) -> None:
        with self._lock:
            if self._closed:
                return
            self._closing = True
            self._has_work.notify_all()
        deadline = time.monotonic() + drain
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._closed = True
            left = self._batcher.clear()
            self._has_deadline.notify_all()
        for waiter in left:
            waiter.end(EngineClosed("the engine was closed before this text was computed"))

    def _enqueue(
        self, task: str, texts: Sequence[str], waiters: Sequence[Waiter], timeout: float | None
    ) -> None:
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TypeError("texts must be a sequence of strings")
        if self._closing:
            raise EngineClosed("the engine is closed")
        version = self._source.answering(task)
        self.metrics.count(task, requests=len(texts))
        unit = self._source.unit(task)
        hits, misses = [], []
        for text, waiter in zip(texts, waiters, strict=True):
            key = _key(task, version, unit, text)
            found = self._cache.get(key)
            if found is None:
                misses.append((key, text, waiter))
            else:
                hits.append((waiter, _of_task(task, found)))
        if misses:
            self._admit(task, misses, timeout)
        for waiter, found in hits:
            waiter.end(found)
        if hits:
            self.metrics.count(task, cache_hits=len(hits))

    def _admit(
        self, task: str, items: list[tuple[CacheKey, str, Waiter]], timeout: float | None
    ) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            if self._closing:
                raise EngineClosed("the engine is closed")
            try:
                joined = self._batcher.admit(
                    items, deadline=deadline, small=len(items) <= SMALL_CALL
                )
            except Overloaded:
                self.metrics.count(task, refused=len(items))
                raise
            self._start_threads(timer=deadline is not None)
            self._has_work.notify(1 + len(items) // SMALL_CALL)
            if deadline is not None and deadline < self._timer_until:
                self._timer_until = deadline  # or the others would wake it once more
                self._has_deadline.notify()
        if joined:
            self.metrics.count(task, coalesced=joined)

    def _start_threads(self, *, timer: bool) -> None:
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._work, name=f"trefoil-engine-{index}", daemon=True)
                for index in range(self._workers)
            ]
            for thread in self._threads:
                thread.start()
        if timer and self._timer is None:
            self._timer = threading.Thread(
                target=self._watch_deadlines, name="trefoil-engine-deadlines", daemon=True
            )
            self._timer.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                expired = self._batcher.expire(time.monotonic())
                batch = self._batcher.take()
                while not expired and not batch:
                    if self._closing:
                        return
                    self._has_work.wait()
                    expired = self._batcher.expire(time.monotonic())
                    batch = self._batcher.take()
            self._expire(expired)
            if batch:
                self._compute(batch)

    def _watch_deadlines(self) -> None:
        while True:
            with self._lock:
                expired: list[tuple[str, Waiter]] = []
                while not expired:
                    if self._closed:
                        return
                    following = self._batcher.next_deadline()
                    now = time.monotonic()
                    self._timer_until = math.inf if following is None else following
                    self._has_deadline.wait(
                        None if following is None else max(0.0, following - now)
                    )
                    expired = self._batcher.expire(time.monotonic())
            self._expire(expired)

    def _expire(self, expired: Iterable[tuple[str, Waiter]]) -> None:
        for task, waiter in expired:
            self.metrics.count(task, expired=1)
            waiter.end(DeadlineExceeded("the deadline passed while the text was queued"))

    def _compute(self, batch: list[Slot]) -> None:
        outcomes = self._outcomes(batch[0].task, [slot.text for slot in batch])
        for slot, outcome in zip(batch, outcomes, strict=True):
            if not isinstance(outcome, MLError):
                self._cache.put(cache_key(slot.task, outcome.version, slot.text), outcome)
        with self._lock:
            waiting = self._batcher.finish(batch)
        now = time.monotonic()
        latencies: dict[str, list[float]] = {}
        for waiter in (waiter for waiters in waiting for waiter in waiters):
            latencies.setdefault(waiter.task, []).append(now - waiter.submitted)
        for task, seconds in latencies.items():
            self.metrics.latencies(task, seconds)
        for waiters, outcome in zip(waiting, outcomes, strict=True):
            for waiter in waiters:
                if isinstance(outcome, MLError):
                    self.metrics.count(waiter.task, failures=1)
                    waiter.end(outcome)
                else:
                    waiter.end(_of_task(waiter.task, outcome))

    def _outcomes(self, task: str, texts: list[str]) -> Sequence[Computed]:
        try:
            predictor = self._source.load(task)
        except MLError as error:
            return [error] * len(texts)
        except Exception as error:
            logger.exception("the model of %s cannot be loaded", task)
            return [_inference_error(task, error)] * len(texts)
        outcomes = self._try_batch(task, predictor, texts)
        if len(texts) == 1 or not isinstance(outcomes[0], MLError):
            return outcomes
        return [self._try_batch(task, predictor, [text], log=False)[0] for text in texts]

    def _try_batch(
        self, task: str, predictor: Unit, texts: list[str], *, log: bool = True
    ) -> Sequence[Computed]:
        """All predictions, or the same error for each text."""
        self.metrics.batch(task.partition("/")[0], len(texts))
        try:
            predictions = predictor.predict(texts)
            if len(predictions) != len(texts):
                raise InferenceError(
                    f"{task}: {len(predictions)} predictions for {len(texts)} texts"
                )
        except MLError as error:
            return [error] * len(texts)
        except Exception as error:
            # One traceback a batch is enough: its texts, tried singly, fail for the same reason.
            logger.warning("computing %d texts of %s: %r", len(texts), task, error, exc_info=log)
            return [_inference_error(task, error)] * len(texts)
        return predictions

    def _abandon(self, gather: Gather) -> None:
        gather.cancelled = True
        self._withdraw(gather.parts)

    def _withdraw(self, waiters: Sequence[Waiter]) -> None:
        with self._lock:
            left = self._batcher.withdraw(waiters)
        for task, number in left.items():
            self.metrics.count(task, cancelled=number)


def _store(root: Path, settings: RuntimeSettings) -> ModelSource:
    # Imported here so that an engine over other models, such as fakes, needs no onnxruntime.
    from ml.serving.registry import ModelStore

    return ModelStore(root, runtime=settings)


def _key(task: str, version: str, unit: str, text: str) -> CacheKey:
    """What a text is computed and kept as: by the task, or by the joint model for all its tasks.

    Of long texts a tagger reads all and a classifier the beginning, so each is read by itself.
    """
    if unit == task or len(text) > TOGETHER_CHARACTERS:
        return cache_key(task, version, text)
    return cache_key(unit, unit.partition("/")[2], text)


def _of_task(task: str, found: Prediction | Answers) -> Prediction:
    return found.of[task] if isinstance(found, Answers) else found


def _inference_error(task: str, cause: Exception) -> InferenceError:
    error = InferenceError(f"{task}: the text could not be computed ({type(cause).__name__})")
    error.__cause__ = cause
    return error
