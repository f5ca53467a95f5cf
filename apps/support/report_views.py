"""The screen of reports, and its tables as CSV."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.support import selectors
from apps.support.access import permission_needed
from apps.support.reporting import day_bars, report_csv, report_of
from apps.support.selectors.health import stale_since
from apps.support.selectors.reports import Period, report_get


@require_GET
@never_cache
@permission_needed("support.view_reports")
def report(request: HttpRequest) -> HttpResponse:
    """The report of ``?from=`` to ``?to=``; ``?table=`` is one of its tables as a file."""
    problem = ""
    try:
        found = report_of(request.GET, operator=signed_in(request))
    except Problem as refused:
        problem = refused.message
        found = report_get(operator=signed_in(request), period=Period.of("", ""))
    if not problem and (table := request.GET.get("table", "")):
        response = HttpResponse(report_csv(found, table), content_type="text/csv; charset=utf-8")
        name = f"{table}-{found.period.first}-{found.period.last}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    team = request.GET.get("team", "")
    query = {"from": found.period.first, "to": found.period.last} | ({"team": team} if team else {})
    slugs = [row.name for row in found.articles]
    titles, stale = dict(selectors.article_titles(slugs=slugs)), stale_since(slugs=slugs)
    context = {
        "report": found,
        "bars": day_bars(found),
        "teams": selectors.team_list(),
        "team": team,
        "articles": [
            (titles.get(row.name, row.name), row, stale.get(row.name)) for row in found.articles
        ],
        "query": urlencode(query),
        "problem": problem,
    }
    return render(request, "support/reports.html", context, status=422 if problem else 200)
