"""A person's watchlist of companies."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.core.errors import InvalidInput, NotAllowed
from apps.market.models import Company, WatchedCompany

MAX_WATCHED = 100


def company_watch(*, actor: Any, company_id: int) -> Company:
    """Put a company on the actor's watchlist; again: no change.

    Raises ``NotAllowed``, and ``InvalidInput`` for no such company or a full list.
    """
    if not actor.has_perm("market.view_news"):
        raise NotAllowed("Only analysts have a watchlist.")
    with transaction.atomic():
        company = Company.objects.filter(id=company_id, active=True).first()
        if company is None:
            raise InvalidInput("There is no such company.", fields={"company": "unknown"})
        others = WatchedCompany.objects.filter(owner=actor).exclude(company=company)
        if others.count() >= MAX_WATCHED:
            raise InvalidInput(
                "A watchlist has at most %(max_watched)s companies; take one off first.",
                code="watchlist_full",
                max_watched=MAX_WATCHED,
            )
        WatchedCompany.objects.get_or_create(owner=actor, company=company)
    return company


def company_unwatch(*, actor: Any, company_id: int) -> None:
    """Take a company off the actor's watchlist; one that is not on it: no change."""
    if not actor.has_perm("market.view_news"):
        raise NotAllowed("Only analysts have a watchlist.")
    WatchedCompany.objects.filter(owner=actor, company=company_id).delete()
