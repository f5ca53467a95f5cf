"""Which texts are waiting and which of them make the next batch. Not thread-safe by itself."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ml.errors import Overloaded
from ml.serving.cache import CacheKey
from ml.serving.waiters import Waiter

SMALL_CALL = 8
"""Calls of at most so many texts wait in the small lane, which bulk work cannot hold up."""

_BULK_TURN = 4  # every so many batches of a task one is for its bulk lane
_WINDOW = 8  # batches' worth of the oldest texts among which lengths are matched


@dataclass(slots=True, eq=False)
class Slot:
    """One distinct text to compute and everybody who waits for it.

    ``task`` is what computes it: a task or, for several tasks at once, a joint model.
    """

    task: str
    text: str
    key: CacheKey
    small: bool
    waiters: list[Waiter] = field(default_factory=list)
    queued: bool = True


@dataclass(slots=True)
class _Lanes:
    small: OrderedDict[Slot, None] = field(default_factory=OrderedDict)
    bulk: OrderedDict[Slot, None] = field(default_factory=OrderedDict)
    turn: int = 0

    def of(self, slot: Slot) -> OrderedDict[Slot, None]:
        return self.small if slot.small else self.bulk

    def next(self) -> OrderedDict[Slot, None]:
        self.turn += 1
        if self.bulk and (not self.small or self.turn % _BULK_TURN == 0):
            return self.bulk
        return self.small


class Batcher:
    """A bounded queue that groups texts into batches without ever waiting for more of them.

    Tasks take turns; within a task small calls go before bulk ones, which get every fourth batch;
    within a lane the oldest text is always taken, together with those of the nearest lengths.
    A text that equals one already waiting or being computed joins it and takes no room.

    ``capacity`` bounds the queue in texts; a batch has at most ``max_texts`` texts and, counted
    as its longest text times their number, at most ``max_characters`` (one text may have more).
    """

    def __init__(self, *, capacity: int, max_texts: int, max_characters: int) -> None:
        self.capacity = capacity
        self.queued = 0
        self.running = 0
        self._max_texts = max_texts
        self._max_characters = max_characters
        self._tasks: OrderedDict[str, _Lanes] = OrderedDict()
        self._slots: dict[CacheKey, Slot] = {}
        self._deadlines: list[tuple[float, int, Waiter]] = []
        self._order = itertools.count()

    def admit(
        self,
        items: Sequence[tuple[CacheKey, str, Waiter]],
        *,
        deadline: float | None,
        small: bool,
    ) -> int:
        """Queue all of ``items`` or raise :class:`Overloaded`; returns how many joined others."""
        new = len({key for key, _, _ in items if key not in self._slots})
        if self.queued + new > self.capacity:
            raise Overloaded(
                f"{new} texts do not fit: {self.queued} of {self.capacity} places are taken"
            )
        for key, text, waiter in items:
            self._admit(key, text, waiter, small)
            if deadline is not None:
                heapq.heappush(self._deadlines, (deadline, next(self._order), waiter))
        return len(items) - new

    def next_deadline(self) -> float | None:
        """The earliest of those who wait in the queue, as far as it is known: never too late."""
        while self._deadlines and not _queued(self._deadlines[0][2]):
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def expire(self, now: float) -> list[tuple[str, Waiter]]:
        """Take out those whose deadline passed in the queue; returns each with its task."""
        expired = []
        while self._deadlines and self._deadlines[0][0] <= now:
            waiter = heapq.heappop(self._deadlines)[2]
            if _queued(waiter):
                expired.append((waiter.task, waiter))
                self._leave(waiter)
        return expired

    def withdraw(self, waiters: Iterable[Waiter]) -> Counter[str]:
        """Waiters were cancelled: take out those still queued; returns their number by task."""
        left: Counter[str] = Counter()
        for waiter in waiters:
            if waiter.slot is not None:
                left[waiter.task] += 1
                if waiter.slot.queued:
                    self._leave(waiter)
        return left

    def take(self) -> list[Slot]:
        """The next batch, of one task and now running; empty when nothing is queued.

        Texts that were cancelled and not withdrawn yet are passed over: who takes an empty batch
        waits until more is queued, so none may be given while others wait.
        """
        batch: list[Slot] = []
        while self._tasks and not batch:
            task, lanes = next(iter(self._tasks.items()))
            window = list(itertools.islice(lanes.next(), _WINDOW * self._max_texts))
            batch = [slot for slot in self._matched(window) if self._start(slot)]
            if lanes.small or lanes.bulk:
                self._tasks.move_to_end(task)
            else:
                del self._tasks[task]
        return batch

    def finish(self, slots: Iterable[Slot]) -> list[list[Waiter]]:
        """The batch is computed; returns who waits for each of its texts."""
        return [self._end(slot) for slot in slots]

    def clear(self) -> list[Waiter]:
        """Drop all that is queued or running; returns everybody who waited."""
        left = [waiter for slot in list(self._slots.values()) for waiter in self._end(slot)]
        self._tasks.clear()
        self._deadlines.clear()
        return left

    def _admit(self, key: CacheKey, text: str, waiter: Waiter, small: bool) -> None:
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = Slot(key[0], text, key, small)
            self._enqueue(slot)
        elif slot.queued and small and not slot.small:
            self._dequeue(slot)
            slot.small = True
            self._enqueue(slot)
        elif not slot.queued:
            waiter.begin()
        waiter.slot = slot
        slot.waiters.append(waiter)

    def _enqueue(self, slot: Slot) -> None:
        self._tasks.setdefault(slot.task, _Lanes()).of(slot)[slot] = None
        self.queued += 1

    def _dequeue(self, slot: Slot) -> None:
        del self._tasks[slot.task].of(slot)[slot]
        self.queued -= 1

    def _leave(self, waiter: Waiter) -> None:
        slot = waiter.slot
        assert slot is not None
        waiter.slot = None
        slot.waiters.remove(waiter)
        if not slot.waiters:
            self._dequeue(slot)
            del self._slots[slot.key]

    def _start(self, slot: Slot) -> bool:
        """Move a slot from the queue to the running ones, unless nobody wants it any more."""
        self._dequeue(slot)
        slot.queued = False
        slot.waiters = [waiter for waiter in slot.waiters if waiter.begin()]
        if not slot.waiters:
            del self._slots[slot.key]
            return False
        self.running += 1
        return True

    def _end(self, slot: Slot) -> list[Waiter]:
        if self._slots.get(slot.key) is not slot:
            return []  # dropped by clear()
        del self._slots[slot.key]
        if slot.queued:
            self.queued -= 1
        else:
            self.running -= 1
        for waiter in slot.waiters:
            waiter.slot = None
        return slot.waiters

    def _matched(self, window: list[Slot]) -> list[Slot]:
        """The oldest slot and its neighbours by length, within the bounds of a batch."""
        if not window:
            return []
        ordered = sorted(window, key=lambda slot: len(slot.text))
        lengths = [len(slot.text) for slot in ordered]
        low = ordered.index(window[0])
        wanted, high = lengths[low], low + 1
        while high - low < min(self._max_texts, len(ordered)):
            room = self._max_characters // (high - low + 1)
            above = (
                lengths[high] - wanted if high < len(ordered) and lengths[high] <= room else None
            )
            below = wanted - lengths[low - 1] if low > 0 and lengths[high - 1] <= room else None
            if above is not None and (below is None or above <= below):
                high += 1
            elif below is not None:
                low -= 1
            else:
                break
        return ordered[low:high]


def _queued(waiter: Waiter) -> bool:
    return waiter.slot is not None and waiter.slot.queued
