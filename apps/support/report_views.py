"""The screens of reports: the report, its tables as CSV, the conversations behind a number."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.support import selectors
from apps.support.access import permission_needed
from apps.support.models import Conversation, ReportMail
from apps.support.reporting import Asking, day_bars, part_of, report_csv, report_of, spark_points
from apps.support.selectors.gaps import gap_list
from apps.support.selectors.health import stale_since
from apps.support.selectors.report_parts import MOST
from apps.support.selectors.reports import Report
from apps.support.services import report_mails

_GAPS = 5
_MATTERS = 20


@require_GET
@never_cache
@permission_needed("support.view_reports")
def report(request: HttpRequest) -> HttpResponse:
    """The report of ``?from=`` to ``?to=``; ``?table=`` is one of its tables as a file."""
    problem, operator = "", signed_in(request)
    try:
        asking, found = Asking.of(request.GET), report_of(request.GET, operator=operator)
    except Problem as refused:
        problem = refused.message
        asking, found = Asking.of({}), report_of({}, operator=operator)
    if not problem and (table := request.GET.get("table", "")):
        response = HttpResponse(report_csv(found, table), content_type="text/csv; charset=utf-8")
        name = f"{table}-{found.period.first}-{found.period.last}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    context = {
        **_tables(found, operator),
        "report": found,
        "bars": day_bars(found),
        "teams": selectors.team_list(),
        "team": request.GET.get("team", ""),
        "wish": report_mails.wish_get(operator=operator),
        "frequencies": ReportMail.Every.choices,
        "query": urlencode(asking.as_query()),
        "problem": problem,
    }
    return render(request, "support/reports.html", context, status=422 if problem else 200)


@require_POST
@permission_needed("support.view_reports")
def mail(request: HttpRequest) -> HttpResponse:
    """Have the report mailed, or not any more."""
    try:
        team = request.POST.get("team", "")
        report_mails.wish_set(
            operator=signed_in(request),
            every=request.POST.get("every", ""),
            team_id=int(team) if team.isdecimal() and len(team) < 10 else None,
        )
    except Problem as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, gettext("Saved."))
    return redirect("support:reports")


@require_GET
@never_cache
@permission_needed("support.view_reports")
def part(request: HttpRequest) -> HttpResponse:
    """The conversations behind the number that ``?part=`` and ``?name=`` name."""
    rows = part_of(request.GET, operator=signed_in(request))
    asking, named = Asking.of(request.GET), request.GET.get("name", "")
    what = request.GET["part"]
    context = {
        "rows": rows,
        "part": what,
        "name": _operator_name(named, rows) if what == "operators" else named,
        "period": asking.period,
        "query": urlencode(asking.as_query()),
        "most": MOST,
    }
    return render(request, "support/report_part.html", context)


def _tables(found: Report, operator: User) -> dict[str, Any]:
    """The rows that are shown with more than what the report itself has."""
    slugs = [row.name for row in found.articles]
    titles, stale = dict(selectors.article_titles(slugs=slugs)), stale_since(slugs=slugs)
    return {
        "articles": [
            (titles.get(row.name, row.name), row, stale.get(row.name)) for row in found.articles
        ],
        "matters": [(row, spark_points(row.over_time)) for row in found.matters[:_MATTERS]],
        "matters_left": max(0, len(found.matters) - _MATTERS),
        "gaps": gap_list(operator=operator, limit=_GAPS),
    }


def _operator_name(key: str, rows: list[Conversation]) -> str:
    known = User.objects.filter(pk=int(key)) if rows and key.isdecimal() else User.objects.none()
    return next((one.display_name for one in known), key)
