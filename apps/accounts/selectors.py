"""Reads: the caller, tokens of a person."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from knox.auth import TokenAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.models import User
from apps.core.errors import NotAllowed


def token_list(*, user: User) -> QuerySet[AuthToken]:
    return AuthToken.objects.filter(user=user).order_by("-created")


def signed_in(request: Any) -> User:
    """The person behind a request (page or API); raises ``NotAllowed`` when nobody is signed in."""
    if not isinstance(request.user, User):
        raise NotAllowed("Sign in first.", code="not_signed_in")
    return request.user


def token_get(*, secret: str) -> AuthToken:
    """The API token of this secret; raises ``NotAllowed`` when it is unknown, has expired, or its
    owner may not sign in any more."""
    try:
        _, token = TokenAuthentication().authenticate_credentials(secret.encode())
    except AuthenticationFailed as error:
        raise NotAllowed("This token is not valid.", code="token_invalid") from error
    return cast(AuthToken, token)
