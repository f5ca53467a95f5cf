from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
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


@pytest.mark.django_db(transaction=True)
async def test_a_server_s_loop_broadcasts_while_the_thread_goes_on() -> None:
    """The committing thread is not kept waiting; events still arrive in their order."""
    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    await layer.group_add(events.group_name("s"), channel)
    service = asyncio.create_task(events.run_broadcasts())
    await asyncio.sleep(0)

    def write() -> None:
        for number in range(3):
            with transaction.atomic():
                events.publish("s", "kind", {"number": number})

    await sync_to_async(write)()
    received = [await asyncio.wait_for(layer.receive(channel), 5) for _ in range(3)]
    assert [message["event"]["seq"] for message in received] == [1, 2, 3]
    service.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await service
    await sync_to_async(write)()  # without the loop the thread tells the layer itself
    assert (await asyncio.wait_for(layer.receive(channel), 5))["event"]["seq"] == 4


@pytest.mark.django_db
def test_what_is_stored_is_what_is_told() -> None:
    moment = timezone.now()
    with transaction.atomic():
        events.publish("s", "kind", {"at": moment, "text": "né 你好", "none": None})
    (stored,) = events.replay("s", 0).events
    assert stored.payload["text"] == "né 你好"
    assert stored.payload["none"] is None
    assert stored.payload["at"].startswith(f"{moment:%Y-%m-%dT%H:%M:%S}")
