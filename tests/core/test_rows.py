"""Rows written without the mapper are those that it would have written."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.core import rows
from apps.core.checkpoints import checkpoint
from apps.core.models import Event, Job

pytestmark = pytest.mark.django_db(transaction=True)


def read(job: Job) -> Job | None:
    table, key = Job._meta.db_table, Job._meta.pk.get_db_prep_value(job.pk, connection)
    statement = f"SELECT {rows.columns(Job)} FROM {table} WHERE id = %s"
    return rows.fetch(Job, statement, [key])


def fields(job: Job | None) -> dict[str, object]:
    assert job is not None
    return {field.attname: getattr(job, field.attname) for field in Job._meta.concrete_fields}


def test_a_row_is_stored_and_read_as_by_the_mapper() -> None:
    job = Job(kind="test", title="größer", result={"n": [1, None, "é"]})
    rows.insert(job)
    assert not job._state.adding
    assert fields(read(job)) == fields(Job.objects.get(pk=job.pk)) == fields(job)


def test_the_database_makes_the_key() -> None:
    first, second = (Event(stream="s", seq=seq, kind="k", payload={}) for seq in (1, 2))
    rows.insert(first)
    rows.insert(second)
    assert Event.objects.get(seq=2).pk == second.pk > first.pk


def test_the_whole_row_is_changed_or_what_is_named() -> None:
    job = Job.objects.create(kind="test", title="before")
    job.title, job.message = "after", "kept out"
    rows.update(job, ("title",))
    found = Job.objects.get(pk=job.pk)
    assert (found.title, found.message) == ("after", "")
    rows.update(job)
    assert fields(Job.objects.get(pk=job.pk)) == fields(job)


def test_a_row_that_is_gone_is_not_changed() -> None:
    job = Job.objects.create(kind="test", title="gone")
    Job.objects.all().delete()
    with pytest.raises(DatabaseError, match="not there"):
        rows.update(job)
    assert read(job) is None


def test_what_the_database_refuses_is_rolled_back() -> None:
    rows.insert(Event(stream="s", seq=1, kind="k", payload={}))

    @transaction.atomic
    def store(*numbers: int) -> None:
        for seq in numbers:
            rows.insert(Event(stream="s", seq=seq, kind="k", payload={}))

    with pytest.raises(IntegrityError):
        store(2, 1)
    assert Event.objects.count() == 1


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite keeps such a log")
def test_the_log_is_carried_over_apart_from_commits() -> None:
    page = "x" * 4000
    Event.objects.bulk_create(
        Event(stream="s", seq=seq, kind="k", payload=page) for seq in range(200)
    )
    pages, done = checkpoint()
    assert pages == done > 0
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_autocheckpoint")
        assert cursor.fetchone()[0] > 1000  # pages, after which SQLite would by itself
