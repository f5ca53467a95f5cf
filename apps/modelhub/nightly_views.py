"""The page of the nightly loop: what it is set to, what came of the nights, the one click."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import FieldNames, InvalidInput, Problem
from apps.core.wording import said
from apps.modelhub import selectors
from apps.modelhub.access import permission_needed
from apps.modelhub.field_labels import loop_labels
from apps.modelhub.models import Night, NightlyLoop
from apps.modelhub.selectors.nightly import (
    loop_get,
    loop_list,
    new_corrections,
    night_get,
    night_list,
)
from apps.modelhub.services import nightly
from apps.modelhub.services.runs import METHODS, MOST_EPOCHS, RECIPES
from ml.allowed import Between

_SHOWN = 30


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("modelhub.change_runs")
def nightly_page(request: HttpRequest) -> HttpResponse:
    """Loops with how many corrections wait, the form that sets one, and the last nights.

    ``?change=TASK`` fills the form in with what that task's loop is set to; what is refused is
    shown again with what was typed.
    """
    if request.method == "POST":
        return _set(request)
    task = request.GET.get("change")
    return _page(request, _settings_of(loop_get(task=task)) if task else {})


def _page(
    request: HttpRequest, values: dict[str, Any], problem: Problem | None = None
) -> HttpResponse:
    nights = list(night_list()[:_SHOWN])
    open_loops = {night.loop_id for night in nights if night.state in Night.OPEN}
    loops = [
        {
            "loop": loop,
            "new": new_corrections(dataset=loop.dataset),
            "open": loop.pk in open_loops,
        }
        for loop in loop_list()
    ]
    context = {
        "loops": loops,
        "nights": nights,
        "datasets": selectors.dataset_list(),
        "methods": METHODS,
        "recipes": RECIPES,
        "most_epochs": f"{MOST_EPOCHS:g}",
        "labels": loop_labels(),
        "may_promote": request.user.has_perm("modelhub.promote"),
        "values": values or {"least_new": "50", "hour": "2"},
    }
    if problem is not None:
        context["problem"] = problem.message_with(loop_labels())
    status = problem.status if problem else 200
    return render(request, "modelhub/nightly.html", context, status=status)


def _settings_of(loop: NightlyLoop) -> dict[str, Any]:
    """What a loop is set to, as the form would send it."""
    return {
        "dataset": str(loop.dataset_id),
        "least_new": str(loop.least_new),
        "hour": str(loop.hour),
        "method": loop.method,
        "recipe": loop.recipe,
        "epochs": "" if loop.epochs is None else f"{loop.epochs:g}",
        "enabled": loop.enabled,
    }


def _set(request: HttpRequest) -> HttpResponse:
    form = request.POST
    try:
        epochs = form.get("epochs", "").strip()
        dataset_id = _whole(form.get("dataset", ""), "dataset", Between(1))
        nightly.loop_set(
            actor=signed_in(request),
            dataset=selectors.dataset_get(dataset_id=dataset_id),
            enabled="enabled" in form,
            least_new=_whole(form.get("least_new", ""), "least_new", Between(1, nightly.MOST_NEW)),
            hour=_whole(form.get("hour", ""), "hour", Between(0, 23)),
            method=form.get("method", ""),
            recipe=form.get("recipe", ""),
            epochs=_whole(epochs, "epochs", Between(1, MOST_EPOCHS)) if epochs else None,
        )
    except Problem as problem:
        return _page(request, form.dict(), problem)
    messages.success(request, gettext("The loop is set."))
    return redirect("modelhub:nightly")


@require_POST
@permission_needed("modelhub.change_runs")
def nightly_begin(request: HttpRequest, task: str) -> HttpResponse:
    """Begin a night now."""
    return _done(
        request, lambda: nightly.night_begin(loop=loop_get(task=task), actor=signed_in(request))
    )


@require_POST
@permission_needed("modelhub.promote")
def night_decide(request: HttpRequest, night_id: int) -> HttpResponse:
    """The one click: promote what a night trained, or let it be."""
    act = nightly.night_dismiss if "dismiss" in request.POST else nightly.night_promote
    return _done(request, lambda: act(night=night_get(night_id=night_id), actor=signed_in(request)))


def _done(request: HttpRequest, act: Any) -> HttpResponse:
    try:
        act()
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("modelhub:nightly")


def _whole(text: str, name: str, allowed: Between) -> int:
    digits = text.isdecimal() and len(text) < 10
    if not digits or int(text) not in allowed:
        raise InvalidInput(
            "%(name)s: %(text)r is no whole number %(allowed)s.",
            fields={name: said(allowed.words)},
            name=FieldNames([name]),
            text=text[:20],
            allowed=allowed.words,
        )
    return int(text)
