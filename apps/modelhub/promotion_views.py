"""Which version is served: the form that promotes, rolling back, the history."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core import gateway
from apps.core.errors import Problem
from apps.modelhub import selectors
from apps.modelhub.access import permission_needed
from apps.modelhub.changeovers import changeovers
from apps.modelhub.models import Promotion
from apps.modelhub.services import promotions
from apps.modelhub.services.shipped import shipped_take
from ml.errors import MLError

_SHOWN = 100


def promotion_context(request: HttpRequest, task: str, version: str) -> dict[str, Any]:
    """What the form that promotes a version has to know."""
    live = _live(task)
    return {
        "promote": {
            "task": task,
            "version": version,
            "live": live,
            "before": selectors.roll_back_target(task=task, live=live),
            "reason": request.GET.get("reason", ""),
            "failed": selectors.needs_override(task=task, version=version),
            "may_override": request.user.has_perm("modelhub.override_gate"),
            "allowed": request.user.has_perm("modelhub.promote"),
        }
    }


@require_POST
@permission_needed("modelhub.promote")
def promote(request: HttpRequest) -> HttpResponse:
    """Serve a version; what is refused leads back to the version's page, with the reason given."""
    task, version, reason = (request.POST.get(name, "") for name in ("task", "version", "reason"))
    try:
        done = promotions.version_promote(
            actor=signed_in(request),
            task=task,
            version=version,
            reason=reason,
            expected=request.POST.get("expected"),
            override="override" in request.POST,
        )
    except Problem as problem:
        messages.error(request, problem.message)
        if (task, version) not in _pages():
            return redirect("modelhub:history")
        page = reverse("modelhub:version", args=[task, version])
        return redirect(f"{page}?{urlencode({'reason': reason})}" if reason else page)
    _say(request, done)
    return redirect("modelhub:history")


@require_POST
@permission_needed("modelhub.override_gate")
def take_shipped(request: HttpRequest) -> HttpResponse:
    """Serve a shipped model that is newer, of each of its tasks."""
    try:
        done = shipped_take(actor=signed_in(request), name=request.POST.get("name", ""))
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        for promotion in done:
            _say(request, promotion)
    return redirect("modelhub:history")


@require_POST
@permission_needed("modelhub.promote")
def roll_back(request: HttpRequest) -> HttpResponse:
    """Serve the version that was live before."""
    try:
        done = promotions.version_roll_back(
            actor=signed_in(request),
            task=request.POST.get("task", ""),
            reason=request.POST.get("reason", ""),
            expected=request.POST.get("expected"),
        )
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        _say(request, done)
    return redirect("modelhub:history")


@require_GET
@never_cache
@permission_needed("modelhub.view_models")
def history(request: HttpRequest) -> HttpResponse:
    """What was served when, by whose decision and why."""
    tasks = gateway.model_store().tasks()
    served = []
    for task in tasks:
        live = _live(task)
        before = selectors.roll_back_target(task=task, live=live)
        if before:
            served.append({"task": task, "live": live, "before": before})
    pages = _pages()
    context = {
        "served": served,
        "promotions": [
            {
                "made": one,
                "versions": [
                    {"version": version, "has_page": (one.task, version) in pages}
                    for version in (one.before, one.after)
                ],
            }
            for one in selectors.promotion_list()[:_SHOWN]
        ],
        "changeovers": changeovers(),
    }
    return render(request, "modelhub/history.html", context)


def _pages() -> set[tuple[str, str]]:
    """The tasks and versions that have a page."""
    return {(one.task, one.version) for one in selectors.version_list()}


def _live(task: str) -> str:
    try:
        return gateway.model_store().active_version(task)
    except MLError:
        return ""


def _say(request: HttpRequest, done: Promotion) -> None:
    words = gettext("%(version)s of %(task)s is live in every process from the next request on.")
    messages.success(request, words % {"version": done.after, "task": done.task})
