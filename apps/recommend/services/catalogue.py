"""Writes to the catalogue: items and their vectors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.core import gateway
from apps.core.errors import InvalidInput, ModelUnavailable, NotFound, Problem
from apps.core.jobs import NoProgress, ProgressReporter
from apps.recommend.models import Catalogue, Item, vector_to_bytes
from apps.recommend.rows import ItemRow
from apps.recommend.services import changeover
from ml.ranking.interactions import item_text
from ml.types import Embedding
from ml.wording import Wording

CATALOGUE = "default"
ENCODER = "encoder"
EMBED_BATCH = 64
EMBED_AT_ONCE = 16
"""Items up to which a request waits for their vectors."""
_CONTENT = (
    "title",
    "text",
    "tags",
    "authors",
    "published",
    "year",
    "available",
    "image_url",
    "price",
    "currency",
    "language",
    "expires_at",
    "attributes",
)
_WRITTEN = [*_CONTENT, "in_period", "text_hash", "revision", "deleted_at", "updated_at"]


@dataclass(frozen=True, slots=True)
class UpsertCount:
    """What an upsert did to how many items."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: UpsertCount) -> UpsertCount:
        return UpsertCount(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )


def next_revision() -> int:
    """Take the catalogue's next revision in the current transaction."""
    row, _ = Catalogue.objects.get_or_create(name=CATALOGUE)
    Catalogue.objects.filter(name=CATALOGUE).update(revision=F("revision") + 1)
    row.refresh_from_db(fields=["revision"])
    return row.revision


def items_upsert(*, rows: Sequence[ItemRow]) -> UpsertCount:
    """Add or change items by their outside id, all or none; what is equal is left alone.

    The vectors of new and changed texts are stale until :func:`items_embed` has run. Raises
    ``InvalidInput`` when an id occurs twice in ``rows``.
    """
    ids = [row.external_id for row in rows]
    if len(set(ids)) != len(ids):
        twice = next(name for index, name in enumerate(ids) if name in ids[:index])
        raise InvalidInput("item_id %(twice)r occurs twice", code="duplicate_item", twice=twice)
    with transaction.atomic():
        # The revision first: it lets one writer after the other see what is known.
        revision, now = next_revision(), timezone.now()
        known = Item.objects.defer("vector").in_bulk(ids, field_name="external_id")
        added, changed = [], []
        for row in rows:
            item = known.get(row.external_id)
            if item is None:
                added.append(_applied(Item(external_id=row.external_id), row, revision))
            elif item.deleted_at is not None or _content(item) != _content(row):
                item.updated_at = now
                changed.append(_applied(item, row, revision))
        Item.objects.bulk_create(added, batch_size=500)
        Item.objects.bulk_update(changed, _WRITTEN, batch_size=200)
    return UpsertCount(len(added), len(changed), len(rows) - len(added) - len(changed))


def items_add(*, rows: Sequence[ItemRow]) -> UpsertCount:
    """:func:`items_upsert`, with the vectors of a few items made at once.

    More of them, or a busy language layer, leave the vectors to the background task; meanwhile
    an item is found by its words and tags.
    """
    count = items_upsert(rows=rows)
    if len(rows) <= EMBED_AT_ONCE:
        with contextlib.suppress(Problem):
            items_embed(progress=NoProgress(), only=[row.external_id for row in rows])
    return count


def _content(source: Item | ItemRow) -> str:
    return json.dumps([getattr(source, name) for name in _CONTENT], default=str, sort_keys=True)


def _applied(item: Item, row: ItemRow, revision: int) -> Item:
    item.title, item.text = row.title, row.text
    item.tags, item.authors = list(row.tags), list(row.authors)
    item.published, item.year, item.available = row.published, row.year, row.available
    item.image_url, item.price, item.currency = row.image_url, row.price, row.currency
    item.language, item.expires_at, item.attributes = row.language, row.expires_at, row.attributes
    item.in_period = is_in_period(row.published, row.year, row.expires_at)
    item.text_hash, item.revision, item.deleted_at = row.text_hash, revision, None
    return item


def is_in_period(published: str, year: int | None, expires_at: datetime | None) -> bool:
    """Whether an item is out by now and has not expired; a year or a month begins on its first."""
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        return False
    day = now.date().isoformat()
    return year is None or year < now.year or (year == now.year and published[:10] <= day)


def items_follow_clock() -> int:
    """Show what has come out and hide what has expired by now; how many items changed."""
    now = timezone.now()
    expired = Q(expires_at__lte=now)
    to_come = Q(year__gt=now.year) | Q(year=now.year, published__gt=f"{now.date().isoformat()}~")
    changed = 0
    with transaction.atomic():
        items = Item.objects.filter(deleted_at=None)
        over = list(items.filter(expired | to_come, in_period=True).values_list("id", flat=True))
        lasting = Q(expires_at=None) | Q(expires_at__gt=now)
        due = [
            item.pk
            for item in items.filter(lasting, in_period=False).only(
                "published", "year", "expires_at"
            )
            if is_in_period(item.published, item.year, item.expires_at)
        ]
        for ids, shown in ((over, False), (due, True)):
            if ids:
                changed += Item.objects.filter(id__in=ids).update(
                    in_period=shown, revision=next_revision()
                )
    return changed


def item_delete(*, external_id: str) -> None:
    """Take an item out of the catalogue; it stays readable in the histories of its readers."""
    with transaction.atomic():
        found = Item.objects.filter(external_id=external_id, deleted_at=None).update(
            deleted_at=timezone.now(), revision=next_revision()
        )
        if not found:
            raise NotFound(
                "There is no item %(external_id)r.", code="item_not_found", external_id=external_id
            )


def items_delete(*, external_ids: Sequence[str]) -> int:
    """Take several items out at once; how many there were."""
    with transaction.atomic():
        revision = next_revision()
        return Item.objects.filter(external_id__in=list(external_ids), deleted_at=None).update(
            deleted_at=timezone.now(), revision=revision
        )


def item_restore(*, external_id: str) -> None:
    """Bring a deleted item back as it was; raises ``NotFound``."""
    with transaction.atomic():
        found = Item.objects.filter(external_id=external_id, deleted_at__isnull=False).update(
            deleted_at=None, revision=next_revision()
        )
        if not found:
            raise NotFound(
                "There is no deleted item %(external_id)r.",
                code="item_not_found",
                external_id=external_id,
            )


def encoder_version() -> str:
    """The version of the encoder that serves now; empty when none is built."""
    return next((info.version for info in gateway.models() if info.task == ENCODER), "")


def stale_items(version: str) -> QuerySet[Item]:
    """Items whose vector does not show their text as the encoder ``version`` sees it."""
    fresh = Q(encoder_version=version, vector_hash=F("text_hash"), vector__isnull=False)
    return Item.objects.filter(deleted_at=None).exclude(fresh)


def items_embed(
    *, progress: ProgressReporter, only: Sequence[str] | None = None, most: int | None = None
) -> int:
    """Refresh every stale vector (or those of the items ``only``), batch by batch, ``most`` at a
    time; how many.

    The vectors that answer are refreshed by the version that made them. Where another one serves by
    now, its vectors are then made beside them, and answer once all are there
    (:mod:`apps.recommend.services.changeover`). Inference happens outside transactions. An item
    whose text changed meanwhile keeps the older vector with the older hash, so it is stale still
    and comes up again.
    """
    serving = encoder_version()
    answering = changeover.answering_encoder(CATALOGUE) or serving
    stale = stale_items(answering)
    stale = stale if only is None else stale.filter(external_id__in=list(only))
    if answering == serving:
        done = _embed(stale, serving, _store_vectors, progress, most)
        if only is None:
            changeover.coming_drop()
        return done
    done = 0
    with contextlib.suppress(ModelUnavailable):  # gone, so that nothing is read by it any more
        done = _embed(stale, answering, _store_vectors, progress, most)
    return done if only is not None else done + _change_to(serving, progress, most)


def _change_to(version: str, progress: ProgressReporter, most: int | None) -> int:
    """Make the vectors of the version that serves now, and let them answer; how many were made."""
    changeover.coming_drop(keep=version)

    def store(items: Sequence[Item], embeddings: Sequence[Embedding]) -> None:
        changeover.coming_store(items=items, embeddings=embeddings)

    done = 0
    while True:
        made = _embed(changeover.waiting_items(version), version, store, progress, most)
        done += made
        if changeover.changeover_finish(catalogue=CATALOGUE, version=version, revise=next_revision):
            return done
        if not made or most is not None:
            return done


def _embed(
    items: QuerySet[Item],
    version: str,
    store: Callable[[Sequence[Item], Sequence[Embedding]], None],
    progress: ProgressReporter,
    most: int | None,
) -> int:
    """Read the texts of items by a version and store their vectors; how many."""
    pending = list(items.order_by("id").values_list("id", flat=True)[:most])
    for start in range(0, len(pending), EMBED_BATCH):
        progress.update(start, len(pending), Wording("embedding"))
        batch = list(
            Item.objects.filter(id__in=pending[start : start + EMBED_BATCH]).defer("vector")
        )
        texts = [item_text(item.title, item.text, item.tags) for item in batch]
        asked = None if version == encoder_version() else version
        vectors = cast(list[Embedding], gateway.predict(ENCODER, texts, version=asked))
        if any(one.version != version for one in vectors):
            return start  # another one was promoted in between; the next time begins with that
        store(batch, vectors)
    progress.update(len(pending), len(pending), Wording("embedding"))
    return len(pending)


def _store_vectors(items: Sequence[Item], embeddings: Sequence[Embedding]) -> None:
    with transaction.atomic():
        revision = next_revision()
        version = embeddings[0].version
        if changeover.answering_encoder(CATALOGUE) not in ("", version):
            return  # others answer by now
        Catalogue.objects.filter(name=CATALOGUE, encoder="").update(encoder=version)
        for item, embedding in zip(items, embeddings, strict=True):
            Item.objects.filter(id=item.id).update(
                vector=vector_to_bytes(embedding.vector),
                vector_hash=item.text_hash,
                encoder_version=embedding.version,
                revision=revision,
            )
