"""Who stands behind a request or a socket: a signed-in person, or a visitor with a signed cookie.

A visitor's row is made at the first thing that the visitor does, so that looking at the page
leaves nothing behind; until then the cookie's key is all there is. While an experiment runs, whose
arms must count all who saw its page, the row is made as soon as the page's socket asks for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpResponseBase

from apps.recommend.models import Reader, reader_stream
from apps.recommend.services.readers import reader_for_key, reader_for_user
from apps.recommend.subjects import was_forgotten

COOKIE = "trefoil_reader"
_SALT = "recommend.reader"
_AGE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Visitor:
    """The caller as a reader. ``reader`` is ``None`` for a visitor who has done nothing yet."""

    key: uuid.UUID
    reader: Reader | None
    user: Any | None

    @property
    def stream(self) -> str:
        return reader_stream(self.key)

    def made(self) -> Reader:
        """The reader's row as it is now, made when missing."""
        return reader_for_user(user=self.user) if self.user else reader_for_key(key=self.key)


def visitor_from(user: Any, cookies: Mapping[str, str], *, new: bool = True) -> Visitor | None:
    """The visitor behind a request; ``None`` for an unknown one when ``new`` ones are not wanted.

    A cookie opens only readers that belong to no account: after signing out it leads to a new,
    empty reader.
    """
    if user.is_authenticated:
        reader = reader_for_user(user=user)
        return Visitor(reader.key, reader, user)
    key = cookie_key(cookies)
    if key is not None:
        reader_or_none = Reader.objects.filter(key=key).first()
        is_anybodys = reader_or_none is not None and reader_or_none.user_id is not None
        if not is_anybodys and not (reader_or_none is None and was_forgotten(key)):
            return Visitor(key, reader_or_none, None)
    return Visitor(uuid.uuid4(), None, None) if new else None


def cookie_key(cookies: Mapping[str, str]) -> uuid.UUID | None:
    """The key in the visitor's cookie; ``None`` when missing, forged or expired."""
    try:
        return uuid.UUID(signing.loads(cookies.get(COOKIE, ""), salt=_SALT, max_age=_AGE))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None


def cookie_value(key: uuid.UUID) -> str:
    return signing.dumps(str(key), salt=_SALT)


def remember(response: HttpResponseBase, visitor: Visitor) -> None:
    """Give the visitor's browser the cookie that leads back to the same reader."""
    if visitor.user is None:
        response.set_cookie(
            COOKIE,
            cookie_value(visitor.key),
            max_age=_AGE,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
