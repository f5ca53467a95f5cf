"""The screens of replays: start one, see what would change."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.selectors import signed_in
from apps.core import gateway
from apps.core.errors import InvalidInput, Problem
from apps.support.access import permission_needed
from apps.support.models import FlowVersion
from apps.support.promises import TASK
from apps.support.replaying import KINDS, thresholds_of
from apps.support.selectors import replays as selectors
from apps.support.services.replays import replay_start
from ml.errors import MLError

_leads_only = permission_needed("support.replay_bot")
_LISTED = 20


@require_http_methods(["GET", "POST"])
@never_cache
@_leads_only
def replays(request: HttpRequest) -> HttpResponse:
    """Past replays and the form of a new one; posting starts it."""
    if request.method != "POST":
        return _page(request)
    form = request.POST
    try:
        job = replay_start(
            actor=signed_in(request),
            number=int(_number(form, "number") or 200),
            version=form.get("version", "")[:100] or None,
            thresholds=_thresholds(form),
            flows=[int(one) for one in form.getlist("flows") if one.isdecimal()][:50],
        )
    except Problem as problem:
        return _page(request, problem=problem)
    return redirect("support:replay", job.pk)


@require_GET
@never_cache
@_leads_only
def replay_page(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One replay: its progress, then what would change."""
    job = selectors.replay_get(job_id=job_id)
    changes = selectors.replay_changes(job=job, operator=signed_in(request)) if job.result else []
    groups = [(kind, [row for row in changes if row["kind"] == kind]) for kind in KINDS]
    context = {
        "job": job,
        "result": job.result if job.status == job.Status.SUCCEEDED else None,
        "counts": (job.result or {}).get("counts", {}),
        "groups": [(kind, rows) for kind, rows in groups if rows],
    }
    return render(request, "support/replay.html", context)


def _thresholds(form: QueryDict) -> dict[str, float]:
    """Those that differ from what is live."""
    live = thresholds_of(None).as_dict()
    given = {name: _number(form, name) for name in live}
    return {
        name: value for name, value in given.items() if value is not None and value != live[name]
    }


def _number(form: QueryDict, name: str) -> float | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return float(text[:20])
    except ValueError as error:
        raise InvalidInput(
            "%(text)r is no number.", fields={name: "no number"}, text=text[:20]
        ) from error


def _page(request: HttpRequest, *, problem: Problem | None = None) -> HttpResponse:
    store = gateway.model_store()
    try:
        versions, live = store.versions(TASK), store.active_version(TASK)
    except MLError:
        versions, live = [], ""
    drafts = FlowVersion.objects.select_related("flow").filter(
        state__in=(FlowVersion.State.DRAFT, FlowVersion.State.TESTED)
    )
    context = {
        "versions": versions[::-1],
        "live": live,
        "chosen": request.POST.get("version") or request.GET.get("version", ""),
        "thresholds": thresholds_of(None).as_dict(),
        "drafts": drafts[:50],
        "jobs": selectors.replay_list()[:_LISTED],
        "problem": problem.message if problem else "",
    }
    status = problem.status if problem else 200
    return render(request, "support/replays.html", context, status=status)
