"""The front page, health, metrics and background jobs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from apps.core import gateway, jobs, simulation
from apps.core.errors import NotAllowed, NotFound, Problem
from apps.core.models import Job

NEEDED_TASKS = frozenset({"intent", "sentiment", "targeted_sentiment", "topic", "ner", "encoder"})
"""The models without which one of the three apps does not work."""


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "core/home.html")


@require_GET
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_GET
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """The process can do its work: database reachable and migrated, models built."""
    checks: dict[str, str] = {}
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        checks["database"] = f"{len(pending)} migrations pending" if pending else "ok"
    except Exception as error:
        checks["database"] = f"unreachable ({type(error).__name__})"
    try:
        missing = NEEDED_TASKS - {info.task for info in gateway.models()}
        broken = missing & gateway.unusable().keys() if missing else set()
        told = {
            "missing": missing - broken,
            "unusable (manage.py check --deploy tells why)": broken,
        }
        wrong = [f"{what}: {', '.join(sorted(tasks))}" for what, tasks in told.items() if tasks]
        checks["models"] = "; ".join(wrong) or "ok"
    except Problem as problem:
        checks["models"] = problem.message
    good = all(value == "ok" for value in checks.values())
    body = {"status": "ready" if good else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if good else 503)


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics, for this machine and administrators."""
    local = request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1")
    user: Any = request.user
    if not (local or (user.is_authenticated and user.role == "administrator")):
        return HttpResponseForbidden("Not allowed")
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _job_or_404(request: HttpRequest, job_id: str) -> Job:
    job = Job.objects.filter(id=job_id).first()
    if job is None or not request.user.has_perm("core.view_job", job):
        raise NotFound("There is no such job.")
    return job


@require_GET
def job_detail(request: HttpRequest, job_id: str) -> HttpResponse:
    """A job's progress; htmx asks for the fragment while the job runs.

    With the last one comes the event ``job-ended``, for what shows what the job made.
    """
    job = _job_or_404(request, job_id)
    is_part = getattr(request, "htmx", False)
    template = "components/job.html" if is_part else "core/job.html"
    response = render(request, template, {"job": job, "demo": settings.DEMO})
    return trigger_client_event(response, "job-ended") if is_part and job.is_finished else response


@require_POST
def job_cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    job = jobs.job_cancel(job=_job_or_404(request, job_id))
    return redirect("core:job", job_id=job.id)


@require_POST
def simulation_toggle(request: HttpRequest) -> HttpResponse:
    """Start or stop the simulation from the page header, in demo mode.

    The form says which (``wanted`` is 1 or 0), so a second start from another open page changes
    nothing.
    """
    if not settings.DEMO:
        raise NotAllowed("The simulation runs in demo mode only.")
    row = simulation.simulation_set(wanted=request.POST.get("wanted") == "1")
    if not getattr(request, "htmx", False):
        return redirect("core:home")
    return render(request, "components/simulate_button.html", {"simulation": row})
