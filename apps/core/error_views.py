"""What is answered where no view is or a view failed: a page, under ``/api/`` a problem detail."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext
from django.views import defaults

from apps.core.api import PROBLEM_JSON

API = "/api/"


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """There is nothing at the address."""
    if request.path.startswith(API):
        return _problem(404, "not_found", gettext("There is nothing at this address."))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A view raised what nobody expected; it is in the log."""
    if request.path.startswith(API):
        return _problem(500, "server_error", gettext("Something went wrong on our side."))
    return defaults.server_error(request)


def _problem(status: int, code: str, detail: str) -> HttpResponse:
    body: dict[str, Any] = {"status": status, "code": code, "detail": detail}
    return JsonResponse(body, status=status, content_type=PROBLEM_JSON)
