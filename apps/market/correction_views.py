"""The parts of an article's page that say why, and where an analyst corrects the models."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.core.errors import InvalidInput, Problem
from apps.market.access import analyst_required
from apps.market.selectors import tape
from apps.market.services import corrections
from apps.modelhub.explaining import explain, segments


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


@require_GET
@never_cache
@analyst_required
def article_why(request: HttpRequest, article_id: int) -> HttpResponse:
    """Which words of its strongest passage carried a verdict of an article, as a fragment."""
    context: dict[str, Any] = {}
    try:
        task, text = corrections.explained_text(
            article=tape.article_get(article_id=article_id),
            what=request.GET.get("what", ""),
            company_id=_company(request.GET.get("company", "")),
        )
        context["explanation"] = segments(explain(task=task, text=text))
    except Problem as problem:
        context["problem"] = problem
    return render(request, "modelhub/explanation.html", context)


def _company(value: str) -> int | None:
    if value and not value.isdecimal():
        raise InvalidInput("The company is not known.")
    return int(value[:9]) if value else None


def _store(request: HttpRequest, article_id: int) -> None:
    which: dict[str, Any] = {
        "article_id": article_id,
        "analyst": request.user,
        "what": request.POST.get("what", ""),
        "company_id": _company(request.POST.get("company", "")),
    }
    if "undo" in request.POST:
        corrections.score_correction_undo(**which)
    else:
        corrections.score_correct(label=request.POST.get("label", ""), **which)
