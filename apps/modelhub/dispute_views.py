"""The page on which a team lead decides what people corrected in different ways."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, Problem
from apps.modelhub.access import permission_needed
from apps.modelhub.models import LabelledExample
from apps.modelhub.pieces import pieces
from apps.modelhub.selectors.disputes import Dispute, dispute_get, dispute_list, disputes_seen
from apps.modelhub.services.disputes import dispute_decide
from ml.labelling.spans import Span

_PER_PAGE = 20


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("modelhub.change_examples")
def disputes(request: HttpRequest) -> HttpResponse:
    """Where people disagree, undecided first; posted, one side is taken or another answer given."""
    if request.method == "POST":
        try:
            _decide(request)
        except Problem as problem:
            messages.error(request, problem.message)
        return redirect("modelhub:disputes")
    found = disputes_seen(signed_in(request), dispute_list())
    page = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "open": sum(one.verdict is None for one in found),
        "rows": [_shown(one, f"dispute-{at}") for at, one in enumerate(page)],
    }
    return render(request, "modelhub/disputes.html", context)


def _decide(request: HttpRequest) -> None:
    form = request.POST
    which = {"task": form.get("task", ""), "subject": form.get("subject", "")}
    side = form.get("side", "")
    if side.isdecimal():
        said = next((one for one in dispute_get(**which).said if one.pk == int(side[:18])), None)
        if said is None:
            raise InvalidInput("That correction is not there any more.")
        spans = None if said.spans is None else [_span(one) for one in said.spans]
        dispute_decide(actor=request.user, label=said.new_label, spans=spans, **which)
    else:
        spans = _spans_in(form["spans"]) if "spans" in form else None
        label = form.get("label", "").strip()
        dispute_decide(actor=request.user, label=label, spans=spans, **which)


def _spans_in(given: str) -> list[Span]:
    try:
        return [
            (int(one["start"]), int(one["end"]), str(one["label"])) for one in json.loads(given)
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput("The entities cannot be read.", fields={"spans": "unusable"}) from error


def _shown(dispute: Dispute, source: str) -> dict[str, Any]:
    of_entities = dispute.first.spans is not None
    best = dispute.verdict or dispute.first
    labels = sorted({label for one in dispute.said for *_, label in one.spans or []})
    return {
        "dispute": dispute,
        "source": source,
        "model": _model(dispute.first),
        "sides": [(one, _side(one), _holds(one, dispute)) for one in dispute.said],
        "verdict": _side(dispute.verdict) if dispute.verdict else None,
        "editor": {"text": best.text, "spans": best.spans, "labels": labels}
        if of_entities
        else None,
        "choices": [{"key": key, "label": label} for key, label in enumerate(labels, start=1)],
    }


def _side(example: LabelledExample) -> dict[str, Any]:
    return {
        "person": example.actor.display_name if example.actor else "–",
        "skipped": False,
        "said": _words(example.new_label),
        "pieces": [] if example.spans is None else pieces(example.text, example.spans),
        "unmarked": example.spans == [],
    }


def _model(example: LabelledExample) -> dict[str, Any] | None:
    """What the model had said; ``None`` where nothing is known of it."""
    spans = example.old_spans if example.spans is not None else None
    if spans is None and not example.old_label:
        return None
    return {
        "skipped": False,
        "said": _words(example.old_label),
        "pieces": [] if spans is None else pieces(example.text, spans),
        "unmarked": spans == [],
        "confidence": example.confidence,
    }


def _holds(example: LabelledExample, dispute: Dispute) -> bool:
    return dispute.verdict is not None and example.said == dispute.verdict.said


def _words(label: str) -> str:
    """Whether an item fits is said in words; the labels of models are names."""
    return {"fits": gettext("fits"), "does_not_fit": gettext("does not fit")}.get(label, label)


def _span(one: list[Any]) -> Span:
    start, end, label = one
    return start, end, label
