"""The page on which an analyst says what names without a company mean."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import Problem
from apps.market.access import analyst_required
from apps.market.selectors import companies, names, sources
from apps.market.services.company_upload import companies_upload
from apps.market.services.dated_names import RELINK_DATED_JOB
from apps.market.services.names import RELINK_JOB, alias_merge, name_dismiss, name_reopen


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "names": names.names_to_decide(),
        "waiting": names.waiting_names().count(),
        "decided": names.decided_names(),
        "known": companies.companies_in_news(),
        "jobs": sources.job_list(owner=request.user, kinds=(RELINK_JOB, RELINK_DATED_JOB)),
        **more,
    }
    return render(request, "market/names.html", context, status=status)


@require_GET
@never_cache
@analyst_required
def name_list(request: HttpRequest) -> HttpResponse:
    """The queue, what was decided last, and the re-linking under way."""
    return _page(request)


@require_POST
@analyst_required
def name_merge(request: HttpRequest, name_id: int) -> HttpResponse:
    """Merge a name with the company that the form names, by id or as ticker or name."""
    try:
        company = companies.company_asked(text=request.POST.get("company", ""))
        merged, _ = alias_merge(actor=request.user, name_id=name_id, company_id=company.pk)
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem.message)
    messages.success(
        request,
        gettext("“%(name)s” means %(company)s from now on.")
        % {"name": merged.name, "company": company.name},
    )
    return redirect("market:names")


@require_POST
@analyst_required
def reopen(request: HttpRequest, name_id: int) -> HttpResponse:
    """Take back what was decided of a name."""
    try:
        name, _ = name_reopen(actor=request.user, name_id=name_id)
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem.message)
    words = gettext("“%(name)s” waits for a decision again.")
    messages.success(request, words % {"name": name.name})
    return redirect("market:names")


@require_POST
@analyst_required
def company_file(request: HttpRequest) -> HttpResponse:
    """Add and change companies by a file."""
    try:
        report, _ = companies_upload(actor=request.user, upload=request.FILES.get("file"))
    except Problem as problem:
        return _page(request, status=problem.status, company_problem=problem.message)
    messages.success(
        request,
        gettext("%(added)s companies were added, %(changed)s changed.")
        % {"added": report.added, "changed": report.changed},
    )
    return redirect("market:names")


@require_POST
@analyst_required
def dismiss(request: HttpRequest, name_id: int) -> HttpResponse:
    """Say that a name is no company's."""
    try:
        name = name_dismiss(actor=request.user, name_id=name_id)
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem.message)
    words = gettext("“%(name)s” will not be asked about again.")
    messages.success(request, words % {"name": name.name})
    return redirect("market:names")
