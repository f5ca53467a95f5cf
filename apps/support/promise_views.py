"""The screen of promises: what error is accepted for which matters, what that costs, and whether it
is kept."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, Problem
from apps.support.access import permission_needed
from apps.support.selectors import promises as selectors
from apps.support.services import promises as services

_leads_only = permission_needed("support.change_promises")


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("support.view_conversation")
def promises(request: HttpRequest) -> HttpResponse:
    """Every group with its numbers; posting adds a group, which is for leads."""
    if request.method == "POST":
        return group_add(request)
    return _page(request)


@_leads_only
def group_add(request: HttpRequest) -> HttpResponse:
    return _save(request, None)


@require_POST
@_leads_only
def group_edit(request: HttpRequest, group_id: int) -> HttpResponse:
    return _save(request, group_id)


@require_POST
@_leads_only
def group_remove(request: HttpRequest, group_id: int) -> HttpResponse:
    services.group_delete(group_id=group_id, actor=signed_in(request))
    return redirect("support:promises")


@require_POST
@_leads_only
def groups_make(request: HttpRequest) -> HttpResponse:
    """Groups of the topics of the knowledge base."""
    services.groups_of_topics(actor=signed_in(request))
    return redirect("support:promises")


def _save(request: HttpRequest, group_id: int | None) -> HttpResponse:
    form = request.POST
    try:
        services.group_save(
            group_id=group_id,
            actor=signed_in(request),
            name=form.get("name", "")[:200],
            intents=form.getlist("intents"),
            error=_share(form),
        )
    except Problem as problem:
        return _page(request, problem=problem, group_id=group_id)
    return redirect("support:promises")


def _share(form: QueryDict) -> float | None:
    """The error in hundredths as a share; ``None`` for an empty field."""
    text = form.get("error", "").strip().removesuffix("%").replace(",", ".")
    if not text:
        return None
    try:
        return float(text) / 100
    except ValueError as error:
        raise InvalidInput(
            "%(text)r is no number of hundredths.", fields={"error": "no number"}, text=text[:20]
        ) from error


def _page(
    request: HttpRequest, *, problem: Problem | None = None, group_id: int | None = None
) -> HttpResponse:
    held_out = selectors.held_out_live()
    rows = selectors.promise_list()
    context: dict[str, Any] = {
        "rows": rows,
        "errors": selectors.ERRORS,
        "weeks": selectors.WEEKS,
        "notices": selectors.notice_list(),
        "free": selectors.intents_free(),
        "held_out": held_out,
        "may_change": request.user.has_perm("support.change_promises"),
        "problem": problem.message if problem else "",
        "problem_group": group_id,
        "typed": request.POST.get("error", "") if problem else "",
    }
    return render(
        request, "support/promises.html", context, status=problem.status if problem else 200
    )
