"""What an analyst says of a company's names in time, on its page and by a file."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.core.errors import Problem
from apps.market.access import analyst_required
from apps.market.services.dated_names import (
    DatedNameInput,
    dated_name_add,
    dated_name_delete,
    dated_names_import,
)


@require_POST
@analyst_required
def add(request: HttpRequest, company_id: int) -> HttpResponse:
    """Say when the company is called so."""
    sent = request.POST
    try:
        first, last = (_day(sent.get(end, "")) for end in ("valid_from", "valid_to"))
        wanted = DatedNameInput(sent.get("kind", ""), sent.get("name", ""), first, last)
        name, _ = dated_name_add(actor=request.user, company_id=company_id, wanted=wanted)
    except ValueError:
        messages.error(request, gettext("A day is written as 2021-10-28."))
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(
            request,
            gettext("“%(name)s” is read by its days; stored news is linked anew.")
            % {"name": name.name},
        )
    return redirect("market:company", company_id)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@require_POST
@analyst_required
def remove(request: HttpRequest, company_id: int, name_id: int) -> HttpResponse:
    """Forget when the company was called so."""
    dated_name_delete(actor=request.user, name_id=name_id)
    return redirect("market:company", company_id)


@require_POST
@analyst_required
def import_file(request: HttpRequest) -> HttpResponse:
    """Add the names of a CSV file."""
    try:
        added, _ = dated_names_import(actor=request.user, upload=request.FILES.get("file"))
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, gettext("%(n)s names with their days were added.") % {"n": added})
    return redirect("market:names")
