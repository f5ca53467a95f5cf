"""The screen of teams: who shares which conversations, how they are dealt, who takes how many."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, NotFound, Problem
from apps.support import selectors, services
from apps.support.access import permission_needed
from apps.support.models import Team

_leads_only = permission_needed("support.change_teams")


@require_http_methods(["GET", "POST"])
@never_cache
@_leads_only
def team_table(request: HttpRequest) -> HttpResponse:
    """All teams and operators; posting adds a team."""
    if request.method == "POST":
        return _save(request, None)
    return _page(request)


@require_POST
@_leads_only
def team_edit(request: HttpRequest, team_id: int) -> HttpResponse:
    return _save(request, team_id)


@require_POST
@_leads_only
def team_remove(request: HttpRequest, team_id: int) -> HttpResponse:
    try:
        services.team_delete(team_id=team_id, actor=signed_in(request))
    except Problem as problem:
        return _page(request, problem=problem)
    return redirect("support:teams")


@require_POST
@_leads_only
def duty_edit(request: HttpRequest, operator_id: int) -> HttpResponse:
    """Capacity and skills of an operator."""
    people = {person.pk: person for person in selectors.colleagues()}
    if operator_id not in people:
        raise NotFound("There is no such operator.", code="operator_not_found")
    try:
        services.duty_set(
            operator=people[operator_id],
            actor=signed_in(request),
            capacity=_number(request.POST.get("capacity", "")),
            skills=request.POST.get("skills", "")[:4000].split(","),
        )
    except Problem as problem:
        return _page(request, problem=problem)
    return redirect("support:teams")


def _save(request: HttpRequest, team_id: int | None) -> HttpResponse:
    try:
        services.team_save(team_id=team_id, actor=signed_in(request), **_team(request.POST))
    except Problem as problem:
        return _page(request, problem=problem)
    return redirect("support:teams")


def _team(form: QueryDict) -> dict[str, Any]:
    return {
        "name": form.get("name", "")[:200],
        "private": "private" in form,
        "assignment": form.get("assignment", ""),
        "matters": form.get("matters", "")[:20_000].split(","),
        "takes_rest": "takes_rest" in form,
        "member_ids": [_number(value) for value in form.getlist("members")],
    }


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInput("%(text)r is not a whole number.", code="number_invalid", text=text[:20])
    return int(text)


def _page(request: HttpRequest, *, problem: Problem | None = None) -> HttpResponse:
    people = [
        {"operator": person, "duty": getattr(person, "duty", None), "presence": presence}
        for person in selectors.colleagues()
        for presence in [selectors.presence_of(person)]
    ]
    teams = [
        {"team": team, "members": {member.pk for member in team.members.all()}}
        for team in selectors.team_list()
    ]
    context = {
        "teams": teams,
        "people": people,
        "assignments": Team.Assignment.choices,
        "problem": problem.message if problem else "",
    }
    return render(request, "support/teams.html", context, status=problem.status if problem else 200)
