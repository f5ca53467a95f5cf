"""The team's pages that show how things are: playground, index, evaluation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.core.errors import Problem
from apps.core.models import Job
from apps.recommend import evaluation_reports, selectors
from apps.recommend.evaluation_job import EVALUATE, PROTOCOLS, evaluation_start
from apps.recommend.graph_build import BUILD
from apps.recommend.health import REBUILD, index_health, rebuild_start
from apps.recommend.match_lists import match_list
from apps.recommend.models import Reader
from apps.recommend.playground import play
from apps.recommend.rule_preview import sample_reader
from apps.recommend.services.matches import asked
from apps.recommend.team import team_required

SUGGESTED = 12


@require_GET
@never_cache
@team_required
def playground(request: HttpRequest) -> HttpResponse:
    """One reader's page taken apart."""
    name = request.GET.get("reader", "").strip()[:120]
    reader, problem = (None if name == "new" else sample_reader()), ""
    if name and name != "new":
        reader = selectors.reader_named(name=name)
        problem = "" if reader else gettext("There is no reader “%(name)s”.") % {"name": name}
    context = {
        "name": name,
        "reader": reader,
        "problem": problem,
        "play": None if problem else play(reader),
        **_matches(request),
        "suggested": Reader.objects.exclude(external_id=None).order_by("-id")[:SUGGESTED],
    }
    return render(request, "recommend/playground.html", context, status=404 if problem else 200)


def _matches(request: HttpRequest) -> dict[str, Any]:
    """What the encoder finds for ``?q=`` or beside ``?of=``, for the team to judge."""
    query, of = (request.GET.get(name, "").strip() for name in ("q", "of"))
    context: dict[str, Any] = {"query": query, "of": of}
    if not (query or of):
        return context
    try:
        against = asked(query=query, of=of)
        return context | {"matches": match_list(actor=request.user, against=against)}
    except Problem as problem:
        return context | {"match_problem": problem.message}


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def index_page(request: HttpRequest) -> HttpResponse:
    """The state of the index and the links, and the button that makes them anew."""
    if request.method == "POST":
        return redirect("core:job", job_id=rebuild_start(actor=request.user).id)
    jobs = Job.objects.filter(kind__in=(REBUILD, BUILD)).order_by("-created_at")[:5]
    return render(request, "recommend/index.html", {"health": index_health(), "jobs": jobs})


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def evaluation(request: HttpRequest, name: str = "") -> HttpResponse:
    """The reports, one of them in full, and the button that makes a new one."""
    problem = None
    if request.method == "POST":
        try:
            protocol = request.POST.get("protocol", "")
            job = evaluation_start(actor=request.user, protocol=protocol)
        except Problem as error:
            problem = error
        else:
            return redirect("core:job", job_id=job.id)
    held = evaluation_reports.reports()
    shown = evaluation_reports.report_get(name) if name else next(iter(held), None)
    context = {
        "reports": held,
        "shown": shown,
        "tables": evaluation_reports.tables(shown) if shown and not shown.problem else None,
        "protocols": PROTOCOLS,
        "problem": problem,
        "jobs": Job.objects.filter(kind=EVALUATE).order_by("-created_at")[:5],
    }
    return render(request, "recommend/evaluation.html", context, status=422 if problem else 200)
