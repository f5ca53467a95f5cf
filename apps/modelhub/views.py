"""The model hub's pages, for team leads."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core import gateway
from apps.core.errors import NotAllowed, Problem
from apps.core.typed import typed
from apps.modelhub import explaining, selectors, services
from apps.modelhub.access import permission_needed
from apps.modelhub.api import MAX_CHARACTERS
from apps.modelhub.asked_text import check_text
from apps.modelhub.changeovers import changeovers
from apps.modelhub.payloads import prediction_payload
from apps.modelhub.promotion_views import promotion_context
from apps.modelhub.selectors.disputes import dispute_list
from apps.modelhub.selectors.shipped import Newer
from apps.modelhub.sight import hidden_examples
from ml.entities.personal import PII_TASK, TAGGER

_PER_PAGE = 50


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm("modelhub.view_models"):
        raise NotAllowed("The model hub is for team leads and administrators.")


@login_required
@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """Tasks with their versions, a box to try them, and the engine's state."""
    _require(request)
    models = selectors.task_list()
    tasks = {one.task for one in models if one.live and one.live.version}
    if TAGGER in tasks:
        tasks.add(PII_TASK)
    newer: dict[str, list[Newer]] = {}
    for one in models:
        if one.newer:
            newer.setdefault(one.newer.name, []).append(one.newer)
    context = {
        "models": models,
        "newer": newer,
        "may_take": request.user.has_perm("modelhub.override_gate"),
        "tasks": sorted(tasks),
        "stats": gateway.stats(),
    }
    return render(request, "modelhub/models.html", context)


@login_required
@require_GET
def engine(request: HttpRequest) -> HttpResponse:
    """The engine's queue and latencies, asked for again and again by the page."""
    _require(request)
    return render(request, "modelhub/engine.html", {"stats": gateway.stats()})


@login_required
@require_GET
def version(request: HttpRequest, task: str, version: str) -> HttpResponse:
    """A version's model card, data and build."""
    _require(request)
    found = selectors.version_get(task=task, version=version)
    card = mark_safe(selectors.card_html(task=task, version=version))  # noqa: S308 - no raw HTML
    context: dict[str, Any] = {"version": found, "card": card}
    context["run"] = selectors.run_of_version(task=task, version=version)
    if found.active:
        context["changeovers"] = changeovers(task)
    if not found.problem:
        context |= promotion_context(request, task, version)
    return render(request, "modelhub/version.html", context)


@login_required
@require_POST
def try_text(request: HttpRequest) -> HttpResponse:
    """Predict for one text; the answer is a fragment of the page."""
    _require(request)
    task, text = request.POST.get("task", ""), typed(request.POST.get("text", ""))
    context: dict[str, Any] = {"task": task, "text": text}
    try:
        check_text(text, most=MAX_CHARACTERS)
        context["prediction"] = prediction_payload(gateway.predict(task, [text])[0])
        context |= _explained(task, text)
    except Problem as problem:
        context["problem"] = problem
    return render(request, "modelhub/prediction.html", context)


def _explained(task: str, text: str) -> dict[str, Any]:
    """Whether a prediction can be explained and opened, or its text is too long for it."""
    of_labels = task in explaining.explained_tasks()
    too_long = len(text) > explaining.MAX_CHARACTERS
    return {
        "explained": of_labels and not too_long,
        "too_long": of_labels and too_long,
        "most": f"{explaining.MAX_CHARACTERS:,}",
    }


@login_required
@require_POST
def explain_text(request: HttpRequest) -> HttpResponse:
    """The words that carried an answer; a fragment of the page."""
    _require(request)
    task, text = request.POST.get("task", ""), typed(request.POST.get("text", ""))
    label = request.POST.get("label") or None
    context: dict[str, Any] = {"task": task, "opened": "opened" in request.POST}
    try:
        context["explanation"] = explaining.segments(
            explaining.explain(task=task, text=text, label=label)
        )
    except Problem as problem:
        context["problem"] = problem
    return render(request, "modelhub/explanation.html", context)


@login_required
@require_GET
def examples(request: HttpRequest) -> HttpResponse:
    """What people corrected, of all tasks or of one."""
    _require(request)
    task = request.GET.get("task", "")
    found = selectors.example_list(task=task)
    page = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "hidden": hidden_examples(signed_in(request), page.object_list),
        "task": task,
        "tasks": selectors.example_tasks(),
        "opened": explaining.explained_tasks(),
        "disputes": sum(one.verdict is None for one in dispute_list(task=task)),
    }
    return render(request, "modelhub/examples.html", context)


@require_POST
@permission_needed("modelhub.change_examples")
def example_discard(request: HttpRequest, example_id: int) -> HttpResponse:
    """Take a correction out of what later versions learn from; leads back to the page of the list
    that it stood on."""
    services.example_discard(example_id=example_id, actor=signed_in(request))
    place = {name: request.GET[name] for name in ("task", "page") if request.GET.get(name)}
    return redirect(f"{reverse('modelhub:examples')}?{urlencode(place)}")
