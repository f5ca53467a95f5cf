"""Reads: the caller, tokens of a person."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from knox.models import AuthToken

from apps.accounts.models import User
from apps.core.errors import NotAllowed


def token_list(*, user: User) -> QuerySet[AuthToken]:
    return AuthToken.objects.filter(user=user).order_by("-created")


def signed_in(request: Any) -> User:
    """The person behind a request (page or API); raises ``NotAllowed`` when nobody is signed in."""
    if not isinstance(request.user, User):
        raise NotAllowed("Sign in first.", code="not_signed_in")
    return request.user
