"""A ``Problem`` raised by a page becomes a page of its own, never a stack trace or an empty one."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from apps.core.error_views import API
from apps.core.errors import Problem


class ProblemMiddleware:
    """Shows problems of the server-rendered pages; the API has its own handler."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or request.path.startswith(API):
            return response
        # Django's own answer is empty, and a browser shows a page of its own in its place.
        page = _page(
            request,
            Problem(
                "This address only takes what a form sends. Open the page that the form is on.",
                code="method_not_allowed",
                status=response.status_code,
            ),
        )
        page["Allow"] = response["Allow"]
        return page

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return _page(request, error) if isinstance(error, Problem) else None


def _page(request: HttpRequest, problem: Problem) -> HttpResponse:
    return render(request, "problem.html", {"problem": problem}, status=problem.status)
