"""The doors of the Market pages and of its API."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.views import APIView

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


class IsAnalyst(permissions.BasePermission):
    """Market is for analysts."""

    message = "Only analysts use Market."

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.has_perm("market.view_news")


class AnalystView(APIView):
    """Base of the endpoints."""

    permission_classes = [permissions.IsAuthenticated, IsAnalyst]


def validated(serializer: Any) -> dict[str, Any]:
    """The serializer's values; raises DRF's ``ValidationError``."""
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = dict(serializer.validated_data)
    return data
