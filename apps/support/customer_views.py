"""The screens of customers: the list, one person, how a site vouches for them, the audit log."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.support.access import permission_needed
from apps.support.identity import identity_secret
from apps.support.selectors import audit
from apps.support.selectors import customers as selectors
from apps.support.services import customers as services
from apps.support.services import erasure

_PAGE = 50
_SEEN_SHOWN = 20


@require_GET
@never_cache
@permission_needed("support.view_conversation")
def customer_table(request: HttpRequest) -> HttpResponse:
    """People by their last word."""
    words = request.GET.get("q", "")[:200].strip()
    found = selectors.customer_list(operator=signed_in(request), words=words)
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    known = selectors.customers_by_visitor(visitors=[row["visitor"] for row in page])
    context = {
        "rows": [(row, known.get(row["visitor"])) for row in page],
        "page": page,
        "words": words,
        "query": urlencode({"q": words}) if words else "",
        "secret": identity_secret() if request.user.has_perm("support.sign_customers") else "",
        "receipts": selectors.receipt_list()[:10]
        if request.user.has_perm("support.erase_customers")
        else [],
    }
    return render(request, "support/customers.html", context)


@require_GET
@never_cache
@permission_needed("support.view_conversation")
def customer_page(request: HttpRequest, visitor: UUID) -> HttpResponse:
    return _person(request, visitor)


@require_POST
@permission_needed("support.export_customers")
def customer_export(request: HttpRequest, visitor: UUID) -> HttpResponse:
    """All that is kept of a person, as a file."""
    found = services.person_export(visitor=visitor, actor=signed_in(request))
    response = HttpResponse(
        json.dumps(found, ensure_ascii=False, indent=1), content_type="application/json"
    )
    response["Content-Disposition"] = f'attachment; filename="customer-{visitor}.json"'
    return response


@require_POST
@permission_needed("support.erase_customers")
def customer_erase(request: HttpRequest, visitor: UUID) -> HttpResponse:
    """Erase a person, once the word "erase" was typed; answers the receipt."""
    if request.POST.get("sure", "").strip().lower() != "erase":
        return _person(request, visitor, problem='Type "erase" to erase this person.')
    receipt = erasure.person_erase(
        visitor=visitor, actor=signed_in(request), reason=request.POST.get("reason", "")[:200]
    )
    return render(request, "support/erased.html", {"receipt": receipt})


@require_POST
@permission_needed("support.merge_conversations")
def conversation_merge(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Bring the messages of ``other`` into this conversation."""
    other = request.POST.get("other", "")
    try:
        services.conversation_merge(
            conversation_id=conversation_id, other_id=UUID(other), operator=signed_in(request)
        )
    except (Problem, ValueError) as problem:
        return render(request, "support/merge_refused.html", {"problem": problem}, status=409)
    return redirect("support:conversation", conversation_id)


@require_GET
@never_cache
@permission_needed("support.view_audit")
def audit_table(request: HttpRequest) -> HttpResponse:
    """Who saw and did what at the desk."""
    filters = audit.AuditFilters.of(request.GET)
    page = Paginator(audit.audit_list(filters=filters), _PAGE).get_page(request.GET.get("page"))
    given = {"person": filters.person, "action": filters.action, "about": filters.about}
    query = urlencode({name: value for name, value in given.items() if value})
    return render(request, "support/audit.html", {"page": page, "filters": filters, "query": query})


def _person(request: HttpRequest, visitor: UUID, *, problem: str = "") -> HttpResponse:
    person = selectors.person_get(visitor=visitor, operator=signed_in(request))
    context: dict[str, Any] = {
        "person": person,
        "problem": problem,
        "seen": selectors.seen_by(visitor=visitor)[:_SEEN_SHOWN]
        if request.user.has_perm("support.view_audit")
        else None,
        "may_export": request.user.has_perm("support.export_customers"),
        "may_erase": request.user.has_perm("support.erase_customers"),
    }
    return render(request, "support/customer.html", context, status=422 if problem else 200)
