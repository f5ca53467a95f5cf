"""What an open page needs to stay in step with what is done elsewhere, without being reshuffled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from apps.core.errors import InvalidInput
from apps.recommend import selectors
from apps.recommend.feed import Row
from apps.recommend.index import Snapshot, snapshot
from apps.recommend.models import Kind, Reader
from apps.recommend.payloads import wish_payload
from apps.recommend.taste import taste_of

MOST_SHOWN = 500


def checked_ids(given: object) -> list[str]:
    """The items that a page says it shows; raises ``InvalidInput`` for anything else."""
    if not isinstance(given, list) or len(given) > MOST_SHOWN:
        raise InvalidInput(
            '"items" is a list of at most %(most_shown)s item ids.',
            code="frame_invalid",
            most_shown=MOST_SHOWN,
        )
    if not all(isinstance(item_id, str) for item_id in given):
        raise InvalidInput('"items" holds item ids.', code="frame_invalid")
    return given


def state_of(reader: Reader | None, shown: Iterable[str]) -> dict[str, Any]:
    """What buttons and fields of a page with the items ``shown`` stand at."""
    catalogue = snapshot()
    taste = taste_of(reader, catalogue)
    pks = {
        catalogue.entries[catalogue.by_external[item_id]].pk: item_id
        for item_id in shown
        if item_id in catalogue.by_external
    }
    kept = selectors.kept_kinds(reader, pks)
    return {
        "saved": [pks[pk] for pk, kinds in kept.items() if Kind.SAVE in kinds],
        "liked": [pks[pk] for pk, kinds in kept.items() if Kind.LIKE in kinds],
        "rated": {pks[pk]: value for pk, value in selectors.ratings_of(reader, pks).items()},
        "chosen": sorted(taste.more_tags),
        "wish": wish_payload(taste),
        "familiarity": taste.familiarity,
        "cold": taste.is_cold,
        "paused": reader is not None and reader.paused,
    }


def news_of(rows: Sequence[Row], catalogue: Snapshot, shown: Iterable[str]) -> dict[str, int]:
    """How many items the page as it would be now has ``new``, and how many are ``gone`` from it."""
    now = {catalogue.entries[pick.position].external_id for row in rows for pick in row.picks}
    held = set(shown)
    return {"new": len(now - held), "gone": len(held - now)}
