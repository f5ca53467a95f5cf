"""Other names of a company, added and taken away on its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.core.errors import Problem
from apps.market.access import analyst_required
from apps.market.services.company_names import company_name_add, company_name_remove


@require_POST
@analyst_required
def change(request: HttpRequest, company_id: int) -> HttpResponse:
    """Add a name; with ``remove`` take it away."""
    sent = request.POST
    removes = "remove" in sent
    service = company_name_remove if removes else company_name_add
    name = sent.get("name", "")
    try:
        service(actor=request.user, company_id=company_id, kind=sent.get("kind", ""), name=name)
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        told = gettext("“%(name)s” means the company; stored news is linked anew.")
        if removes:
            told = gettext("“%(name)s” means the company no more; stored news is linked anew.")
        messages.success(request, told % {"name": name.strip()})
    return redirect("market:company", company_id)
