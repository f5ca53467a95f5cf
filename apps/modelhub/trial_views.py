"""The page of trials: versions that read or answer live traffic before they are promoted."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, Problem
from apps.modelhub import selectors
from apps.modelhub.access import permission_needed
from apps.modelhub.services import trials

_SHOWN = 50
_PAIRS = 8


@require_GET
@never_cache
@permission_needed("modelhub.view_models")
def trial_page(request: HttpRequest) -> HttpResponse:
    """Running and past trials, and the form that starts one."""
    shown = [
        {"trial": trial, "differences": list(trial.differences.items())[:_PAIRS]}
        for trial in selectors.trial_list()[:_SHOWN]
    ]
    built = selectors.version_list()
    live = {one.task for one in built if one.active}  # a trial is beside what is live
    versions = [one for one in built if one.task in live and not (one.active or one.problem)]
    context = {
        "trials": shown,
        "versions": versions,
        "allowed": request.user.has_perm("modelhub.promote"),
    }
    return render(request, "modelhub/trials.html", context)


@require_POST
@permission_needed("modelhub.promote")
def trial_start(request: HttpRequest) -> HttpResponse:
    """Start a trial; ``of`` is the task and the version with a space between them."""
    task, _, version = request.POST.get("of", "").partition(" ")
    try:
        trials.trial_start(
            actor=signed_in(request),
            task=task,
            version=version,
            kind=request.POST.get("kind", ""),
            percent=_number(request.POST.get("percent", "")),
            reason=request.POST.get("reason", ""),
        )
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, gettext("The trial runs within seconds."))
    return redirect("modelhub:trials")


@require_POST
@permission_needed("modelhub.promote")
def trial_stop(request: HttpRequest, trial_id: int) -> HttpResponse:
    """End a trial."""
    try:
        trials.trial_stop(actor=signed_in(request), trial_id=trial_id)
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("modelhub:trials")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput("%(text)r is no number of percent.", text=text[:20]) from error
