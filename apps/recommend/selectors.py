"""Reads of Discover: items as shown, histories, what readers of an item also liked."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.core.errors import NotFound
from apps.core.models import Job
from apps.recommend.models import Interaction, Item, Kind, Preference, Reader

ALSO_READERS = 400
HISTORY_EVENTS = 2000
POSITIVE = Q(kind__in=[Kind.LIKE, Kind.SAVE, Kind.PURCHASE]) | Q(kind=Kind.RATING, value__gte=4)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An item of a reader's history with all that was done to it; whether any of it counts."""

    item: Item
    kinds: tuple[str, ...]
    at: datetime
    counts: bool


def items_by_pk(pks: Iterable[int]) -> dict[int, Item]:
    """Items to show, without their vectors."""
    return Item.objects.defer("vector").in_bulk(list(pks))


def item_get(*, external_id: str, to_come: bool = False) -> Item:
    """An item that is not deleted and, unless ``to_come``, not still to come out; raises
    ``NotFound``."""
    item = Item.objects.defer("vector").filter(external_id=external_id).first()
    if item is not None and item.is_to_come and not to_come:
        raise NotFound("There is no such item.", code="item_not_found")
    if item is None or item.deleted_at is not None:
        raise NotFound(
            "This item is no longer in the catalogue." if item else "There is no such item.",
            code="item_deleted" if item else "item_not_found",
        )
    return item


def kept_kinds(reader: Reader | None, pks: Iterable[int]) -> dict[int, set[str]]:
    """Which of the items the reader has saved or liked: item to kinds."""
    kinds: dict[int, set[str]] = defaultdict(set)
    if reader is not None:
        rows = reader.interactions.filter(item_id__in=list(pks), kind__in=[Kind.SAVE, Kind.LIKE])
        for item, kind in rows.values_list("item_id", "kind"):
            kinds[item].add(kind)
    return kinds


def ratings_of(reader: Reader | None, pks: Iterable[int]) -> dict[int, float]:
    """What the reader has rated the items: item to value, the latest where there are several."""
    if reader is None:
        return {}
    rows = reader.interactions.filter(item_id__in=list(pks), kind=Kind.RATING).order_by("at")
    return {item: value for item, value in rows.values_list("item_id", "value") if value}


def history_list(*, reader: Reader, limit: int = 100) -> list[HistoryEntry]:
    """The items that the reader did something to lately, the latest first.

    No more than the newest ``HISTORY_EVENTS`` events are read, however long the history is.
    """
    kinds: dict[int, list[str]] = defaultdict(list)
    at: dict[int, datetime] = {}
    counted: set[int] = set()
    newest = reader.interactions.order_by("-at").values_list("item_id", "kind", "at", "counts")
    for item, kind, moment, counts in newest[:HISTORY_EVENTS]:
        at.setdefault(item, moment)
        if kind not in kinds[item]:
            kinds[item].append(kind)
        if counts:
            counted.add(item)
    pks = list(at)[:limit]
    items = items_by_pk(pks)
    return [HistoryEntry(items[pk], tuple(kinds[pk]), at[pk], pk in counted) for pk in pks]


def saved_list(*, reader: Reader, limit: int = 200) -> list[Item]:
    """The items that the reader saved, the latest first."""
    rows = reader.interactions.filter(kind=Kind.SAVE).order_by("-at").values_list("item_id")
    pks = list(dict.fromkeys(pk for (pk,) in rows[:limit]))
    items = items_by_pk(pks)
    return [items[pk] for pk in pks if items[pk].deleted_at is None]


def interaction_list(*, reader: Reader, kind: str = "", item: str = "") -> QuerySet[Interaction]:
    """What a reader did, newest first; of one ``kind`` or to one ``item`` if these are named."""
    rows = reader.interactions.select_related("item").defer("item__vector").order_by("-id")
    rows = rows.filter(kind=kind) if kind else rows
    return rows.filter(item__external_id=item) if item else rows


def no_interactions() -> QuerySet[Interaction]:
    """What a reader of whom nothing is known did."""
    return Interaction.objects.none()


def preference_list(*, reader: Reader) -> QuerySet[Preference]:
    return reader.preferences.order_by("-at")


def readers_also(*, item: Item, limit: int = 12) -> list[tuple[int, int]]:
    """Items that readers of this one liked too: (item, number of shared readers), most first."""
    readers = (
        Interaction.objects.filter(POSITIVE, item=item, counts=True)
        .order_by("-at")
        .values_list("reader_id", flat=True)[:ALSO_READERS]
    )
    rows: Any = (
        Interaction.objects.filter(POSITIVE, reader_id__in=set(readers), counts=True)
        .exclude(item=item)
        .filter(item__deleted_at=None, item__available=True, item__in_period=True)
        .values_list("item_id")
        .annotate(shared=Count("reader", distinct=True))
        .order_by("-shared", "item_id")
    )
    return [(pk, shared) for pk, shared in rows[:limit] if shared > 1]


def reader_get(*, reader_id: str) -> Reader | None:
    """A reader by the outside id of an importing system or by key; ``None`` for an unknown one."""
    found = Reader.objects.filter(external_id=reader_id).first()
    if found is None and _is_key(reader_id):
        found = Reader.objects.filter(key=reader_id).first()
    return found


def reader_named(*, name: str) -> Reader | None:
    """:func:`reader_get`, for the team, who know people by their user names too."""
    own = Reader.objects.filter(user__username=name).select_related("user").first()
    return reader_get(reader_id=name) or own


def _is_key(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def catalogue_counts() -> dict[str, int]:
    """How much there is, for administrators."""
    items = Item.objects.filter(deleted_at=None)
    return {
        "items": items.count(),
        "without_vector": items.filter(vector=None).count(),
        "readers": Reader.objects.count(),
        "simulated_readers": Reader.objects.filter(simulated=True).count(),
        "interactions": Interaction.objects.count(),
    }


def import_jobs(*, limit: int = 8) -> QuerySet[Job]:
    return Job.objects.filter(kind__startswith="recommend.").order_by("-created_at")[:limit]
