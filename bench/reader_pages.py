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
WORDS = (
    "harbour winter letter island garden storm engine castle river clock orchard voyage lantern "
    "mirror desert railway painter ghost border library mountain violin harvest signal bridge"
)


def fill(items: int, readers: int) -> None:
    """Store ``items`` and ``readers`` with their deeds, in a process where Django is set up."""
    from apps.recommend.models import Catalogue, Item, vector_to_bytes
    from apps.recommend.services.catalogue import CATALOGUE

    rng = np.random.default_rng(7)
    words = np.array(WORDS.split())
    centres = rng.normal(size=(CLUSTERS, DIMENSIONS))
    kinds = rng.integers(CLUSTERS, size=items)
    vectors = centres[kinds] + rng.normal(scale=1.2, size=(items, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    Catalogue.objects.create(name=CATALOGUE, revision=1)
    rows = [
        Item(
            external_id=f"item-{number}",
            title=" ".join(rng.choice(words, 3)).title(),
            text=" ".join(rng.choice(words, int(rng.integers(15, 90)))),
            tags=[f"tag {kind}", f"tag {int(rng.integers(TAGS))}"],
            authors=[f"Author {int(rng.integers(items // 5 + 1))}"],
            year=int(rng.integers(1700, 1950)),
            text_hash="x",
            vector_hash="x",
            vector=vector_to_bytes(vectors[number]),
            encoder_version=ENCODER,
            revision=1,
        )
        for number, kind in enumerate(kinds)
    ]
    Item.objects.bulk_create(rows, batch_size=500)
    _fill_readers(readers, kinds, rng)


def _fill_readers(readers: int, kinds: Any, rng: np.random.Generator) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from apps.recommend.models import Interaction, Item, Reader

    pks = np.array(Item.objects.order_by("id").values_list("id", flat=True))
    people = Reader.objects.bulk_create([Reader(key=uuid.uuid4()) for _ in range(readers)])
    deeds = []
    for person in people:
        near = np.flatnonzero(np.isin(kinds, rng.integers(CLUSTERS, size=3)))
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
