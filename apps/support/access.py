"""The door of the operators' pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from apps.core.errors import NotAllowed

View = Callable[..., HttpResponse]


def permission_needed(permission: str) -> Callable[[View], View]:
    """Send strangers to the sign-in page; refuse those who lack ``permission`` and say whose it
    is."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                if request.user.has_perm("support.change_teams"):
                    raise NotAllowed("This is for administrators.")
                if request.user.has_perm("support.use_console"):
                    raise NotAllowed("This is for team leads; ask an administrator for that role.")
                raise NotAllowed("This is for operators; ask an administrator for that role.")
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorate
