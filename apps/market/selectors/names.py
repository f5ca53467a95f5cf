"""The queue of names without a company."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.market.models import Company, UnlinkedName
from ml.linking.names import GENERAL_WORDS

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
    """Companies with the longest word of ``name`` in theirs, those that begin alike first."""
    words = [word for word in name.replace("'s", "").split() if len(word) > _SHORT]
    telling = [word for word in words if word.lower() not in GENERAL_WORDS]
    if not telling:
        return []
    word = max(telling, key=len)
    near = Company.objects.filter(
        Q(name__icontains=word) | Q(aliases__icontains=word), active=True
    ).order_by("rank", "id")[:50]
    alike = sorted(near, key=lambda company: not company.name.lower().startswith(word.lower()))
    return alike[:_SUGGESTED]
