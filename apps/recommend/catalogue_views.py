"""The pages on which administrators keep the catalogue: find, change, delete, import."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import InvalidInput, NotFound, Problem
from apps.core.file_answers import FileAnswer
from apps.core.file_imports import RowError
from apps.core.models import Job
from apps.core.wording import said
from apps.recommend import catalogue_search, selectors, tasks, weights
from apps.recommend.index import snapshot
from apps.recommend.models import Item, Kind
from apps.recommend.place_bias import bias_of
from apps.recommend.rows import item_row
from apps.recommend.services.catalogue import item_delete, item_restore, items_add
from apps.recommend.services.uploads import import_start, job_errors
from apps.recommend.services.weights import weights_set
from apps.recommend.team import team_required
from ml.ranking.places import LEAST_CLICKS

PAGE = 25
_FIELDS = (
    "title",
    "text",
    "tags",
    "authors",
    "published_at",
    "image_url",
    "price",
    "currency",
    "language",
    "expires_at",
    "attributes",
)


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def catalogue(request: HttpRequest) -> HttpResponse:
    """Counts, the items found, and imports."""
    problem = None
    if request.method == "POST":
        kinds = {"items": tasks.IMPORT_ITEMS, "interactions": tasks.IMPORT_INTERACTIONS}
        try:
            job = import_start(
                actor=request.user,
                kind=kinds.get(request.POST.get("kind", ""), tasks.IMPORT_ITEMS),
                upload=request.FILES.get("file"),
                skip_bad=request.POST.get("skip_bad") == "on",
            )
        except Problem as error:
            problem = error
        else:
            return redirect("core:job", job_id=job.id)
    wanted = {
        name: " ".join(request.GET.get(name, "").replace("\x00", " ").split())[:200]
        for name in ("q", "state", "tag", "language")
    }
    found = catalogue_search.items_found(
        query=wanted["q"], state=wanted["state"], tag=wanted["tag"], language=wanted["language"]
    )
    context = {
        "counts": selectors.catalogue_counts(),
        "problem": problem,
        "jobs": [(job, job_errors(job) is not None) for job in selectors.import_jobs()],
        "wanted": wanted,
        "is_filtered": any(wanted.values()),
        "states": catalogue_search.STATES,
        "languages": catalogue_search.languages(),
        "items": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "filter": _without_page(request.GET),
    }
    return render(request, "recommend/catalogue.html", context, status=422 if problem else 200)


def _without_page(given: QueryDict) -> str:
    kept = given.copy()
    kept.pop("page", None)
    return kept.urlencode()


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def item_edit(request: HttpRequest, item_id: str = "") -> HttpResponse:
    """One item's content in a form; without an id, a new one."""
    item = catalogue_search.item_any(external_id=item_id) if item_id else None
    values, problem = _values(item), ""
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in _FIELDS}
        values["available"] = request.POST.get("available") == "on"
        values["item_id"] = item_id or request.POST.get("item_id", "")
        try:
            items_add(rows=[item_row(values)])
        except RowError as error:
            problem = f"{said(error.words)}."
        else:
            words = gettext("“%(name)s” is saved.")
            messages.success(request, words % {"name": values["title"].strip()})
            return redirect("recommend:catalogue-item", item_id=values["item_id"].strip())
    context = {"item": item, "values": values, "problem": problem}
    return render(request, "recommend/catalogue_item.html", context, status=422 if problem else 200)


def _values(item: Item | None) -> dict[str, Any]:
    """What the form shows of an item."""
    if item is None:
        return {"available": True}
    return {
        "item_id": item.external_id,
        "title": item.title,
        "text": item.text,
        "tags": "|".join(item.tags),
        "authors": "|".join(item.authors),
        "published_at": item.published,
        "available": item.available,
        "image_url": item.image_url,
        "price": "" if item.price is None else str(item.price),
        "currency": item.currency,
        "language": item.language,
        "expires_at": item.expires_at.isoformat() if item.expires_at else "",
        "attributes": json.dumps(item.attributes, ensure_ascii=False) if item.attributes else "",
    }


@require_POST
@team_required
def item_remove(request: HttpRequest, item_id: str) -> HttpResponse:
    """Delete an item or, if it is deleted, bring it back."""
    item = catalogue_search.item_any(external_id=item_id)
    if item.deleted_at is None:
        item_delete(external_id=item_id)
        words = gettext("“%(name)s” is deleted; histories keep it.")
        messages.success(request, words % {"name": item.title})
    else:
        item_restore(external_id=item_id)
        messages.success(request, gettext("“%(name)s” is back.") % {"name": item.title})
    return redirect("recommend:catalogue-item", item_id=item_id)


@require_GET
@team_required
def import_errors(request: HttpRequest, job_id: UUID) -> FileAnswer:
    """The bad rows of an import as a CSV file."""
    path = job_errors(get_object_or_404(Job, id=job_id))
    if path is None:
        raise NotFound("This import had no bad rows.")
    return FileAnswer(path.open("rb"), as_attachment=True, filename="import-errors.csv")


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def event_weights(request: HttpRequest) -> HttpResponse:
    """How much each kind of event says about taste."""
    problem = None
    if request.method == "POST":
        restore = "restore" in request.POST
        given = {kind: None if restore else request.POST.get(kind) for kind in weights.DEFAULTS}
        try:
            weights_set(actor=request.user, given=given)
        except InvalidInput as error:
            problem = error
        else:
            messages.success(request, gettext("The weights count from now on."))
            return redirect("recommend:weights")
    held = weights.refresh()
    shown = [
        {
            "kind": kind,
            "label": Kind(kind).label,
            "weight": request.POST.get(kind, held[kind]) if problem else f"{held[kind]:g}",
            "default": f"{weights.DEFAULTS[kind]:g}",
            "changed": held[kind] != weights.DEFAULTS[kind],
        }
        for kind in weights.DEFAULTS
    ]
    places = bias_of(snapshot().key)
    context = {"rows": shown, "problem": problem, "places": places, "clicks": sum(places.opened)}
    context["needed"] = LEAST_CLICKS
    return render(request, "recommend/weights.html", context, status=422 if problem else 200)
