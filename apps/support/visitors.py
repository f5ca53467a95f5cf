"""Who a visitor is: a random id in a signed cookie, no account."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "trefoil_visitor"
_SALT = "support.visitor"
_MAX_AGE = 180 * 24 * 3600


def visitor_token(visitor: uuid.UUID) -> str:
    """The signed token that proves who the visitor is."""
    return signing.dumps(str(visitor), salt=_SALT)


def visitor_of(cookies: Mapping[str, str]) -> uuid.UUID | None:
    """The visitor in the request's cookies; ``None`` without a valid, recent signature."""
    return visitor_from_token(cookies.get(COOKIE, ""))


def visitor_from_token(token: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(signing.loads(token, salt=_SALT, max_age=_MAX_AGE))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def ensure_visitor(request: HttpRequest) -> tuple[uuid.UUID, bool]:
    """The request's visitor, or a new one; the second value says that the cookie is to be set."""
    known = visitor_of(request.COOKIES)
    return (known, False) if known else (uuid.uuid4(), True)


def remember(response: HttpResponse, visitor: uuid.UUID, request: HttpRequest) -> None:
    """Set the visitor's cookie; in a frame on another site it must be marked for that."""
    secure = request.is_secure()
    options: dict[str, Any] = {"samesite": "None" if secure else "Lax", "secure": secure}
    response.set_cookie(COOKIE, visitor_token(visitor), max_age=_MAX_AGE, httponly=True, **options)
