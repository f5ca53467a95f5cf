"""Follows a public feed with the settings that are known of it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.core.errors import NotFound
from apps.market.known_feeds import known_feed
from apps.market.models import Source
from apps.market.services.source_settings import source_update
from apps.market.services.sources import feed_create


def known_feed_follow(*, actor: Any, url: str) -> Source:
    """Add one of the known feeds, due at once, with its licence note, zone and interval.

    Raises ``NotFound`` for an address that is none of theirs, ``NotAllowed``, and ``Conflict`` when
    it is there already.
    """
    feed = known_feed(url)
    if feed is None:
        raise NotFound("This is none of the known feeds.")
    with transaction.atomic():
        source = feed_create(
            actor=actor, url=feed.url, name=feed.name, interval_seconds=feed.interval_seconds
        )
        return source_update(
            actor=actor, source=source, licence=feed.licence, time_zone=feed.time_zone
        )
