from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from apps.accounts.models import User
from apps.core import events, jobs
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.models import Job
from ml.wording import Wording
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(minutes=10)


@pytest.fixture(autouse=True)
def own_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Job functions of this test alone."""
    monkeypatch.setattr(jobs, "_functions", {})


def job_of(member: User, **fields: Any) -> Job:
    return Job.objects.create(
        kind="count", title="Counting", owner=member, arguments={"upto": 2}, **fields
    )


def count(progress: jobs.Progress, upto: int) -> dict[str, int]:
    for number in range(1, upto + 1):
        progress.update(number, upto, f"number {number}")
    return {"counted": upto}


def test_a_job_runs_to_its_end_and_tells_of_it(member: User) -> None:
    jobs.register_job("count", count)
    job = jobs.job_start(kind="count", title="Counting", owner=member, arguments={"upto": 3})
    assert (job.status, job.result, job.done, job.total) == ("succeeded", {"counted": 3}, 3, 3)
    told = [event.payload for event in events.replay(f"job.{job.id}", 0).events]
    assert told[0]["status"] == "queued"
    assert told[-1]["status"] == "succeeded"
    assert told[-1]["result"] == {"counted": 3}


def test_a_job_tells_in_the_language_of_who_began_it(member: User) -> None:
    def search(progress: jobs.Progress, upto: int) -> None:
        progress.update(upto, upto, Wording("%(found)s found", found=upto))
        if upto > 3:
            raise NotFound("There is no item %(item_id)r.", item_id="sea-1")

    jobs.register_job("search", search)

    def told(upto: int) -> str:
        job = jobs.job_start(kind="search", title="", owner=member, arguments={"upto": upto})
        return job.message

    assert (told(3), told(4)) == ("3 found", "There is no item 'sea-1'.")
    with translation.override("zh-hans"):
        in_chinese = told(3), told(4)
    assert in_chinese == ("找到 3 处", "没有条目 'sea-1'。")


def test_an_unknown_kind_is_refused_before_anything_is_stored(member: User) -> None:
    with pytest.raises(LookupError, match="nothing"):
        jobs.job_start(kind="nothing", title="", owner=member, arguments={})
    assert not Job.objects.exists()


def test_words_that_no_database_takes_end_a_job_all_the_same(member: User) -> None:
    def refuse(progress: jobs.Progress) -> None:
        raise InvalidInput("the header has \udcff")

    jobs.register_job("refuse", refuse)
    job = jobs.job_start(kind="refuse", title="Books", owner=member, arguments={})
    assert (job.status, job.message) == ("failed", r"the header has \udcff")
    assert job.result["detail"] == job.message


def test_a_problem_ends_the_job_with_its_words(member: User) -> None:
    def refuse(progress: jobs.Progress) -> None:
        raise InvalidInput("books.csv, row 7: no title")

    jobs.register_job("refuse", refuse)
    job = jobs.job_start(kind="refuse", title="Books", owner=member, arguments={})
    assert (job.status, job.message) == ("failed", "books.csv, row 7: no title")


def test_a_defect_ends_the_job_without_showing_its_trace(member: User, client_for: Any) -> None:
    def break_down(progress: jobs.Progress) -> None:
        raise ZeroDivisionError("the secret inner state")

    jobs.register_job("break", break_down)
    job = jobs.job_start(kind="break", title="Books", owner=member, arguments={})
    assert job.status == "failed"
    page = client_for(member).get(f"/jobs/{job.id}/").content.decode()
    assert "ZeroDivisionError" in page
    for hidden in ("secret inner state", "Traceback"):
        assert hidden not in page + str(job.result) + job.message


def test_a_queued_job_is_cancelled_at_once_and_never_runs(member: User) -> None:
    jobs.register_job("count", count)
    job = job_of(member)
    assert jobs.job_cancel(job=job).status == "cancelled"
    jobs.run_job.call(str(job.id))
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("cancelled", 0)


def test_a_running_job_stops_at_its_next_report(member: User) -> None:
    seen = []

    def work(progress: jobs.Progress, upto: int) -> None:
        seen.append("began")
        assert jobs.job_cancel(job=Job.objects.get()).status == "running"
        progress.update(upto, upto)
        seen.append("went on")

    jobs.register_job("count", work)
    job = jobs.job_start(kind="count", title="Counting", owner=member, arguments={"upto": 1})
    assert job.status == "cancelled"
    assert seen == ["began"]


def test_a_finished_job_cannot_be_cancelled(member: User) -> None:
    job = job_of(member, status=Job.Status.SUCCEEDED)
    with pytest.raises(Conflict):
        jobs.job_cancel(job=job)


@pytest.mark.parametrize(
    "state",
    [
        {"status": "running", "heartbeat_at": LONG_AGO, "attempts": 1},
        {"status": "queued", "heartbeat_at": None},
    ],
    ids=["its worker died", "it never reached the queue"],
)
def test_an_abandoned_job_is_started_again(member: User, state: dict[str, Any]) -> None:
    jobs.register_job("count", count)
    job = job_of(member, **state)
    Job.objects.update(created_at=LONG_AGO)
    assert jobs.requeue_abandoned() == 1
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("succeeded", state.get("attempts", 0) + 1)
    assert jobs.requeue_abandoned() == 0


def test_a_job_that_is_alive_is_left_alone(member: User) -> None:
    jobs.register_job("count", count)
    job_of(member, status="running", heartbeat_at=timezone.now(), attempts=1)
    job_of(member)
    assert jobs.requeue_abandoned() == 0


def test_a_second_delivery_of_a_running_job_does_nothing(member: User) -> None:
    jobs.register_job("count", count)
    job = job_of(member, status="running", heartbeat_at=timezone.now(), attempts=1)
    jobs.run_job.call(str(job.id))
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("running", 1)


def test_a_job_whose_worker_died_three_times_has_failed(member: User) -> None:
    jobs.register_job("count", count)
    job = job_of(member, status="running", heartbeat_at=LONG_AGO, attempts=3)
    assert jobs.requeue_abandoned() == 1
    job.refresh_from_db()
    assert (job.status, job.message) == ("failed", "The worker died 3 times.")


def test_the_owner_sees_and_cancels_the_job(member: User, client_for: ClientFor) -> None:
    job, client = job_of(member), client_for(member)
    assert "Counting" in client.get(f"/jobs/{job.id}/").content.decode()
    assert client.get(f"/api/v1/jobs/{job.id}/").json()["status"] == "queued"
    assert client.delete(f"/api/v1/jobs/{job.id}/").json()["status"] == "cancelled"
    again = client.delete(f"/api/v1/jobs/{job.id}/")
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")


def test_a_fragment_is_given_to_htmx(member: User, client_for: ClientFor) -> None:
    job = job_of(member)
    url, client = f"/jobs/{job.id}/", client_for(member)
    assert "<html" in client.get(url).content.decode()
    part = client.get(url, headers={"hx-request": "true"})
    assert "<html" not in part.content.decode()
    assert "HX-Trigger" not in part
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED)
    assert "job-ended" in client.get(url, headers={"hx-request": "true"})["HX-Trigger"]
    assert "HX-Trigger" not in client.get(url)


def test_nobody_else_sees_or_cancels_the_job(
    member: User, operator: User, client: Client, client_for: ClientFor
) -> None:
    job, other = job_of(member), client_for(operator)
    assert other.get(f"/jobs/{job.id}/").status_code == 404
    assert client.get(f"/jobs/{job.id}/").status_code == 404
    assert other.post(f"/jobs/{job.id}/cancel/").status_code == 404
    assert other.delete(f"/api/v1/jobs/{job.id}/").status_code == 404
    assert client.get(f"/api/v1/jobs/{job.id}/").status_code == 401
    job.refresh_from_db()
    assert job.status == "queued"


def test_long_jobs_have_a_queue_that_is_looked_at(member: User) -> None:
    jobs.register_job("count", count, queue=jobs.LONG_QUEUE)
    assert not jobs.queue_waiting(jobs.LONG_QUEUE)
    job = job_of(member)
    assert jobs.queue_waiting(jobs.LONG_QUEUE)
    jobs.job_cancel(job=job)
    assert not jobs.queue_waiting(jobs.LONG_QUEUE)
    jobs.register_job("count", count)
    job_of(member)
    assert not jobs.queue_waiting(jobs.LONG_QUEUE)
