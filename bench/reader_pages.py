"""A made-up catalogue with its readers, and a reader's page as seen over its socket.

Items have varied texts, tags and clustered vectors, readers 5 to 60 deeds each.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import numpy as np

DIMENSIONS, CLUSTERS, TAGS = 384, 60, 80
ENCODER = "bench"
_WORDS = np.array(
    [
        "harbour",
        "winter",
        "letter",
        "island",
        "garden",
        "storm",
        "engine",
        "castle",
        "river",
        "clock",
        "orchard",
        "voyage",
        "lantern",
        "mirror",
        "desert",
        "railway",
        "painter",
        "ghost",
        "border",
        "library",
        "mountain",
        "violin",
        "harvest",
        "signal",
        "bridge",
    ]
)
_BLOCK = 10_000


def fill(items: int, readers: int, clusters: int = CLUSTERS) -> None:
    """Store ``items`` and ``readers`` with their deeds, in a process where Django is set up."""
    from apps.recommend.models import Catalogue, Item
    from apps.recommend.services.catalogue import CATALOGUE

    rng = np.random.default_rng(7)
    centres = rng.normal(size=(clusters, DIMENSIONS))
    kinds = rng.integers(clusters, size=items)
    Catalogue.objects.create(name=CATALOGUE, revision=1, encoder=ENCODER)
    for start in range(0, items, _BLOCK):
        own = kinds[start : start + _BLOCK]
        vectors = centres[own] + rng.normal(scale=1.2, size=(len(own), DIMENSIONS))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = [
            _item(start + place, int(kind), vector, items, rng)
            for place, (kind, vector) in enumerate(zip(own, vectors, strict=True))
        ]
        Item.objects.bulk_create(rows, batch_size=500)
    _fill_readers(readers, kinds, rng)


def _item(number: int, kind: int, vector: Any, items: int, rng: np.random.Generator) -> Any:
    from apps.recommend.models import Item, vector_to_bytes

    return Item(
        external_id=f"item-{number}",
        title=" ".join(rng.choice(_WORDS, 3)).title(),
        text=" ".join(rng.choice(_WORDS, int(rng.integers(15, 90)))),
        tags=[f"tag {kind}", f"tag {int(rng.integers(TAGS))}"],
        authors=[f"Author {int(rng.integers(items // 5 + 1))}"],
        year=int(rng.integers(1700, 1950)),
        text_hash="x",
        vector_hash="x",
        vector=vector_to_bytes(vector),
        encoder_version=ENCODER,
        revision=1,
    )


def _fill_readers(readers: int, kinds: Any, rng: np.random.Generator) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from apps.recommend.models import Interaction, Item, Reader

    pks = np.array(Item.objects.order_by("id").values_list("id", flat=True))
    people = Reader.objects.bulk_create([Reader(key=uuid.uuid4()) for _ in range(readers)])
    deeds = []
    for person in people:
        near = np.flatnonzero(np.isin(kinds, rng.choice(kinds, size=3)))
        for number in range(int(rng.integers(5, 61))):
            deeds.append(
                Interaction(
                    reader=person,
                    item_id=int(pks[rng.choice(near)]),
                    kind=str(rng.choice(["click", "click", "save", "like", "not_interested"])),
                    at=timezone.now() - timedelta(hours=float(rng.integers(2000))),
                    event_id=f"bench-{number}",
                    source="bench",
                )
            )
    Interaction.objects.bulk_create(deeds, batch_size=500)


async def send(connection: Any, **frame: Any) -> str:
    """Send a command over an open socket; returns its id."""
    name = str(uuid.uuid4())
    await connection.send(json.dumps({**frame, "id": name}))
    return name


async def answer(connection: Any, name: str) -> dict[str, Any]:
    """The frame that answers the command ``name``."""
    while (frame := json.loads(await connection.recv())).get("id") != name:
        pass
    return dict(frame)
