"""The door of the Market pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from apps.core.errors import NotAllowed

View = Callable[..., HttpResponse]


def analyst_required(view: View) -> View:
    """Send visitors to the sign-in page and refuse everybody who is no analyst."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm("market.view_news"):
            raise NotAllowed("Market is for analysts; ask an administrator for that role.")
        return view(request, *args, **kwargs)

    return login_required(guarded)
