"""The review queue of unsure verdicts, and correcting the company of an article."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import InvalidInput, Problem
from apps.market.access import analyst_required
from apps.market.models import Sentiment
from apps.market.selectors.companies import company_asked
from apps.market.selectors.review import review_count, review_list
from apps.market.services.corrections import score_correct
from apps.market.services.links import link_correct
from apps.market.services.review import review_skip

SKIP = "skip"


@require_GET
@never_cache
@analyst_required
def review(request: HttpRequest) -> HttpResponse:
    """What the model is unsure of, to be decided with one key each."""
    context = {"reviews": review_list(), "waiting": review_count(), "labels": Sentiment.values}
    return render(request, "market/review.html", context)


@require_POST
@analyst_required
def decide(request: HttpRequest, article_id: int) -> HttpResponse:
    """Store a label (or ``skip``) for an article or a company in it; a fragment for htmx."""
    problem = None
    try:
        company, label = _number(request, "company"), request.POST.get("label", "")
        which: dict[str, Any] = {"article_id": article_id, "company_id": company}
        if label == SKIP:
            review_skip(actor=request.user, **which)
        else:
            score_correct(analyst=request.user, what="sentiment", label=label, **which)
    except Problem as error:
        problem = error
    if not request.htmx:  # type: ignore[attr-defined]
        if problem is not None:
            messages.error(request, problem.message)
        return redirect("market:review")
    context = {"article_id": article_id, "label": request.POST.get("label"), "problem": problem}
    return render(request, "market/parts/reviewed.html", context)


@require_POST
@analyst_required
def link(request: HttpRequest, article_id: int) -> HttpResponse:
    """Say that an article is not about a company, or that it means another one."""
    try:
        company = _number(request, "company")
        if company is None:
            raise InvalidInput("The company is not known.")
        text = request.POST.get("meant", "").strip()
        meant = company_asked(text=text).pk if text else None
        link_correct(actor=request.user, article_id=article_id, company_id=company, meant_id=meant)
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(
            request, gettext("The link is corrected, also for when the article changes.")
        )
    return redirect("market:article", article_id)


def _number(request: HttpRequest, name: str) -> int | None:
    value = request.POST.get(name, "")
    if value and not value.isdecimal():
        raise InvalidInput("The company is not known.")
    return int(value[:9]) if value else None
