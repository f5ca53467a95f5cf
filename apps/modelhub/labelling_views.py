"""The screens on which people label texts: queues, and one text at a time."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core import gateway
from apps.core.errors import Problem
from apps.modelhub.access import permission_needed
from apps.modelhub.selectors.labelling import labelled_by, queue_get, queue_list
from apps.modelhub.services import labelling

_MOST_CHARACTERS = 2_000_000


@require_GET
@never_cache
@permission_needed("modelhub.label")
def queues(request: HttpRequest) -> HttpResponse:
    """All queues, and for team leads the form that makes one."""
    return _queues(request)


def _queues(request: HttpRequest, problem: Problem | None = None) -> HttpResponse:
    may_make = request.user.has_perm("modelhub.change_examples")
    context = {
        "queues": queue_list(),
        "may_make": may_make,
        "tasks": [one.task for one in gateway.models() if one.kind == "classification"],
        "strategies": labelling.STRATEGIES,
        "most": labelling.MAX_ROWS,
        "values": request.POST,
        "problem": problem,
    }
    status = problem.status if problem else 200
    return render(request, "modelhub/queues.html", context, status=status)


@require_POST
@permission_needed("modelhub.change_examples")
def queue_new(request: HttpRequest) -> HttpResponse:
    """Make a queue of the texts in the form, one a line."""
    try:
        queue = labelling.queue_create(
            actor=signed_in(request),
            name=request.POST.get("name", ""),
            task=request.POST.get("task", ""),
            texts=request.POST.get("texts", "")[:_MOST_CHARACTERS].splitlines(),
            strategy=request.POST.get("strategy", "margin"),
            guidelines=request.POST.get("guidelines", ""),
        )
    except Problem as problem:
        return _queues(request, problem)
    return redirect("modelhub:label", queue_id=queue.pk)


@require_GET
@never_cache
@permission_needed("modelhub.label")
def label(request: HttpRequest, queue_id: int) -> HttpResponse:
    """The text that this person has, with keys for the likeliest labels."""
    queue = queue_get(queue_id=queue_id)
    row = labelling.row_claim(queue=queue, person=signed_in(request))
    suggested: list[dict[str, Any]] = [
        {"key": key, "label": name, "score": score}
        for key, (name, score) in enumerate(row.suggestions if row else [], start=1)
    ]
    context = {
        "queue": queue,
        "row": row,
        "suggested": suggested,
        "done": queue.labelled + queue.skipped,
        "people": labelled_by(queue=queue),
    }
    return render(request, "modelhub/label.html", context)


@require_POST
@permission_needed("modelhub.label")
def label_row(request: HttpRequest, queue_id: int, row_id: int) -> HttpResponse:
    """Label a row, or skip it."""
    person = signed_in(request)
    try:
        if "skip" in request.POST:
            labelling.row_skip(row_id=row_id, person=person)
        else:
            chosen = request.POST.get("other", "").strip() or request.POST.get("label", "")
            labelling.row_label(row_id=row_id, person=person, label=chosen)
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("modelhub:label", queue_id=queue_id)


@require_POST
@permission_needed("modelhub.label")
def label_undo(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Take back the last label or skip."""
    try:
        labelling.row_undo(queue=queue_get(queue_id=queue_id), person=signed_in(request))
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("modelhub:label", queue_id=queue_id)
