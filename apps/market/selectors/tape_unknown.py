"""What a tape without news asks for that there is none of."""

from __future__ import annotations

from django.db.models import Q

from apps.market.models import Company, Source, WatchedCompany
from apps.market.score_models import Sentiment
from apps.market.selectors.tape import UNSURE, TapeFilter
from apps.market.topics import TOPICS


def unknown_of(*, wanted: TapeFilter) -> list[str]:
    """The conditions that no news can ever meet as things stand: an empty ``watchlist``, and a
    ``company``, ``sector``, ``source``, ``topic`` or ``sentiment`` that there is none of."""
    named = Q(ticker__iexact=wanted.company) | Q(name__icontains=wanted.company)
    there = {
        "company": not wanted.company or Company.objects.filter(named).exists(),
        "sector": not wanted.sector or Company.objects.filter(sector=wanted.sector).exists(),
        "watchlist": not wanted.watched_by
        or WatchedCompany.objects.filter(owner=wanted.watched_by).exists(),
        "source": not wanted.source
        or Source.objects.filter(name__icontains=wanted.source).exists(),
        "topic": wanted.topic in ("", *TOPICS),
        "sentiment": wanted.sentiment in ("", UNSURE, *Sentiment.values),
    }
    return [name for name, known in there.items() if not known]
