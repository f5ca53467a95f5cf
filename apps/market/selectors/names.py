"""The queue of names without a company."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.market.models import Company, UnlinkedName
from ml.linking.names import GENERAL_WORDS
from ml.linking.unlinked import unlinked_key

SHOWN = 25
_SUGGESTED = 3
_SHORT = 3  # a word this short suggests nothing


def waiting_names() -> QuerySet[UnlinkedName]:
    """The names that wait for a decision, the most frequent first."""
    waiting = UnlinkedName.objects.filter(state=UnlinkedName.State.WAITING)
    return waiting.select_related("example").order_by("-seen", "id")


def decided_names(*, limit: int = 10) -> QuerySet[UnlinkedName]:
    """The names that were decided last."""
    decided = UnlinkedName.objects.exclude(state=UnlinkedName.State.WAITING)
    return decided.select_related("company", "decided_by").order_by("-decided_at")[:limit]


@dataclass(frozen=True, slots=True)
class NameToDecide:
    """A waiting name with companies that it may mean."""

    name: UnlinkedName
    suggestions: list[Company]


def names_to_decide(*, limit: int = SHOWN) -> list[NameToDecide]:
    return [NameToDecide(name, suggestions(name=name.name)) for name in waiting_names()[:limit]]


def suggestions(*, name: str) -> list[Company]:
    """Companies that have the first telling word of ``name``, those that begin with it first."""
    words = [word for word in unlinked_key(name).split() if len(word) > _SHORT]
    telling = next((word for word in words if word not in GENERAL_WORDS), None)
    if telling is None:
        return []
    near = Company.objects.filter(
        Q(name__icontains=telling) | Q(aliases__icontains=telling), active=True
    ).order_by("rank", "id")[:50]
    having = [
        company
        for company in near
        if any(telling in unlinked_key(own).split() for own in (company.name, *company.aliases))
    ]
    having.sort(key=lambda company: not unlinked_key(company.name).startswith(telling))
    return having[:_SUGGESTED]
