"""The part of an article's page where an analyst corrects what the models said of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core.errors import InvalidInput, Problem
from apps.market.access import analyst_required
from apps.market.selectors import tape
from apps.market.services import corrections


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def article_corrections(request: HttpRequest, article_id: int) -> HttpResponse:
    """What can be corrected; posted, ``label`` is stored for ``what`` (and ``company``)."""
    problem = None
    if request.method == "POST":
        try:
            _store(request, article_id)
        except Problem as error:
            problem = error
    article = tape.article_get(article_id=article_id)
    found = corrections.correctable_list(article=article, analyst=request.user)
    context = {"article": article, "found": found, "problem": problem}
    return render(request, "market/parts/corrections.html", context)


def _store(request: HttpRequest, article_id: int) -> None:
    company = request.POST.get("company", "")
    if company and not company.isdecimal():
        raise InvalidInput("The company is not known.")
    which: dict[str, Any] = {
        "article_id": article_id,
        "analyst": request.user,
        "what": request.POST.get("what", ""),
        "company_id": int(company) if company else None,
    }
    if "undo" in request.POST:
        corrections.score_correction_undo(**which)
    else:
        corrections.score_correct(label=request.POST.get("label", ""), **which)
