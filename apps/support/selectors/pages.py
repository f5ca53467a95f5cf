"""The list of conversations page by page, however long it is and however it moves meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.support.models import Conversation
from apps.support.selectors.conversations import conversation_list
from apps.support.selectors.filters import Filters

_READ: dict[str, Callable[[str], Any]] = {
    "rank_at": datetime.fromisoformat,
    "snoozed_until": datetime.fromisoformat,
    "active_at": datetime.fromisoformat,
    "id": UUID,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a tab; ``next`` is the cursor of what follows, ``None`` at the end."""

    rows: list[Conversation]
    next: str | None


def conversation_page(
    *, tab: str, operator: User, filters: Filters | None = None, cursor: str = "", size: int = 100
) -> Page:
    """The ``size`` conversations that follow ``cursor``, in the order of the tab.

    A cursor holds where its page ended, not how many rows were before it: what moves to another
    place meanwhile neither repeats nor hides a row. Raises ``InvalidInput`` for a cursor that is
    none of this tab.
    """
    names = _order(tab)
    found = conversation_list(tab=tab, operator=operator, filters=filters).order_by(*names)
    if cursor:
        found = found.filter(_behind(names, _values(names, cursor)))
    rows = list(found[: size + 1])
    more = len(rows) > size
    return Page(rows[:size], _cursor(names, rows[size - 1]) if more else None)


def _order(tab: str) -> Sequence[str]:
    """The fields by which a tab is ordered; the last one tells equals apart."""
    if tab == "waiting":
        return ("rank_at", "id")
    if tab == "snoozed":
        return ("snoozed_until", "id")
    return ("-active_at", "-id")


def _behind(names: Sequence[str], values: Sequence[Any]) -> Q:
    """What comes after a row with these values: the first that differs decides."""
    found, equal = Q(), Q()
    for name, value in zip(names, values, strict=True):
        field = name.removeprefix("-")
        step = "lt" if name.startswith("-") else "gt"
        found |= equal & Q(**{f"{field}__{step}": value})
        equal &= Q(**{field: value})
    return found


def _cursor(names: Sequence[str], row: Conversation) -> str:
    values = [getattr(row, name.removeprefix("-")) for name in names]
    said = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


def _values(names: Sequence[str], cursor: str) -> list[Any]:
    try:
        said = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        fields = [name.removeprefix("-") for name in names]
        values = [_READ[field](text) for field, text in zip(fields, said, strict=True)]
        if any(isinstance(value, datetime) and value.tzinfo is None for value in values):
            raise ValueError("a time without a zone")
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(
            "The cursor is none of this list.", fields={"cursor": "no cursor of this list"}
        ) from error
    return values
