"""Makes items, readers and what they did."""

from __future__ import annotations

from typing import Any

import factory
from django.utils import timezone

from apps.core.jobs import NoProgress
from apps.recommend.models import Interaction, Item, Reader
from apps.recommend.rows import item_row
from apps.recommend.services.catalogue import items_embed, items_upsert

BOOKS: list[dict[str, Any]] = [
    {
        "item_id": "sea-1",
        "title": "The Salt Road",
        "text": "A captain and a whale meet on the ocean.",
        "tags": "sea|adventure",
        "authors": "Ada North",
        "published_at": "1851",
    },
    {
        "item_id": "sea-2",
        "title": "Harbour Lights",
        "text": "Sailors and a ship on the ocean at night.",
        "tags": "sea|adventure",
        "authors": "Ben South",
        "published_at": "1880",
    },
    {
        "item_id": "sea-3",
        "title": "Under Canvas",
        "text": "A ship, a captain and a storm on the ocean.",
        "tags": "sea|storm",
        "authors": "Ada North",
        "published_at": "1902",
    },
    {
        "item_id": "sea-4",
        "title": "The Whaler",
        "text": "A whale hunts a ship and its captain over the ocean.",
        "tags": "sea|adventure",
        "authors": "Cora West",
        "published_at": "1860",
    },
    {
        "item_id": "ghost-1",
        "title": "The Grey House",
        "text": "A ghost haunts a castle and its governess.",
        "tags": "ghosts|gothic",
        "authors": "Dan East",
        "published_at": "1790",
    },
    {
        "item_id": "ghost-2",
        "title": "Candles Out",
        "text": "A governess in a castle hears a ghost.",
        "tags": "ghosts|gothic",
        "authors": "Eve Hill",
        "published_at": "1898",
    },
    {
        "item_id": "ghost-3",
        "title": "The Tower",
        "text": "A castle, a curse and the ghost of an abbot.",
        "tags": "ghosts|gothic",
        "authors": "Dan East",
        "published_at": "1764",
    },
    {
        "item_id": "ghost-4",
        "title": "Pale Steps",
        "text": "Each night a ghost walks in the castle garden.",
        "tags": "ghosts|gothic",
        "authors": "Fay Moor",
        "published_at": "1843",
    },
    {
        "item_id": "moon-1",
        "title": "To the Moon",
        "text": "Inventors build a rocket and fly to the moon.",
        "tags": "science fiction",
        "authors": "Gus Vale",
        "published_at": "1865",
    },
    {
        "item_id": "moon-2",
        "title": "Red Planet",
        "text": "A rocket brings war to another planet.",
        "tags": "science fiction|war",
        "authors": "Hal Dale",
        "published_at": "1898",
    },
    {
        "item_id": "moon-3",
        "title": "Quiet Stars",
        "text": "A lone inventor watches the planet from a rocket.",
        "tags": "science fiction",
        "authors": "Ida Glen",
        "published_at": "1901",
    },
    {
        "item_id": "moon-4",
        "title": "The Last Engine",
        "text": "Inventors wake an engine that outlives the moon.",
        "tags": "science fiction",
        "authors": "Joy Ford",
        "published_at": "1909",
    },
]


def load_books(*extra: dict[str, Any]) -> None:
    """The twelve books of three kinds (and ``extra`` ones) with their vectors."""
    items_upsert(rows=[item_row(book) for book in [*BOOKS, *extra]])
    items_embed(progress=NoProgress())


class ReaderFactory(factory.django.DjangoModelFactory[Reader]):
    class Meta:
        model = Reader


class InteractionFactory(factory.django.DjangoModelFactory[Interaction]):
    class Meta:
        model = Interaction

    reader = factory.SubFactory(ReaderFactory)
    kind = "save"
    at = factory.LazyFunction(timezone.now)
    event_id = factory.Sequence(lambda number: f"event-{number}")
    source = "test"


def did(reader: Reader, kind: str, *item_ids: str, **values: Any) -> None:
    """``reader`` did ``kind`` to each of the items."""
    for item_id in item_ids:
        item = Item.objects.get(external_id=item_id)
        InteractionFactory(reader=reader, item=item, kind=kind, **values)
