"""The page on which a team lead reads where two people disagree, and decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.modelhub.access import permission_needed
from apps.modelhub.labelling_models import LabelQueue
from apps.modelhub.labelling_views import answer_in, choices
from apps.modelhub.pieces import pieces
from apps.modelhub.selectors.agreement import Pair, agreement, pairs
from apps.modelhub.selectors.labelling import queue_get
from apps.modelhub.services.adjudication import row_decide

_PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Side:
    """What one of two people said of a text."""

    person: str
    skipped: bool
    said: Any
    pieces: list[tuple[str, str]]


@require_GET
@never_cache
@permission_needed("modelhub.change_examples")
def disagreements(request: HttpRequest, queue_id: int) -> HttpResponse:
    """How far both agree, and the texts that they label differently, those without a verdict
    first."""
    queue = queue_get(queue_id=queue_id)
    found = pairs(queue=queue)
    unlike = sorted(
        (pair for pair in found if not pair.agreed), key=lambda pair: pair.verdict is not None
    )
    page = Paginator(unlike, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "queue": queue,
        "agreement": agreement(queue=queue, found=found),
        "page": page,
        "choices": choices(queue, []),
        "rows": [
            {
                "pair": pair,
                "sides": [_side(queue, pair.first), _side(queue, pair.second)],
                "verdict": _said(queue, pair),
                "editor": _editor(queue, pair),
                "source": f"{pair.position}",
                "url": f"{reverse('modelhub:decide', args=[queue.pk, pair.position])}"
                f"?page={page.number}",
            }
            for pair in page
        ],
    }
    return render(request, "modelhub/disagreements.html", context)


@require_POST
@permission_needed("modelhub.change_examples")
def decide(request: HttpRequest, queue_id: int, position: int) -> HttpResponse:
    """Take one side, or say what holds instead; leads back to the page of the list it came from."""
    queue = queue_get(queue_id=queue_id)
    try:
        side = request.POST.get("side", "")
        answer = _answer_of_side(queue, position, side) if side else answer_in(request, queue)
        row_decide(queue=queue, position=position, actor=signed_in(request), **answer)
    except Problem as problem:
        messages.error(request, problem.message)
    back = reverse("modelhub:disagreements", args=[queue_id])
    page = request.GET.get("page", "")
    return redirect(f"{back}?page={page}" if page.isdecimal() else back)


def _answer_of_side(queue: LabelQueue, position: int, side: str) -> dict[str, Any]:
    row = queue.rows.filter(position=position, copy=1 if side == "1" else 0).first()
    if queue.kind == LabelQueue.Kind.CLASSIFICATION:
        return {"label": row.label if row else ""}
    if queue.kind == LabelQueue.Kind.MULTI_LABEL:
        return {"labels": row.answer if row else []}
    return {"spans": _as_spans(row.answer if row else [])}


def _as_spans(answer: list[Any]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in answer]


def _side(queue: LabelQueue, row: Any) -> Side:
    skipped = row.state == row.State.SKIPPED
    name = row.person.display_name if row.person else "–"
    return Side(name, skipped, row.said, _pieces(queue, row.text, row.answer))


def _said(queue: LabelQueue, pair: Pair) -> Side | None:
    verdict = pair.verdict
    if verdict is None:
        return None
    name = verdict.actor.display_name if verdict.actor else "–"
    return Side(name, False, verdict.said, _pieces(queue, pair.text, verdict.answer))


def _pieces(queue: LabelQueue, text: str, answer: list[Any]) -> list[tuple[str, str]]:
    """The text cut at its entities: each piece with its label, or none."""
    if queue.kind != LabelQueue.Kind.NER:
        return []
    return pieces(text, answer)


def _editor(queue: LabelQueue, pair: Pair) -> dict[str, Any] | None:
    """What the editor of entities begins with: the verdict, or what the first person marked."""
    if queue.kind != LabelQueue.Kind.NER:
        return None
    spans = pair.verdict.answer if pair.verdict else pair.first.answer
    return {"text": pair.text, "labels": queue.labels, "spans": spans}
