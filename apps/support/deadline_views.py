"""The screen of hours and deadlines: when the desk is open, and what is promised meanwhile."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, Problem
from apps.support import selectors, services
from apps.support.access import permission_needed
from apps.support.models import Conversation

_leads_only = permission_needed("support.change_teams")
DAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
_TIMES = ("first_minutes", "next_minutes", "resolution_minutes")


@require_http_methods(["GET", "POST"])
@never_cache
@_leads_only
def hours(request: HttpRequest) -> HttpResponse:
    """Hours, holidays and policies; posting sets the hours."""
    if request.method != "POST":
        return _page(request)
    try:
        services.hours_save(
            actor=signed_in(request),
            zone=request.POST.get("zone", "").strip(),
            week={str(day): request.POST.get(f"day_{day}", "")[:200] for day in range(7)},
            holidays=_holidays(request.POST.get("holidays", "")[:40_000]),
        )
    except Problem as problem:
        return _page(request, problem=problem)
    return redirect("support:hours")


@require_POST
@_leads_only
def policy_add(request: HttpRequest) -> HttpResponse:
    return _save(request, None)


@require_POST
@_leads_only
def policy_edit(request: HttpRequest, policy_id: int) -> HttpResponse:
    return _save(request, policy_id)


@require_POST
@_leads_only
def policy_remove(request: HttpRequest, policy_id: int) -> HttpResponse:
    services.policy_delete(policy_id=policy_id, actor=signed_in(request))
    return redirect("support:hours")


def _save(request: HttpRequest, policy_id: int | None) -> HttpResponse:
    form = request.POST
    try:
        services.policy_save(
            policy_id=policy_id,
            actor=signed_in(request),
            name=form.get("name", "")[:200],
            team_id=_number(form, "team"),
            priority=_number(form, "priority"),
            **{name: _number(form, name) for name in _TIMES},
        )
    except Problem as problem:
        return _page(request, problem=problem)
    return redirect("support:hours")


def _number(form: QueryDict, name: str) -> int | None:
    text = form.get(name, "").strip()
    if text and (not text.isdecimal() or len(text) > 9):
        raise InvalidInput(
            "%(text)r is not a whole number.", fields={name: "no number"}, text=text[:20]
        )
    return int(text) if text else None


def _holidays(text: str) -> dict[str, str]:
    """One a line: the date, then its name."""
    rows = (line.strip().partition(" ") for line in text.splitlines() if line.strip())
    return {day: name for day, _, name in rows}


def _page(request: HttpRequest, *, problem: Problem | None = None) -> HttpResponse:
    calendar = selectors.calendar_row()
    kept = problem is not None and "zone" in request.POST
    holidays = "\n".join(f"{day} {name}".strip() for day, name in calendar.holidays.items())
    context: dict[str, Any] = {
        "zone": request.POST["zone"] if kept else calendar.zone,
        "days": [
            {
                "number": number,
                "name": name,
                "hours": request.POST.get(f"day_{number}", "")
                if kept
                else calendar.week.get(str(number), ""),
            }
            for number, name in enumerate(DAYS)
        ],
        "holidays": request.POST.get("holidays", "") if kept else holidays,
        "policies": selectors.policy_list(),
        "teams": selectors.team_list(),
        "priorities": Conversation.Priority.choices,
        "problem": problem.message if problem else "",
    }
    return render(request, "support/hours.html", context, status=problem.status if problem else 200)
