"""Where a reader's interests come from: each subject with the deeds that give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.recommend.payloads import item_url
from apps.recommend.scoring import Ranked
from apps.recommend.words import deed_words

SHOWN_SOURCES = 6


@dataclass(frozen=True, slots=True)
class Source:
    """A thing of the history that speaks for a subject, or against it, and how much."""

    position: int
    deed: str
    amount: float


@dataclass(frozen=True, slots=True)
class Interest:
    """A subject with its weight: the sum of its ``sources``, and of what the reader ``asked``."""

    tag: str
    weight: float
    asked: bool
    sources: tuple[Source, ...]


def interests_of(ranked: Ranked, count: int) -> list[Interest]:
    """The subjects that the page goes by, strongest first, with all that they come from."""
    asked = {reason.words for reason, _ in ranked.stated if reason.kind == "tag"}
    return [
        Interest(tag, weight, tag in asked, _sources(ranked, tag))
        for tag, weight in ranked.tag_weights(count)
    ]


def _sources(ranked: Ranked, tag: str) -> tuple[Source, ...]:
    given = [
        Source(item.position, item.deed, item.strength)
        for item in ranked.history
        if tag in ranked.snapshot.entries[item.position].tags
    ]
    return tuple(sorted(given, key=lambda source: -abs(source.amount)))


def interest_payload(interest: Interest, ranked: Ranked) -> dict[str, Any]:
    """An interest as JSON: the strongest of its sources, and how many more there are."""
    shown = interest.sources[:SHOWN_SOURCES]
    return {
        "tag": interest.tag,
        "weight": round(interest.weight, 2),
        "asked": interest.asked,
        "more": len(interest.sources) - len(shown),
        "sources": [
            {
                "id": ranked.snapshot.entries[source.position].external_id,
                "title": ranked.snapshot.entries[source.position].title,
                "url": item_url(ranked.snapshot.entries[source.position].external_id),
                "deed": deed_words(source.deed).removeprefix("you "),
                "amount": round(source.amount, 2),
                "size": round(abs(source.amount), 2),
            }
            for source in shown
        ],
    }
