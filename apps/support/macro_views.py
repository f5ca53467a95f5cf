"""The screen of macros: replies that ``/`` inserts in the console."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.support import services
from apps.support.access import permission_needed
from apps.support.forms import MacroForm

VARIABLES = ("{customer}", "{operator}", "{matter}")
_operators_only = permission_needed("support.change_macros")


@require_http_methods(["GET", "POST"])
@never_cache
@_operators_only
def macro_table(request: HttpRequest) -> HttpResponse:
    """All macros; posting adds one."""
    if request.method == "POST":
        return _save(request, None)
    return _page(request)


@require_POST
@_operators_only
def macro_edit(request: HttpRequest, macro_id: int) -> HttpResponse:
    return _save(request, macro_id)


@require_POST
@_operators_only
def macro_remove(request: HttpRequest, macro_id: int) -> HttpResponse:
    services.macro_delete(macro_id=macro_id, operator=signed_in(request))
    return redirect("support:macros")


def _save(request: HttpRequest, macro_id: int | None) -> HttpResponse:
    form = MacroForm(request.POST)
    if not form.is_valid():
        words = "; ".join(
            f"{name}: {' '.join(map(str, form.errors[name]))}" for name in form.errors
        )
        return _page(request, problem=words, edited=macro_id, values=request.POST, status=422)
    data = form.cleaned_data
    try:
        services.macro_save(
            macro_id=macro_id, operator=signed_in(request), name=data["name"], text=data["text"]
        )
    except Problem as problem:
        return _page(
            request,
            problem=problem.message,
            edited=macro_id,
            values=request.POST,
            status=problem.status,
        )
    return redirect("support:macros")


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"macros": services.macro_list(), "variables": VARIABLES, **more}
    return render(request, "support/macros.html", context, status=status)
