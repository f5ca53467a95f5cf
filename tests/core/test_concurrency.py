"""Several writers at the same moment; on PostgreSQL their transactions really run side by side."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from apps.core import events, scheduler, tasks
from apps.core.models import Event, Schedule, Stream
from tests.conftest import AtOnce

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 5
EACH = 12


class GaveUp(Exception):
    pass


def write(stream: str, number: int, *, fail: bool = False) -> None:
    with transaction.atomic():
        events.publish(stream, "kind", {"number": number})
        if fail:
            raise GaveUp


def sequences(stream: str) -> list[int]:
    return list(Event.objects.filter(stream=stream).order_by("seq").values_list("seq", flat=True))


def test_the_sequence_of_several_writers_has_no_gap_and_no_repeat(at_once: AtOnce) -> None:
    def writer() -> None:
        for number in range(EACH):
            write("s", number)

    assert at_once(*[writer] * WRITERS) == [None] * WRITERS
    assert sequences("s") == list(range(1, WRITERS * EACH + 1))
    assert events.head("s") == WRITERS * EACH


def test_a_write_that_is_rolled_back_leaves_no_gap(at_once: AtOnce) -> None:
    def writer() -> None:
        for number in range(EACH):
            write("s", number)

    def quitter() -> None:
        for number in range(EACH):
            with pytest.raises(GaveUp):
                write("s", number, fail=True)

    assert at_once(writer, quitter, writer, quitter) == [None] * 4
    assert sequences("s") == list(range(1, 2 * EACH + 1))


def test_a_reader_among_writers_never_sees_a_gap(at_once: AtOnce) -> None:
    """A number that became visible before an earlier one would be skipped by a reader for good."""
    last = (WRITERS - 1) * EACH

    def writer() -> None:
        for number in range(EACH):
            write("s", number)

    def reader() -> list[int]:
        seen: list[int] = []
        end = timezone.now() + timedelta(seconds=60)
        while len(seen) < last and timezone.now() < end:
            read = events.replay("s", len(seen))
            assert read.complete
            seen += [event.seq for event in read.events]
        return seen

    results = at_once(reader, *[writer] * (WRITERS - 1))
    assert results[0] == list(range(1, last + 1))


def test_writers_of_several_streams_number_each_for_itself(at_once: AtOnce) -> None:
    def writer(stream: str) -> None:
        for number in range(EACH):
            write(stream, number)

    at_once(*[partial(writer, name) for name in ("a", "b", "a", "b")])
    assert sequences("a") == sequences("b") == list(range(1, 2 * EACH + 1))
    assert Stream.objects.count() == 2


def test_one_of_several_schedulers_starts_a_due_task(
    at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = timedelta(minutes=5)
    periodic = scheduler.Periodic("prune", tasks.prune_events, every)
    monkeypatch.setattr(scheduler, "_periodic", {"prune": periodic})
    assert at_once(*[scheduler.start_due] * WRITERS) == [[]] * WRITERS  # the first look sets a time
    Schedule.objects.update(due_at=timezone.now() - every)
    started = at_once(*[scheduler.start_due] * WRITERS)
    assert sorted(started) == [[]] * (WRITERS - 1) + [["prune"]]
