"""What the pages of the team share: who may open them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from apps.core.errors import NotAllowed

View = Callable[..., HttpResponseBase]


def team_required(view: View) -> View:
    """Let administrators in alone; everybody else gets the page that says so."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user: Any = request.user
        if not user.has_perm("recommend.manage"):
            raise NotAllowed("This page is kept by administrators.")
        return view(request, *args, **kwargs)

    return guarded
