"""Shapes of Discover's JSON and of what its templates show. Touches no database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any
from zlib import crc32

from django.urls import reverse
from django.utils.translation import gettext

from apps.recommend.feed import Pick, Row
from apps.recommend.index import Snapshot
from apps.recommend.item_values import shown_image
from apps.recommend.models import Interaction, Item, Kind, Reader
from apps.recommend.search import Found, best_passage, highlight
from apps.recommend.selectors import HistoryEntry
from apps.recommend.services.imports import ImportReport
from apps.recommend.taste import Taste
from apps.recommend.words import deed_words, reason_words

BLURB = 240
COVER_TONES, COVER_FORMS = 8, 5


def blurb(text: str, limit: int = BLURB) -> str:
    """The beginning of a text, cut at a word."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rsplit(' ', 1)[0].rstrip(',;:.')}…"


def cover(item: Item) -> dict[str, int]:
    """Which tone and form the drawn cover of an item has; the same wherever it is shown."""
    mark = crc32(item.title.encode())
    return {"tone": mark % COVER_TONES, "form": mark // COVER_TONES % COVER_FORMS}


@lru_cache(maxsize=8192)
def item_url(external_id: str) -> str:
    """Where the item's page is; resolving a URL costs more than the rest of a card."""
    return reverse("recommend:item", args=[external_id])


def item_card(item: Item, *, kept: set[str] | None = None, reason: str = "") -> dict[str, Any]:
    """An item as a card of a page."""
    return {
        "id": item.external_id,
        "url": item_url(item.external_id),
        "title": item.title,
        "authors": item.authors,
        "byline": byline(item),
        "year": item.year,
        "tags": item.tags[:3],
        "blurb": blurb(item.text),
        "cover": cover(item),
        "image": shown_image(item.image_url),
        "saved": Kind.SAVE in (kept or ()),
        "liked": Kind.LIKE in (kept or ()),
        "reason": reason,
    }


def byline(item: Item) -> str:
    """Authors and year in one line."""
    year = "" if item.year is None else (f"{-item.year} BCE" if item.year < 0 else str(item.year))
    return " · ".join(part for part in (", ".join(item.authors[:2]), year) if part)


def row_title(row: Row, snapshot: Snapshot) -> str:
    words = row.about.words if row.about else ""
    if row.kind == "because" and row.about is not None:
        return reason_words(row.about, snapshot)
    return {
        "for_you": gettext("For you"),
        "popular": gettext("Popular with readers"),
        "newest": gettext("New in the catalogue"),
        "tag": gettext("To start with: %(words)s"),
        "newer": gettext("Newer voices: %(words)s"),
        "older": gettext("Older gems: %(words)s"),
        "opened": gettext("Opened lately"),
    }[row.kind] % {"words": words}


def feed_payload(
    rows: Sequence[Row],
    snapshot: Snapshot,
    items: Mapping[int, Item],
    kept: Mapping[int, set[str]],
) -> list[dict[str, Any]]:
    """The rows as JSON; an item that vanished between ranking and reading is left out.

    ``signature`` changes when what the row shows changes, so a page asks only for what it lacks.
    """
    sections = []
    for row in rows:
        cards = [
            _card_of(pick, row, snapshot, items[pk], kept.get(pk, set()))
            for pick in row.picks
            if (pk := snapshot.entries[pick.position].pk) in items
        ]
        body = {"title": row_title(row, snapshot), "kind": row.kind, "items": cards}
        sections.append({"id": row.id, "signature": _signature(body), **body})
    return sections


def _card_of(
    pick: Pick, row: Row, snapshot: Snapshot, item: Item, kept: set[str]
) -> dict[str, Any]:
    # A row whose heading gives the reason does not repeat it on each of its cards.
    reason = reason_words(pick.reason, snapshot) if row.kind == "for_you" else ""
    return item_card(item, kept=kept, reason=reason)


def _signature(body: dict[str, Any]) -> str:
    content = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def wish_payload(taste: Taste) -> dict[str, Any]:
    """What the reader said and how it was understood."""
    return {
        "text": taste.wish,
        "wanted": taste.wish_wanted,
        "unwanted": list(taste.unwanted_words),
    }


def result_payload(item: Item, kept: set[str], query: str, found: Found) -> dict[str, Any]:
    """A search result: the card, with title and best passage cut at the matched words."""
    return item_card(item, kept=kept) | {
        "title_parts": [asdict(part) for part in highlight(item.title, query)],
        "passage": [asdict(part) for part in best_passage(item.text, query)],
        "score": round(found.score, 4),
    }


def history_payload(entry: HistoryEntry) -> dict[str, Any]:
    """A line of the reader's history."""
    deeds = [deed_words(Kind(kind)) for kind in entry.kinds]
    return item_card(entry.item) | {
        "kinds": list(entry.kinds),
        "deeds": [words.removeprefix("you ") for words in deeds],
        "at": entry.at,
        "gone": not entry.item.is_shown,
        "counts": entry.counts,
    }


def interaction_payload(interaction: Interaction) -> dict[str, Any]:
    return {
        "event_id": interaction.event_id,
        "item_id": interaction.item.external_id,
        "kind": interaction.kind,
        "value": interaction.value,
        "at": interaction.at.isoformat(),
        "source": interaction.source,
    }


def reader_payload(reader: Reader) -> dict[str, Any]:
    return {
        "id": reader.external_id or str(reader.key),
        "simulated": reader.simulated,
        "wish": reader.wish,
        "familiarity": reader.familiarity,
        "paused": reader.paused,
    }


def report_payload(report: ImportReport) -> dict[str, Any]:
    return {
        name: getattr(report, name)
        for name in ("file", "rows", "added", "changed", "unchanged", "embedded", "skipped")
    } | {"errors": report.errors}
