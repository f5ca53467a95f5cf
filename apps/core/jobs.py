"""Long work in a worker process: progress that pages and terminals show, cancelling, resuming.

A job function is idempotent or resumes from what it stored, because a job whose worker died is
started again. It reports through :class:`Progress`, which also keeps the job alive and raises
:class:`Cancelled` once somebody asked for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django_tasks import task

from apps.core import events
from apps.core.errors import Conflict, Problem
from apps.core.models import Job
from apps.core.wording import said
from ml.wording import Wording

logger = structlog.get_logger(__name__)

HEARTBEAT_TIMEOUT = timedelta(seconds=30)
MAX_ATTEMPTS = 3
_REPORT_SECONDS = 0.5


class Cancelled(Exception):
    """Somebody asked for the job to be cancelled."""


class ProgressReporter(Protocol):
    """What long work reports to: a job's row, a terminal's bar, or nothing."""

    def update(self, done: int, total: int, message: str = "") -> None:
        """Report ``done`` of ``total`` steps; raises :class:`Cancelled` to stop the work.

        A :class:`Wording`, or a literal that is marked for translation, is told in the language of
        whoever started it.
        """
        ...


class NoProgress:
    """Reports to nobody."""

    def update(self, done: int, total: int, message: str = "") -> None:
        return


class Progress:
    """Reports to the job's row and to the stream ``job.<id>``, twice a second at most."""

    def __init__(self, job_id: UUID) -> None:
        self._job_id = job_id
        self._reported = 0.0

    def update(self, done: int, total: int, message: str = "") -> None:
        now = time.monotonic()
        if now - self._reported < _REPORT_SECONDS and done < total:
            return
        self._reported = now
        with transaction.atomic():
            job = Job.objects.select_for_update().get(id=self._job_id)
            if job.cancel_requested:
                raise Cancelled
            job.done, job.total, job.message = done, total, _told(job, message)
            job.heartbeat_at = timezone.now()
            job.save(update_fields=["done", "total", "message", "heartbeat_at"])
            _announce(job)


JobFunction = Callable[..., Any]
_functions: dict[str, JobFunction] = {}
_queues: dict[str, str] = {}

LONG_QUEUE = "long"
"""Jobs that take the machine for minutes: a worker of their own does one after the other."""

BULK_QUEUE = "bulk"
"""Jobs over many rows, which must hold up neither what is due each few seconds nor each other's
long ones: they have a worker of their own as well."""


def register_job(kind: str, function: JobFunction, *, queue: str = "default") -> None:
    """Let jobs of ``kind`` run ``function(progress, **arguments)``; call from ``ready()``."""
    _functions[kind] = function
    _queues[kind] = queue


def job_start(*, kind: str, title: str, owner: Any | None, arguments: dict[str, Any]) -> Job:
    """Store a job and queue it, in one transaction."""
    if kind not in _functions:
        raise LookupError(f"no job function is registered for {kind!r}")
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            title=title[:200],
            owner=owner,
            language=translation.get_language() or "",
            arguments=arguments,
        )
        _announce(job)
        transaction.on_commit(lambda: _enqueue(job))
    job.refresh_from_db()
    return job


def job_cancel(*, job: Job) -> Job:
    """Ask a running job to stop, or end a queued one; raises ``Conflict`` when it has finished."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(id=job.id)
        if job.is_finished:
            state = job.get_status_display().lower()
            raise Conflict("The job has %(state)s already.", code="job_finished", state=state)
        job.cancel_requested = True
        if job.status == Job.Status.QUEUED:
            job.status, job.finished_at = Job.Status.CANCELLED, timezone.now()
        job.save(update_fields=["cancel_requested", "status", "finished_at"])
        _announce(job)
    return job


def requeue_abandoned() -> int:
    """Queue again the jobs whose worker died; those that keep dying are marked failed.

    Returns the number of jobs that were touched.
    """
    now = timezone.now()
    silent = Q(status=Job.Status.RUNNING, heartbeat_at__lt=now - HEARTBEAT_TIMEOUT)
    lost = Q(status=Job.Status.QUEUED, created_at__lt=now - HEARTBEAT_TIMEOUT, heartbeat_at=None)
    touched = 0
    for job_id in Job.objects.filter(silent | lost).values_list("id", flat=True):
        touched += _requeue(job_id)
    return touched


def queue_waiting(queue: str) -> bool:
    """Whether a job of a queue waits for its worker."""
    kinds = [kind for kind, name in _queues.items() if name == queue]
    return Job.objects.filter(status=Job.Status.QUEUED, kind__in=kinds).exists()


def _requeue(job_id: UUID) -> int:
    with transaction.atomic():
        job = Job.objects.select_for_update().get(id=job_id)
        if job.is_finished:
            return 0
        if job.attempts >= MAX_ATTEMPTS:
            words = Wording("The worker died %(times)s times.", times=job.attempts)
            _finish(job, Job.Status.FAILED, words, None)
            return 1
        job.status, job.heartbeat_at = Job.Status.QUEUED, timezone.now()
        job.save(update_fields=["status", "heartbeat_at"])
        transaction.on_commit(lambda: _enqueue(job))
    return 1


def _enqueue(job: Job) -> None:
    run_job.using(queue_name=_queues.get(job.kind, "default")).enqueue(str(job.id))


@task()
def run_job(job_id: str) -> None:
    """Run one job to its end in a worker; the outcome is in its row, never an exception."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(id=job_id)
        fresh = job.heartbeat_at and timezone.now() - job.heartbeat_at < HEARTBEAT_TIMEOUT
        if job.is_finished or (job.status == Job.Status.RUNNING and fresh):
            return
        job.status, job.heartbeat_at = Job.Status.RUNNING, timezone.now()
        job.attempts += 1
        job.save(update_fields=["status", "heartbeat_at", "attempts"])
        _announce(job)
    try:
        with _language(job):
            result = _functions[job.kind](Progress(job.id), **job.arguments)
    except Cancelled:
        _close(job.id, Job.Status.CANCELLED, Wording("Cancelled"), None)
    except Problem as problem:
        _close(job.id, Job.Status.FAILED, problem.words, problem.detail())
    except Exception as error:
        logger.exception("job failed", job=str(job.id), kind=job.kind)
        reason = Wording("Failed: %(error)s", error=type(error).__name__)
        _close(job.id, Job.Status.FAILED, reason, None)
    else:
        _close(job.id, Job.Status.SUCCEEDED, "", result)


def _close(job_id: UUID, status: Job.Status, message: str, result: Any) -> None:
    with transaction.atomic():
        _finish(Job.objects.select_for_update().get(id=job_id), status, message, result)


def _finish(job: Job, status: Job.Status, message: str, result: Any) -> None:
    job.status, job.finished_at = status, timezone.now()
    job.message = _storable(_told(job, message) or job.message)
    job.result = _storable(result)
    job.save(update_fields=["status", "finished_at", "message", "result"])
    _announce(job)


def _told(job: Job, words: str) -> str:
    with _language(job):
        return said(words)[:500]


def _language(job: Job) -> AbstractContextManager[None]:
    """What is said meanwhile is in the language of whoever started the job."""
    return translation.override(job.language or settings.LANGUAGE_CODE)


def _storable(value: Any) -> Any:
    """``value`` with half surrogates, which no database takes, written out: words about a damaged
    file may quote it, and a worker that cannot store how a job ended dies of it."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(held) for held in value]
    return value


def _announce(job: Job) -> None:
    events.publish(f"job.{job.id}", "job.updated", job_payload(job))


def job_payload(job: Job) -> dict[str, Any]:
    """The job as JSON for pages, sockets and the API."""
    return {
        "id": str(job.id),
        "kind": job.kind,
        "title": job.title,
        "status": job.status,
        "done": job.done,
        "total": job.total,
        "message": job.message,
        "result": job.result,
        "created_at": job.created_at.isoformat(),
    }
