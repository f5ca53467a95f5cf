"""Screens of flows for team leads: list, steps, versions, editor, and a place to try a flow."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.support import selectors, services
from apps.support.access import permission_needed
from apps.support.flow_outline import outline
from apps.support.flows.reading import read_flow
from apps.support.flows.wrong import FlowInvalid
from apps.support.models import FlowVersion

_SHOWN_CASES = 20
_MAX_SAID = 500  # characters of a message in a preview
_leads_only = permission_needed("support.change_flows")


@require_GET
@never_cache
@_leads_only
def flow_table(request: HttpRequest) -> HttpResponse:
    """All flows, and the latest cases that they opened."""
    context = {
        "rows": selectors.flow_list(),
        "cases": selectors.service_case_list(limit=_SHOWN_CASES),
    }
    return render(request, "support/flows.html", context)


@require_GET
@never_cache
@_leads_only
def flow_page(request: HttpRequest, name: str) -> HttpResponse:
    """One flow: its steps, its versions, and what to do with them. ``?version=`` shows another."""
    wanted = request.GET.get("version", "")
    number = int(wanted) if wanted.isdecimal() else None
    version = selectors.flow_version_get(name=name, number=number)
    context = {
        "flow": version.flow,
        "version": version,
        "versions": version.flow.versions.select_related("author")[:100],
        "secret": selectors.flow_secret(flow=version.flow),
        **_declared(version),
    }
    return render(request, "support/flow.html", context)


def _declared(version: FlowVersion) -> dict[str, Any]:
    try:
        declared = read_flow(version.source, file=version.flow.name)
    except FlowInvalid as wrong:
        return {"problems": wrong.problems}
    webhooks = any(step.kind == "webhook" for step in declared.steps.values())
    return {"declared": declared, "steps": outline(declared), "webhooks": webhooks}


@require_http_methods(["GET", "POST"])
@never_cache
@_leads_only
def flow_edit(request: HttpRequest, name: str | None = None) -> HttpResponse:
    """Write a flow; what is wrong is listed with its line, and the text stays as it was written."""
    version = selectors.flow_version_get(name=name) if name else None
    if request.method == "GET":
        return _editor(request, version, version.source if version else "")
    source = request.POST.get("source", "")
    try:
        saved = services.flow_save(
            source=source, author=signed_in(request), file=name or "new flow", name=name
        )
    except FlowInvalid as wrong:
        return _editor(request, version, source, problems=wrong.problems, status=422)
    except Problem as problem:
        return _editor(request, version, source, problem=problem.message, status=problem.status)
    messages.success(request, gettext("Saved as version %d, a draft.") % saved.number)
    return redirect("support:flow", saved.flow.name)


def _editor(
    request: HttpRequest,
    version: FlowVersion | None,
    source: str,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {"version": version, "source": source, **more}
    return render(request, "support/flow_edit.html", context, status=status)


@require_POST
@_leads_only
def flow_act(request: HttpRequest, name: str, number: int, action: str) -> HttpResponse:
    """Test or publish a version."""
    version = selectors.flow_version_get(name=name, number=number)
    service = {"test": services.flow_test, "publish": services.flow_publish}[action]
    try:
        version = service(version_id=version.pk, actor=signed_in(request))
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        if version.problems:
            messages.error(request, gettext("The tests of this version do not hold."))
        else:
            told = gettext("Version %(number)d is %(state)s.")
            state = version.get_state_display().lower()
            messages.success(request, told % {"number": number, "state": state})
    return redirect(f"{reverse('support:flow', args=[name])}?version={number}")


@require_POST
@_leads_only
def flow_switch(request: HttpRequest, name: str) -> HttpResponse:
    enabled = request.POST.get("enabled") == "1"
    services.flow_switch(name=name, enabled=enabled, actor=signed_in(request))
    return redirect("support:flow", name)


@require_POST
@_leads_only
def flow_try(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """The conversation with a version so far, and one message more: a fragment."""
    version = selectors.flow_version_get(name=name, number=number)
    says = [text[:_MAX_SAID] for text in request.POST.getlist("says") if text.strip()]
    exchanges, problem = [], ""
    try:
        if says:
            exchanges = services.flow_preview(source=version.source, says=says, file=name)
    except Problem as wrong:
        problem = wrong.message
    context = {
        "flow": version.flow,
        "version": version,
        "exchanges": exchanges,
        "problem": problem,
        "over": bool(exchanges) and exchanges[-1].state != "ask",
    }
    return render(request, "support/parts/flow_try.html", context)
