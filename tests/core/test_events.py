from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.core import events
from apps.core.models import Event


def publish(stream: str, *numbers: int) -> list[int]:
    """Publish one event a transaction."""
    found = []
    for number in numbers:
        with transaction.atomic():
            found.append(events.publish(stream, "thing.counted", {"n": number}))
    return found


def in_threads(count: int, action: Callable[[int], None]) -> None:
    """Run ``action(index)`` in ``count`` threads that begin together; raise what one raised."""
    begin, errors = threading.Barrier(count), []

    def run(index: int) -> None:
        begin.wait()
        try:
            action(index)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_each_stream_counts_from_one_without_gaps(db: None) -> None:
    assert publish("a", 1, 2, 3) == [1, 2, 3]
    assert publish("b", 1) == [1]
    assert events.head("a") == 3
    assert events.heads(["a", "b", "nothing"]) == {"a": 3, "b": 1}
    assert events.head("nothing") == 0


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        events.publish("a", "thing.counted", {})
    assert events.head("a") == 0


@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_rolled_back_transaction_never_was() -> None:
    publish("a", 1)
    with transaction.atomic():
        events.publish("a", "thing.counted", {"n": 2})
        transaction.set_rollback(True)
    assert publish("a", 3) == [2]
    assert [event.payload["n"] for event in events.replay("a", 0).events] == [1, 3]


def test_replay_gives_what_follows_in_order(db: None) -> None:
    publish("a", 1, 2, 3)
    replay = events.replay("a", 1)
    assert replay.complete
    assert replay.head == 3
    assert [(event.seq, event.payload) for event in replay.events] == [(2, {"n": 2}), (3, {"n": 3})]
    assert events.replay("a", 3).events == []
    assert events.replay("a", 3).complete


def test_replay_is_incomplete_when_events_were_pruned(db: None) -> None:
    publish("a", 1, 2, 3)
    Event.objects.filter(seq__lte=2).update(created_at=timezone.now() - timedelta(days=30))
    assert events.prune(older_than=timedelta(days=14)) == 2
    missed = events.replay("a", 0)
    assert not missed.complete
    assert missed.head == 3
    assert missed.events == []
    assert events.replay("a", 2).complete


def test_replay_is_incomplete_when_all_events_were_pruned(db: None) -> None:
    publish("a", 1, 2)
    Event.objects.all().delete()
    assert not events.replay("a", 1).complete
    assert events.replay("a", 2).complete
    assert publish("a", 3) == [3]


@pytest.mark.parametrize("after", [99, -1, 10**30, -(10**30)])
def test_replay_is_incomplete_from_a_place_that_never_was(db: None, after: int) -> None:
    publish("a", 1)
    assert not events.replay("a", after).complete


def test_replay_is_incomplete_for_a_reader_too_far_behind(db: None) -> None:
    publish("a", *range(6))
    assert not events.replay("a", 0, limit=5).complete
    assert events.replay("a", 1, limit=5).complete


@pytest.mark.django_db(transaction=True)
def test_concurrent_publishers_leave_no_gap_and_no_repeat() -> None:
    in_threads(4, lambda index: publish("a", *range(10)) and None)
    assert [event.seq for event in events.replay("a", 0).events] == list(range(1, 41))


@pytest.mark.django_db(transaction=True)
def test_a_failing_channel_layer_does_not_fail_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        async def group_send(self, group: str, message: object) -> None:
            raise ConnectionError("no layer")

    monkeypatch.setattr(events, "get_channel_layer", Broken)
    assert publish("a", 1) == [1]
