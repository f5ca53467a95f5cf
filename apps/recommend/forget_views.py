"""The reader's own data: the file of it, having it forgotten, and the receipt that looks again."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_ratelimit.core import is_ratelimited

from apps.core.errors import InvalidInput, RateLimited
from apps.recommend.exporting import export_text
from apps.recommend.services.forgetting import reader_forget
from apps.recommend.traces import proof_of, proof_payload, sealed
from apps.recommend.visitors import remember, visitor_from

RECEIPT = "trefoil_receipt"
"""The cookie by which the browser alone, for an hour, can have it looked for what was deleted."""
_AGE = timedelta(hours=1)
LOOK_RATE = "20/m"


@require_GET
@never_cache
def export(request: HttpRequest) -> HttpResponse:
    """All that is kept of the caller, as a file; of nobody else, whatever is asked for."""
    visitor = visitor_from(request.user, request.COOKIES, new=False)
    if visitor is None or visitor.reader is None:
        content = json.dumps({"reader": None, "tables": {}})
    else:
        content = export_text(visitor.reader)
    return _file(content, f"discover-{timezone.now():%Y-%m-%d}.json")


@require_POST
def forget(request: HttpRequest) -> HttpResponseBase:
    """Delete the reader with everything known of them and lead to the receipt."""
    visitor = visitor_from(request.user, request.COOKIES, new=False)
    response = redirect("recommend:forgotten")
    if visitor is None or visitor.reader is None:
        response.delete_cookie(RECEIPT, path=_path())
        return response
    receipt, looked_for = reader_forget(reader=visitor.reader, actor=request.user)
    response.set_cookie(
        RECEIPT,
        sealed(looked_for, receipt),
        max_age=_AGE,
        path=_path(),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    fresh = visitor_from(request.user, {})
    assert fresh is not None  # a new one is made when there is none
    remember(response, fresh)
    return response


@require_GET
@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """The receipt; each time it is opened, all places are looked through anew."""
    receipt = _receipt(request)
    context: dict[str, Any] = {"receipt": receipt}
    if receipt is not None:
        context["deleted_at"] = datetime.fromisoformat(receipt["at"])
        context["looked_at"] = datetime.fromisoformat(receipt["proof"]["at"])
    return render(request, "recommend/forgotten.html", context)


@require_GET
@never_cache
def receipt_file(request: HttpRequest) -> HttpResponse:
    """The receipt as a file, with what a look just now found."""
    found = _receipt(request)
    if found is None:
        raise InvalidInput("There is no receipt in this browser.", code="receipt_unknown")
    content = json.dumps(found, ensure_ascii=False, indent=1)
    return _file(content, f"receipt-{found['receipt']}.json")


def _receipt(request: HttpRequest) -> dict[str, Any] | None:
    seal = request.COOKIES.get(RECEIPT)
    if not seal:
        return None
    look_limited(request)
    try:
        return proof_payload(proof_of(seal), seal)
    except InvalidInput:  # a cookie of another installation or a forged one
        return None


def look_limited(request: Any) -> None:
    """Raise ``RateLimited`` for an address that has had every table read again and again."""
    if is_ratelimited(request, group="discover-receipt", key="ip", rate=LOOK_RATE, increment=True):
        raise RateLimited("Too many checks from your address; wait a minute and try again.")


def _path() -> str:
    return reverse("recommend:forgotten")


def _file(content: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
