"""The watchlist: the index of each company of it, beside what is usual."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import Problem
from apps.core.file_imports import RowError
from apps.market.access import analyst_required
from apps.market.rows import parse_time
from apps.market.selectors import companies, indexes
from apps.market.sentiment_index import DEFAULT_HALF_LIFE, HALF_LIVES
from apps.market.services.watchlists import company_unwatch, company_watch


def half_life_of(request: HttpRequest) -> str:
    """The half-life that the address asks for, else the default."""
    wanted = request.GET.get("half_life", "")
    return wanted if wanted in HALF_LIVES else DEFAULT_HALF_LIFE


def moment_of(request: HttpRequest) -> datetime:
    """The past moment that the address asks for, else now."""
    now = timezone.now()
    try:
        return min(parse_time(request.GET.get("at", "")) or now, now)
    except RowError:
        return now


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    half_life = half_life_of(request)
    found = indexes.watchlist_index(owner=request.user, at=timezone.now(), half_life=half_life)
    context = {
        "whole": found.whole,
        "rows": found.rows,
        "half_life": half_life,
        "half_lives": list(HALF_LIVES),
        "known": companies.companies_in_news(),
        "moved": [] if found.rows else companies.most_moved(limit=6),
        **more,
    }
    return render(request, "market/watchlist.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def watchlist(request: HttpRequest) -> HttpResponse:
    """The analyst's watchlist; posting puts a company on it."""
    if request.method != "POST":
        return _page(request)
    try:
        company = companies.company_asked(text=request.POST.get("company", ""))
        company_watch(actor=request.user, company_id=company.pk)
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem.message)
    messages.success(request, gettext("%(name)s is on your watchlist.") % {"name": company.name})
    return redirect("market:watchlist")


@require_POST
@analyst_required
def unwatch(request: HttpRequest, company_id: int) -> HttpResponse:
    """Take a company off the analyst's watchlist."""
    company_unwatch(actor=request.user, company_id=company_id)
    return redirect("market:watchlist")
