"""Writes of an operator's own views of the list."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotFound
from apps.support import selectors
from apps.support.models import SavedView
from apps.support.selectors.filters import Filters

LIMIT = 50


def view_save(*, operator: User, name: str, tab: str, filters: Filters) -> SavedView:
    """Keep a tab with its filters; the same name again replaces what it stood for."""
    title = " ".join(name.split())
    if not 0 < len(title) <= 40:
        raise InvalidInput("A view has a name of at most 40 characters.", fields={"name": "?"})
    if tab not in selectors.TABS:
        raise InvalidInput("There is no such tab.", fields={"tab": "unknown"})
    if not filters:
        raise InvalidInput("Choose something to filter by first.", fields={"filters": "empty"})
    with transaction.atomic():
        own = selectors.view_list(operator=operator)
        if own.exclude(name=title).count() >= LIMIT:
            raise InvalidInput(
                "At most %(limit)s views; delete one first.", code="views_full", limit=LIMIT
            )
        view, _ = SavedView.objects.update_or_create(
            owner=operator, name=title, defaults={"tab": tab, "filters": filters.as_query()}
        )
    return view


def view_delete(*, operator: User, view_id: int) -> None:
    """Delete one's own view; another's does not exist."""
    if not selectors.view_list(operator=operator).filter(pk=view_id).delete()[0]:
        raise NotFound("There is no such view.", code="view_not_found")
