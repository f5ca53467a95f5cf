"""The doors of the model hub's pages and endpoints."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from apps.core.errors import NotAllowed

View = Callable[..., HttpResponse]
_REFUSED = "The model hub is for team leads and administrators."


def permission_needed(permission: str) -> Callable[[View], View]:
    """Send strangers to the sign-in page and refuse those who lack ``permission``."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise NotAllowed(_REFUSED)
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorate


def require(request: Request, permission: str) -> None:
    """Refuse an endpoint to those who lack ``permission``."""
    if not request.user.has_perm(permission):
        raise NotAllowed(_REFUSED)
