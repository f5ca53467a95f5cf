"""The console's controls to correct what a message was taken for: fragments of its panel."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, Problem
from apps.support.access import permission_needed
from apps.support.searching import articles_found
from apps.support.services import (
    article_corrections,
    corrections,
    entity_corrections,
    tone_corrections,
)
from apps.support.tone import LABELS
from ml.types import OUT_OF_SCOPE

_Service = Callable[..., Any]
_Which = dict[str, Any]


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("support.correct_intents")
def correction(request: HttpRequest, conversation_id: UUID, seq: int) -> HttpResponse:
    """The matter; posted, it stores ``label``, or that it is ``none``, or does ``undo``."""
    label = OUT_OF_SCOPE if "none" in request.POST else request.POST.get("label", "")[:500]
    return _control(
        request,
        {"conversation_id": conversation_id, "seq": seq},
        get=corrections.correction_get,
        say=lambda which: corrections.intent_correct(label=label, **which),
        undo=corrections.intent_correction_undo,
        template="support/parts/correction.html",
    )


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("support.correct_intents")
def entities(request: HttpRequest, conversation_id: UUID, seq: int) -> HttpResponse:
    """The entities; posted, it stores ``spans``, or what is left ``without`` one, or does
    ``undo``."""
    return _control(
        request,
        {"conversation_id": conversation_id, "seq": seq},
        get=entity_corrections.entities_get,
        say=lambda which: entity_corrections.entities_correct(
            spans=_spans_in(request, which), **which
        ),
        undo=entity_corrections.entities_correction_undo,
        template="support/parts/entities.html",
    )


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("support.correct_intents")
def article(request: HttpRequest, conversation_id: UUID, seq: int) -> HttpResponse:
    """The article that answers it; posted, it stores ``slug`` or does ``undo``; ``?q=`` searches
    for others."""
    words = request.GET.get("q", "")[:200].strip()
    return _control(
        request,
        {"conversation_id": conversation_id, "seq": seq},
        get=article_corrections.article_correction_get,
        say=lambda which: article_corrections.article_correct(
            slug=request.POST.get("slug", ""), **which
        ),
        undo=article_corrections.article_correction_undo,
        template="support/parts/article_correction.html",
        words=words,
        found=articles_found(words) if words else [],
    )


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("support.correct_intents")
def tone(request: HttpRequest, conversation_id: UUID, seq: int) -> HttpResponse:
    """The tone; posted, it stores ``label`` or does ``undo``."""
    return _control(
        request,
        {"conversation_id": conversation_id, "seq": seq},
        get=tone_corrections.tone_correction_get,
        say=lambda which: tone_corrections.tone_correct(
            label=request.POST.get("label", ""), **which
        ),
        undo=tone_corrections.tone_correction_undo,
        template="support/parts/tone.html",
        labels=LABELS,
    )


def _control(
    request: HttpRequest,
    message: _Which,
    *,
    get: _Service,
    say: Callable[[_Which], Any],
    undo: _Service,
    template: str,
    **context: Any,
) -> HttpResponse:
    """Do what is posted, and show what is said of the message then."""
    which = message | {"operator": signed_in(request)}
    problem = None
    try:
        if "undo" in request.POST:
            undo(**which)
        elif request.method == "POST":
            say(which)
    except Problem as error:
        problem = error
    context |= {"correction": get(**which), "problem": problem, **message}
    return render(request, template, context)


def _spans_in(request: HttpRequest, which: _Which) -> list[dict[str, Any]]:
    """The spans posted, or those that stand but the one that begins at ``without``."""
    without = request.POST.get("without", "")
    if without.isdecimal():
        standing = entity_corrections.entities_get(**which).spans
        return [
            {"start": start, "end": end, "label": label}
            for start, end, label in standing
            if start != int(without[:9])
        ]
    try:
        spans = json.loads(request.POST.get("spans", ""))
        return [
            {"start": int(one["start"]), "end": int(one["end"]), "label": str(one["label"])}
            for one in spans
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput("The entities cannot be read.", fields={"spans": "unusable"}) from error
