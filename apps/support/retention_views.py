"""The screen of retention: how long conversations are kept, and what a rule would delete."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, Problem
from apps.support import selectors
from apps.support.access import permission_needed
from apps.support.models import RetentionRule
from apps.support.services import retention

_leads_only = permission_needed("support.change_retention")


@require_http_methods(["GET", "POST"])
@never_cache
@_leads_only
def rules(request: HttpRequest) -> HttpResponse:
    """Every rule with what it would delete now; posting adds one, switched off."""
    if request.method == "POST":
        return _save(request, None)
    return _page(request)


@require_POST
@_leads_only
def rule_edit(request: HttpRequest, rule_id: int) -> HttpResponse:
    return _save(request, rule_id)


@require_POST
@_leads_only
def rule_remove(request: HttpRequest, rule_id: int) -> HttpResponse:
    retention.rule_delete(rule_id=rule_id, actor=signed_in(request))
    return redirect("support:retention")


def _save(request: HttpRequest, rule_id: int | None) -> HttpResponse:
    form = request.POST
    try:
        retention.rule_save(
            rule_id=rule_id,
            actor=signed_in(request),
            kind=form.get("kind", ""),
            days=_number(form.get("days", "")),
            team_id=_number(form["team"]) if form.get("team") else None,
            keep_examples="keep_examples" in form,
            enabled="enabled" in form,
        )
    except Problem as problem:
        return _page(request, problem=problem)
    return redirect("support:retention")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInput(
            "%(text)r is not a whole number.", fields={"days": "no number"}, text=text[:20]
        )
    return int(text)


def _page(request: HttpRequest, *, problem: Problem | None = None) -> HttpResponse:
    context = {
        "rows": [(rule, retention.preview(rule=rule)) for rule in retention.rule_list()],
        "kinds": RetentionRule.Kind.choices,
        "teams": selectors.team_list(),
        "problem": problem.message if problem else "",
    }
    status = problem.status if problem else 200
    return render(request, "support/retention.html", context, status=status)
