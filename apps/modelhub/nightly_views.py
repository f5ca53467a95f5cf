"""The page of the nightly loop: what it is set to, what came of the nights, the one click."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, Problem
from apps.modelhub import selectors
from apps.modelhub.access import permission_needed
from apps.modelhub.models import Night
from apps.modelhub.selectors.nightly import (
    loop_get,
    loop_list,
    new_corrections,
    night_get,
    night_list,
)
from apps.modelhub.services import nightly
from apps.modelhub.services.runs import METHODS, MOST_EPOCHS, RECIPES

_SHOWN = 30


@require_GET
@never_cache
@permission_needed("modelhub.change_runs")
def nightly_page(request: HttpRequest) -> HttpResponse:
    """Loops with how many corrections wait, the form that sets one, and the last nights."""
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
        "zone": timezone.get_current_timezone_name(),
        "may_promote": request.user.has_perm("modelhub.promote"),
    }
    return render(request, "modelhub/nightly.html", context)


@require_POST
@permission_needed("modelhub.change_runs")
def nightly_set(request: HttpRequest) -> HttpResponse:
    """Set the loop of a data set's task."""
    form = request.POST
    try:
        epochs = form.get("epochs", "").strip()
        nightly.loop_set(
            actor=signed_in(request),
            dataset=selectors.dataset_get(dataset_id=_whole(form.get("dataset", ""), "dataset")),
            enabled="enabled" in form,
            least_new=_whole(form.get("least_new", ""), "least_new"),
            hour=_whole(form.get("hour", ""), "hour"),
            method=form.get("method", ""),
            recipe=form.get("recipe", ""),
            epochs=_whole(epochs, "epochs") if epochs else None,
        )
    except Problem as problem:
        messages.error(request, problem.message)
    else:
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


def _whole(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInput(
            "%(name)s: %(text)r is no whole number.",
            fields={name: "number"},
            name=name,
            text=text[:20],
        )
    return int(text)
