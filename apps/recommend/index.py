"""The catalogue in this process's memory: vectors, tags and popularity, as one snapshot.

A snapshot never changes; a reader of it sees one consistent catalogue. A newer one is made from it
by reading only the items changed since, as soon as somebody asks and the catalogue's revision has
moved (one query by primary key).
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from django.db.models import Count
from numpy.typing import NDArray

from apps.recommend.models import Catalogue, Interaction, Item, Kind, vectors_from_bytes
from apps.recommend.place_bias import bias_of
from apps.recommend.services.catalogue import CATALOGUE
from apps.recommend.services.changeover import answering_encoder
from ml.growing import GrowingArray

POPULARITY_SECONDS = 20.0
_POPULARITY_WEIGHTS = {"click": 0.25, "like": 1.0, "save": 1.0, "purchase": 1.0, "rating": 0.5}
_FIELDS = (
    "id",
    "external_id",
    "title",
    "tags",
    "authors",
    "year",
    "available",
    "in_period",
    "deleted_at",
    "vector",
    "vector_hash",
    "text_hash",
    "encoder_version",
    "revision",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What ranking and row building know of an item; the rest is read when it is shown."""

    pk: int
    external_id: str
    title: str
    tags: tuple[str, ...]
    authors: tuple[str, ...]
    year: int | None
    shown: bool


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The catalogue at one revision. Position ``i`` is the same item in every array.

    ``matrix`` has shape (items, dimensions), unit rows, zero rows for items without a vector;
    ``popularity`` has shape (items,) and counts readers, weighted by what they did; ``changed_at``,
    shape (items,), is the revision in which each item changed last, ``said_at`` that in which its
    vector or its tags did.

    ``matrix`` is a view of ``store``, which a newer snapshot shares: a page that is under way while
    an item's text changes may see the vector of the new one. All else never changes.
    """

    key: str
    revision: int
    encoder: str
    entries: tuple[Entry, ...]
    positions: dict[int, int]
    by_external: dict[str, int]
    store: GrowingArray
    matrix: NDArray[np.float32]
    changed_at: NDArray[np.int64]
    said_at: NDArray[np.int64]
    shown: NDArray[np.bool_]
    years: NDArray[np.int32]
    popularity: NDArray[np.float32]
    with_tag: dict[str, NDArray[np.int64]]
    with_author: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.entries)

    def top_tags(self, count: int) -> list[str]:
        """The tags of most shown items, most frequent first."""
        sizes = Counter({tag: int(self.shown[at].sum()) for tag, at in self.with_tag.items()})
        return [tag for tag, size in sizes.most_common(count) if size > 1]


_EMPTY = Snapshot(
    key="",
    revision=0,
    encoder="",
    entries=(),
    positions={},
    by_external={},
    store=GrowingArray(1),
    matrix=np.zeros((0, 1), dtype=np.float32),
    changed_at=np.zeros(0, dtype=np.int64),
    said_at=np.zeros(0, dtype=np.int64),
    shown=np.zeros(0, dtype=bool),
    years=np.zeros(0, dtype=np.int32),
    popularity=np.zeros(0, dtype=np.float32),
    with_tag={},
    with_author={},
)

_lock = threading.Lock()
_current = _EMPTY
_popularity_at = 0.0


def snapshot() -> Snapshot:
    """The catalogue as committed now. Blocks while the first one is loaded."""
    global _current
    key, revision = head()
    if (_current.key, _current.revision) == (key, revision):
        return _current
    with _lock:
        if (_current.key, _current.revision) != (key, revision):
            base = _current if _current.key == key and _current.revision < revision else _EMPTY
            _current = _advanced(base, key, revision, answering_encoder(CATALOGUE))
        return _current


def reset() -> None:
    """Forget what was read, so the next snapshot reads the whole catalogue."""
    global _current
    with _lock:
        _current = _EMPTY


def refresh_popularity(*, at_most_every: float = 0.0) -> None:
    """Count anew what readers did, unless that was done less than so many seconds ago."""
    global _current, _popularity_at
    if time.monotonic() - _popularity_at < at_most_every:
        return
    _popularity_at = time.monotonic()
    before = snapshot()
    counted = _popularity(before.key, before.positions)
    with _lock:
        if _current.revision == before.revision:
            _current = replace(_current, popularity=counted)


def head() -> tuple[str, int]:
    """The key and the revision of the catalogue as committed now."""
    row = Catalogue.objects.filter(name=CATALOGUE).values_list("key", "revision").first()
    return (str(row[0]), row[1]) if row is not None else ("", 0)


def _advanced(base: Snapshot, key: str, revision: int, encoder: str) -> Snapshot:
    """The snapshot at ``revision``, from ``base`` and the items changed since, with the vectors of
    ``encoder``."""
    whole = base is _EMPTY
    if encoder != base.encoder and not whole:
        # The encoder changed: vectors of two encoders must not meet in one matrix.
        return _advanced(_EMPTY, key, revision, encoder)
    since = Item.objects.filter(revision__gt=base.revision).values(*_FIELDS)
    # Of a few changes the order is made here: asked for it, SQLite would go through all items.
    rows = list(since.order_by("id")) if whole else sorted(since, key=lambda row: row["id"])
    by_now = answering_encoder(CATALOGUE)
    if by_now != encoder:  # it changed while the rows were read
        return _advanced(_EMPTY, key, revision, by_now)
    places = _Places(base, rows)
    entries, changed = places.entries, places.changed
    total = len(entries)
    store, moved = _vectors(base, rows, changed, total, encoder)
    tagged = places.others("tags")
    popularity = _copied(base.popularity, total)
    changed_at = _copied(base.changed_at, total)
    changed_at[changed] = [row["revision"] for row in rows]
    said_at = _copied(base.said_at, total)
    said = changed[moved | np.isin(changed, tagged)]
    said_at[said] = changed_at[said]
    shown, years = _copied(base.shown, total), _copied(base.years, total)
    shown[changed] = [entries[at].shown for at in changed]
    years[changed] = [entries[at].year or 0 for at in changed]
    return Snapshot(
        key=key,
        revision=revision,
        encoder=encoder,
        entries=tuple(entries),
        positions=places.positions,
        by_external=places.by_external,
        store=store,
        matrix=store.array,
        changed_at=changed_at,
        said_at=said_at,
        shown=shown,
        years=years,
        popularity=_popularity(key, places.positions) if whole else popularity,
        with_tag=places.with_names("tags", base.with_tag, tagged),
        with_author=places.with_names("authors", base.with_author, places.others("authors")),
    )


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        pk=row["id"],
        external_id=row["external_id"],
        title=row["title"],
        tags=tuple(row["tags"]),
        authors=tuple(row["authors"]),
        year=row["year"],
        shown=row["available"] and row["in_period"] and row["deleted_at"] is None,
    )


def _vectors(
    base: Snapshot,
    rows: list[dict[str, Any]],
    changed: NDArray[np.int64],
    total: int,
    encoder: str,
) -> tuple[GrowingArray, NDArray[np.bool_]]:
    """The store with the vectors of ``rows`` at the positions ``changed``, and which of them are
    others than before."""
    known = [row["vector"] if row["encoder_version"] == encoder else None for row in rows]
    given = next((vector for vector in known if vector is not None), None)
    dimensions = base.matrix.shape[1] if given is None else len(given) // 4
    own = np.zeros((len(rows), dimensions), dtype=np.float32)
    for place, vector in enumerate(known):
        if vector is not None:
            own[place] = vectors_from_bytes(vector, dimensions)[0]
    if base is _EMPTY or base.matrix.shape[1] != dimensions:
        store = GrowingArray(dimensions, room=total)
        store.extend(total)
        moved = np.ones(len(rows), dtype=bool)
    else:
        store, moved = base.store, changed >= len(base)
        store.extend(total)
        moved |= (store.array[changed] != own).any(axis=1)
    store.put(changed[moved], own[moved])
    return store, moved


def _copied(values: NDArray[Any], total: int) -> NDArray[Any]:
    """A copy with zeros up to ``total``."""
    copied = np.zeros(total, dtype=values.dtype)
    copied[: len(values)] = values
    return copied


class _Places:
    """The items of ``base`` with the changed ``rows`` among them, in an order that stays.

    What no row changes is shared with ``base``, not copied.
    """

    def __init__(self, base: Snapshot, rows: list[dict[str, Any]]) -> None:
        self._base = base
        self.entries = list(base.entries)
        fresh = [row for row in rows if row["id"] not in base.positions]
        self.positions, self.by_external = base.positions, base.by_external
        if fresh:
            self.positions, self.by_external = dict(base.positions), dict(base.by_external)
        for row in fresh:
            self.by_external[row["external_id"]] = self.positions[row["id"]] = len(self.entries)
            self.entries.append(_entry(row))
        self.changed = np.array([self.positions[row["id"]] for row in rows], dtype=np.int64)
        for row, position in zip(rows, self.changed.tolist(), strict=True):
            self.entries[position] = _entry(row)

    def others(self, kind: Literal["tags", "authors"]) -> NDArray[np.int64]:
        """The positions of the items that have other tags or authors than before."""
        return np.array(
            [
                at
                for at in self.changed.tolist()
                if self._before(at, kind) != getattr(self.entries[at], kind)
            ],
            dtype=np.int64,
        )

    def with_names(
        self,
        kind: Literal["tags", "authors"],
        before: dict[str, NDArray[np.int64]],
        others: NDArray[np.int64],
    ) -> dict[str, NDArray[np.int64]]:
        """The positions of the items that have each tag or author, in ascending order; ``before``
        itself, if no item has others."""
        if not len(others):
            return before
        gone: dict[str, list[int]] = defaultdict(list)
        come: dict[str, list[int]] = defaultdict(list)
        for at in np.sort(others).tolist():
            for name in self._before(at, kind):
                gone[name].append(at)
            for name in getattr(self.entries[at], kind):
                come[name].append(at)
        found = dict(before)
        nowhere = np.zeros(0, dtype=np.int64)
        for name in gone.keys() | come.keys():
            kept = np.setdiff1d(found.get(name, nowhere), gone[name])
            added = np.union1d(kept, come[name]).astype(np.int64)
            found[name] = added
            if not len(added):
                del found[name]
        return found

    def _before(self, at: int, kind: Literal["tags", "authors"]) -> tuple[str, ...]:
        base = self._base
        names: tuple[str, ...] = getattr(base.entries[at], kind) if at < len(base) else ()
        return names


def _popularity(key: str, positions: dict[int, int]) -> NDArray[np.float32]:
    """Readers for each item, each counted once a kind and weighted by it, shape (items,).

    Clicks count by how much is seen where they happened, as far as that is known.
    """
    counted = np.zeros(len(positions), dtype=np.float32)
    of_clicks = bias_of(key).factors
    rows = (
        Interaction.objects.filter(kind__in=_POPULARITY_WEIGHTS, counts=True)
        .values_list("item_id", "kind")
        .annotate(readers=Count("reader", distinct=True))
    )
    for item, kind, readers in rows:
        if item in positions:
            factor = of_clicks.get(item, 1.0) if kind == Kind.CLICK else 1.0
            counted[positions[item]] += _POPULARITY_WEIGHTS[kind] * factor * readers
    return counted
