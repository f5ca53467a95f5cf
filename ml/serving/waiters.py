"""Those who wait for a text's prediction: a future of their own, or a part of a whole call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from ml.errors import MLError
from ml.types import Prediction

if TYPE_CHECKING:
    from ml.serving.batcher import Slot

Outcome = Prediction | MLError


class Waiter(Protocol):
    """One text of one call. ``slot`` is set while the text is queued or being computed."""

    task: str
    slot: Slot | None
    submitted: float

    def begin(self) -> bool:
        """The text is about to be computed; ``False`` when nobody wants it any more."""
        ...

    def end(self, outcome: Outcome) -> None:
        """Hand over the outcome, once; may run callbacks, so never under a lock."""
        ...


class TextFuture(Future[Prediction]):
    """The future that :meth:`InferenceEngine.submit` returns; cancelling it leaves the queue."""

    def __init__(
        self, task: str, submitted: float, withdraw: Callable[[list[Waiter]], None]
    ) -> None:
        super().__init__()
        self.task = task
        self.slot: Slot | None = None
        self.submitted = submitted
        self._withdraw = withdraw
        self._begun = False

    def begin(self) -> bool:
        self._begun = self.set_running_or_notify_cancel()
        return self._begun

    def end(self, outcome: Outcome) -> None:
        if not self._begun and not self.begin():
            return
        if isinstance(outcome, MLError):
            self.set_exception(outcome)
        else:
            self.set_result(outcome)

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if cancelled:
            self._withdraw([self])
        return cancelled


class Gather:
    """The outcomes of one call in order; ``on_complete`` runs once, when the last one arrives."""

    def __init__(
        self, task: str, size: int, submitted: float, on_complete: Callable[[], None]
    ) -> None:
        self.task = task
        self.parts: list[Waiter] = [Part(self, index, submitted) for index in range(size)]
        self.cancelled = False
        self._outcomes: list[Outcome | None] = [None] * size
        self._missing = size
        self._on_complete = on_complete
        self._lock = threading.Lock()

    def put(self, index: int, outcome: Outcome) -> None:
        with self._lock:
            self._outcomes[index] = outcome
            self._missing -= 1
            complete = self._missing == 0
        if complete:
            self._on_complete()

    @property
    def complete(self) -> bool:
        return self._missing == 0

    def results(self) -> list[Prediction]:
        """All predictions in order; raises the first error among them."""
        predictions = []
        for outcome in self._outcomes:
            if isinstance(outcome, MLError):
                raise outcome
            assert outcome is not None
            predictions.append(outcome)
        return predictions


class Part:
    """One text of a :class:`Gather`."""

    __slots__ = ("_gather", "_index", "slot", "submitted", "task")

    def __init__(self, gather: Gather, index: int, submitted: float) -> None:
        self._gather = gather
        self._index = index
        self.task = gather.task
        self.slot: Slot | None = None
        self.submitted = submitted

    def begin(self) -> bool:
        return not self._gather.cancelled

    def end(self, outcome: Outcome) -> None:
        self._gather.put(self._index, outcome)
