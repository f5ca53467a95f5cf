"""Writes of a reader's first words: the items that a newcomer likes, to begin from."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.core.errors import Conflict, InvalidInput
from apps.recommend.models import Kind, Reader
from apps.recommend.services.events import MAX_EVENT_ID, Recorded, announce, interaction_store
from apps.recommend.words import listed

MOST = 3
"""The items that a newcomer chooses from the starting grid."""


def likes_start(
    *, reader: Reader, item_ids: Sequence[str], event_id: str, source: str, origin: str = ""
) -> list[Recorded]:
    """Store that ``reader`` likes each of up to three items, all or none, and tell it once.

    The likes have the event ids ``<event_id>:1`` and so on, so that the same call counts once and
    each like can be taken back. Raises ``InvalidInput``, ``NotFound`` (no such item) and
    ``Conflict`` while learning is paused.
    """
    if not 0 < len(item_ids) <= MOST or len(set(item_ids)) != len(item_ids):
        raise InvalidInput(
            "Choose from 1 to %(most)s different items.", code="invalid_start", most=MOST
        )
    if not 0 < len(event_id) <= MAX_EVENT_ID - 2:
        raise InvalidInput(
            "event_id must have 1 to %(most)s characters.",
            code="invalid_event_id",
            most=MAX_EVENT_ID - 2,
        )
    if reader.paused:
        raise Conflict("Learning is paused; go on with it on your profile.", code="learning_paused")
    with transaction.atomic():
        recorded = [
            interaction_store(
                reader=reader,
                item_id=item_id,
                kind=Kind.LIKE,
                event_id=f"{event_id}:{number}",
                source=source,
            )
            for number, item_id in enumerate(item_ids, start=1)
        ]
        if any(one.created for one in recorded):
            titles = [one.interaction.item.title for one in recorded]
            announce(reader, {"kind": "start", "title": listed(titles)}, origin)
    return recorded
