"""The screens on which people label texts: queues, and one text at a time."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core import events
from apps.core.errors import InvalidInput, Problem
from apps.core.typed import typed
from apps.modelhub.access import permission_needed
from apps.modelhub.field_labels import queue_labels
from apps.modelhub.labelling_models import LabelQueue
from apps.modelhub.prelabels import STRATEGIES, labelled_models
from apps.modelhub.selectors.labelling import labelled_by, queue_get, queue_list
from apps.modelhub.services import labelling


@require_GET
@never_cache
@permission_needed("modelhub.label")
def queues(request: HttpRequest) -> HttpResponse:
    """All queues, and for team leads the form that makes one."""
    return _queues(request)


def _queues(request: HttpRequest, problem: Problem | None = None) -> HttpResponse:
    may_make = request.user.has_perm("modelhub.change_examples")
    labels = queue_labels()
    context = {
        "queues": queue_list(),
        "may_make": may_make,
        "tasks": [one.task for one in labelled_models()],
        "strategies": STRATEGIES,
        "most": labelling.MAX_ROWS,
        "values": request.POST,
        "labels": labels,
        "problem": problem.message_with(labels) if problem else "",
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
            texts=request.POST.get("texts", "").splitlines(),
            strategy=request.POST.get("strategy", "margin"),
            guidelines=typed(request.POST.get("guidelines", "")),
            people=2 if request.POST.get("people") == "2" else 1,
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
    context = {
        "queue": queue,
        "row": row,
        "suggested": choices(queue, row.suggestions) if row else [],
        "editor": {"text": row.text, "labels": queue.labels, "spans": row.suggestions}
        if row and queue.kind == LabelQueue.Kind.NER
        else None,
        "done": queue.labelled + queue.skipped,
        "people": labelled_by(queue=queue),
        "live": {"stream": labelling.stream_of(queue.pk), "seq": _seq(queue)},
    }
    return render(request, "modelhub/label.html", context)


def choices(queue: LabelQueue, suggestions: list[Any]) -> list[dict[str, Any]]:
    """The labels that keys give: of a class the likeliest, of several all, of entities the
    types."""
    if queue.kind == LabelQueue.Kind.NER:
        rows: list[Any] = [[label, None, False] for label in queue.labels]
    else:
        rows = [[one[0], one[1], one[2] if len(one) > 2 else False] for one in suggestions]
    return [
        {"key": key if key < 10 else "", "label": label, "score": score, "held": held}
        for key, (label, score, held) in enumerate(rows, start=1)
    ]


def answer_in(request: HttpRequest, queue: LabelQueue) -> dict[str, Any]:
    """The answer in a form, as services take it by the queue's kind."""
    form = request.POST
    if queue.kind == LabelQueue.Kind.CLASSIFICATION:
        return {"label": form.get("other", "").strip() or form.get("label", "")}
    if queue.kind == LabelQueue.Kind.MULTI_LABEL:
        return {"labels": form.getlist("labels")}
    try:
        spans = json.loads(form.get("spans", ""))
    except ValueError:
        spans = None
    if not isinstance(spans, list) or not all(isinstance(one, dict) for one in spans):
        raise InvalidInput("The entities cannot be read.", fields={"spans": "unusable"})
    return {"spans": spans}


def _seq(queue: LabelQueue) -> int:
    return events.head(labelling.stream_of(queue.pk))


@require_POST
@permission_needed("modelhub.label")
def label_row(request: HttpRequest, queue_id: int, row_id: int) -> HttpResponse:
    """Label a row, or skip it."""
    person = signed_in(request)
    queue = queue_get(queue_id=queue_id)
    try:
        if "skip" in request.POST:
            labelling.row_skip(row_id=row_id, person=person)
        else:
            labelling.row_label(row_id=row_id, person=person, **answer_in(request, queue))
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
