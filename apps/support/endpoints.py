"""What the endpoints of Support share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput, NotAllowed
from apps.support import selectors
from apps.support.models import Conversation
from apps.support.payloads import MAX_SLUG, MAX_TEXT

_PAGE = 50
_LONGEST_PAGE = 500


class Anything(serializers.Serializer[Any]):
    """An object as documented in ``docs/sockets.md``."""


class MessageInput(serializers.Serializer[Any]):
    id = serializers.CharField(max_length=64)
    text = serializers.CharField(max_length=MAX_TEXT)
    chosen = serializers.SlugField(max_length=MAX_SLUG, required=False, help_text="visitors only")


def require(request: Request, permission: str) -> None:
    if request.user.has_perm(permission):
        return
    is_operator = request.user.has_perm("support.use_console")
    needed = "a team lead or an administrator" if is_operator else "an operator"
    raise NotAllowed("This needs the role of %(needed)s.", needed=needed)


def body_of(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise InvalidInput("The body is not a JSON object.")
    return request.data


def seen(request: Request, conversation_id: UUID) -> Conversation:
    """The conversation, if whoever asks may see it."""
    return selectors.conversation_seen(conversation_id=conversation_id, operator=signed_in(request))


def valid(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The body as ``shape`` reads it; what does not fit is refused with its field."""
    body = shape(data=body_of(request))
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def page_size(request: Request) -> int:
    """How many rows a page is asked to have (``page_size``)."""
    given = request.query_params.get("page_size", str(_PAGE))
    if not given.isdecimal() or not 1 <= int(given[:9]) <= _LONGEST_PAGE:
        raise InvalidInput(
            '"page_size" is no number from 1 to %(longest_page)s.',
            fields={"page_size": "out of range"},
            longest_page=_LONGEST_PAGE,
        )
    return int(given)
