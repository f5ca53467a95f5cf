"""The index of the market, a sector or the watchlist, opened to the stories behind it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.market.access import analyst_required
from apps.market.charts import course_chart
from apps.market.company_chart import DAYS, index_handles
from apps.market.index_views import half_life_of, moment_of
from apps.market.selectors import indexes
from apps.market.sentiment_index import HALF_LIVES, RULES

_LONGEST = 60


@require_GET
@never_cache
@analyst_required
def index_detail(request: HttpRequest) -> HttpResponse:
    """The index now or as it was known ``at`` a moment: its course, and each story's weight."""
    at, half_life = moment_of(request), half_life_of(request)
    sector = request.GET.get("sector", "")[:_LONGEST]
    watched = "watchlist" in request.GET
    if watched:
        found = indexes.watchlist_index(owner=request.user, at=at, half_life=half_life)
        report = found.whole
    else:
        report = indexes.joint_index(at=at, half_life=half_life, sector=sector)
    chart = course_chart([], now=at, index=report.course, days=DAYS)
    kept = request.GET.copy()
    for name in ("half_life", "at"):
        kept.pop(name, None)
    context: dict[str, Any] = {
        "sector": sector,
        "watched": watched,
        "index": report,
        "chart": chart,
        "handles": index_handles(chart, report.course),
        "shares": indexes.shares_with_articles(report=report),
        "index_rules": RULES,
        "then": at if "at" in request.GET else None,
        "half_life": half_life,
        "half_lives": list(HALF_LIVES),
        "of": f"{kept.urlencode()}&" if kept else "",
    }
    return render(request, "market/index.html", context)
