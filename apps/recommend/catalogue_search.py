"""Finds items for those who keep the catalogue."""

from __future__ import annotations

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext_lazy

from apps.core.errors import NotFound
from apps.recommend.models import Item

SHOWN = "shown"
STATES = {
    "": gettext_lazy("All items"),
    SHOWN: gettext_lazy("Shown"),
    "unavailable": gettext_lazy("Not available"),
    "out_of_period": gettext_lazy("Expired or not out yet"),
    "stale": gettext_lazy("Waiting for a vector"),
    "no_text": gettext_lazy("Without text"),
    "same_text": gettext_lazy("With the text of another"),
    "deleted": gettext_lazy("Deleted"),
}


def items_found(
    *, query: str = "", state: str = "", tag: str = "", language: str = ""
) -> QuerySet[Item]:
    """Items whose id, title or text holds the words of ``query``, newest first."""
    items = Item.objects.defer("vector", "text").order_by("-id")
    items = items.filter(deleted_at__isnull=state != "deleted")
    for word in query.split()[:8]:
        held = Q(title__icontains=word) | Q(external_id__icontains=word) | Q(text__icontains=word)
        items = items.filter(held)
    if tag:
        # The list is JSON text to SQLite; the quotes keep "sea" from finding "seaside".
        items = items.filter(tags__icontains=f'"{tag}"')
    if language:
        items = items.filter(language=language)
    return _in_state(items, state)


def _in_state(items: QuerySet[Item], state: str) -> QuerySet[Item]:
    if state == SHOWN:
        return items.filter(available=True, in_period=True)
    if state == "unavailable":
        return items.filter(available=False)
    if state == "out_of_period":
        return items.filter(in_period=False)
    if state == "stale":
        return items.filter(Q(vector=None) | ~Q(vector_hash=F("text_hash")))
    if state == "no_text":
        return items.filter(text="")
    if state == "same_text":
        doubled = (
            Item.objects.filter(deleted_at=None)
            .values("text_hash")
            .annotate(count=Count("id"))
            .filter(count__gt=1)
            .values("text_hash")
        )
        return items.filter(text_hash__in=doubled).order_by("text_hash", "-id")
    return items


def languages() -> list[str]:
    """The languages that items are in, in order."""
    held = Item.objects.filter(deleted_at=None).exclude(language="").order_by("language")
    return list(held.values_list("language", flat=True).distinct())


def item_any(*, external_id: str) -> Item:
    """An item, deleted or not; raises ``NotFound``."""
    item = Item.objects.defer("vector").filter(external_id=external_id).first()
    if item is None:
        raise NotFound("There is no such item.", code="item_not_found")
    return item
