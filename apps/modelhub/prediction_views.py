"""The page that opens one prediction: why, the examples nearest to it, what other versions say."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core import gateway
from apps.core.errors import InvalidInput, Problem
from apps.core.typed import typed
from apps.modelhub import selectors
from apps.modelhub.access import permission_needed
from apps.modelhub.asked_text import check_text
from apps.modelhub.explaining import MAX_CHARACTERS, explained_tasks
from apps.modelhub.nearest import nearest_rows
from apps.modelhub.opinions import opinions
from apps.modelhub.payloads import prediction_payload
from ml.entities.personal import PII_TASK, TAGGER


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("modelhub.view_models")
def prediction(request: HttpRequest) -> HttpResponse:
    """A task and a text, which links of the other screens give in the part of the address behind
    #, so that no text of a customer's stands in a log; posted, what the live version says."""
    context = _asked(request)
    context["tasks"] = explained_tasks()
    if request.method == "POST":
        try:
            context |= _predicted(context["task"], context["text"])
        except Problem as problem:
            context["problem"] = problem
    status = context["problem"].status if "problem" in context else 200
    return render(request, "modelhub/opened.html", context, status=status)


@require_POST
@permission_needed("modelhub.view_models")
def others(request: HttpRequest) -> HttpResponse:
    """What other versions say; a fragment of the page."""
    context = _asked(request)
    try:
        context["opinions"] = opinions(**context)
    except Problem as problem:
        context["problem"] = problem
    return render(request, "modelhub/parts/opinions.html", context)


@require_POST
@permission_needed("modelhub.view_examples")
def nearest(request: HttpRequest) -> HttpResponse:
    """The training rows nearest to the text; a fragment of the page."""
    context = _asked(request)
    try:
        context["nearest"] = nearest_rows(person=signed_in(request), **context)
    except Problem as problem:
        context["problem"] = problem
    return render(request, "modelhub/parts/nearest.html", context)


def _asked(request: HttpRequest) -> dict[str, Any]:
    return {name: typed(request.POST.get(name, "")) for name in ("task", "text")}


def _predicted(task: str, text: str) -> dict[str, Any]:
    check_text(text, most=MAX_CHARACTERS)
    if task == PII_TASK:
        raise InvalidInput(
            "%(task)s has no version of its own, as rules and %(tagger)s find it; open %(tagger)s.",
            fields={"task": "unusable"},
            task=task,
            tagger=TAGGER,
        )
    found = gateway.predict(task, [text], observed=False)[0]
    payload = prediction_payload(found)
    labels = [one["label"] for one in payload.get("scores", [])]
    labels += [f"{one['text']} {one['label']}" for one in payload.get("entities", [])]
    return {
        "prediction": payload,
        "labels": labels,
        "made_by": selectors.version_get(task=task, version=found.version),
        "run": selectors.run_of_version(task=task, version=found.version),
    }
