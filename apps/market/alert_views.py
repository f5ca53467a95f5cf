"""The page of one alert: what to do with it, and all that happened to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import InvalidInput, Problem
from apps.market.access import analyst_required
from apps.market.selectors import alerts
from apps.market.selectors.people import colleague_list
from apps.market.selectors.timeline import timeline
from apps.market.services.alerts import alert_acknowledge, alert_rate, alert_resolve
from apps.market.services.escalation import alert_assign
from apps.market.wording import rule_sentence


@require_GET
@never_cache
@analyst_required
def alert_detail(request: HttpRequest, alert_id: int) -> HttpResponse:
    """One alert with its timeline."""
    alert = alerts.alert_get(owner=request.user, alert_id=alert_id)
    context = {
        "alert": alert,
        "sentence": rule_sentence(alert.rule) if alert.rule else "",
        "timeline": timeline(alert=alert),
        "colleagues": colleague_list(of=alert.owner),
    }
    return render(request, "market/alert.html", context)


@require_POST
@analyst_required
def alert_act(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Acknowledge, assign, resolve or rate one alert."""
    try:
        _act(request, alert_id)
    except InvalidInput as problem:
        messages.error(request, problem.message)
    # Who has just given it away may not see it any more.
    try:
        alerts.alert_get(owner=request.user, alert_id=alert_id)
    except Problem:
        return redirect("market:alerts")
    return redirect("market:alert", alert_id)


def _act(request: HttpRequest, alert_id: int) -> None:
    action, text = request.POST.get("action", ""), request.POST.get("text", "")
    chosen: dict[str, Any] = {"actor": request.user, "alert_id": alert_id}
    if action == "acknowledge":
        alert_acknowledge(**chosen, comment=text)
    elif action == "resolve":
        alert_resolve(**chosen, reason=text)
    elif action == "assign":
        person = request.POST.get("assignee", "")
        alert_assign(**chosen, assignee_id=int(person) if person.isdecimal() else None)
    elif action == "rate":
        alert_rate(**chosen, verdict=request.POST.get("verdict", ""))
