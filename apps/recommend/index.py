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
    shape (items,), is the revision in which each item changed last.
    """

    key: str
    revision: int
    encoder: str
    entries: tuple[Entry, ...]
    positions: dict[int, int]
    by_external: dict[str, int]
    matrix: NDArray[np.float32]
    changed_at: NDArray[np.int64]
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
    matrix=np.zeros((0, 1), dtype=np.float32),
    changed_at=np.zeros(0, dtype=np.int64),
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
    rows = list(Item.objects.filter(revision__gt=base.revision).order_by("id").values(*_FIELDS))
    by_now = answering_encoder(CATALOGUE)
    if by_now != encoder:  # it changed while the rows were read
        return _advanced(_EMPTY, key, revision, by_now)
    entries = list(base.entries)
    positions = dict(base.positions)
    for row in rows:
        position = positions.setdefault(row["id"], len(entries))
        entries[position : position + 1] = [_entry(row)]
    changed = [positions[row["id"]] for row in rows]
    matrix = _matrix(base.matrix, rows, changed, len(entries), encoder)
    popularity = np.zeros(len(entries), dtype=np.float32)
    popularity[: len(base.popularity)] = base.popularity
    changed_at = np.zeros(len(entries), dtype=np.int64)
    changed_at[: len(base.changed_at)] = base.changed_at
    changed_at[changed] = [row["revision"] for row in rows]
    return Snapshot(
        key=key,
        revision=revision,
        encoder=encoder,
        entries=tuple(entries),
        positions=positions,
        by_external={entry.external_id: at for at, entry in enumerate(entries)},
        matrix=matrix,
        changed_at=changed_at,
        shown=np.array([entry.shown for entry in entries], dtype=bool),
        years=np.array([entry.year or 0 for entry in entries], dtype=np.int32),
        popularity=_popularity(key, positions) if whole else popularity,
        with_tag=_places(entries, base, changed, "tags", base.with_tag),
        with_author=_places(entries, base, changed, "authors", base.with_author),
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


def _matrix(
    old: NDArray[np.float32],
    rows: list[dict[str, Any]],
    changed: list[int],
    total: int,
    encoder: str,
) -> NDArray[np.float32]:
    """The vectors with those of ``rows`` at the positions ``changed``: the old ones themselves, if
    none is another, so that what is reckoned from them stays."""
    known = [row["vector"] if row["encoder_version"] == encoder else None for row in rows]
    given = next((vector for vector in known if vector is not None), None)
    dimensions = old.shape[1] if given is None else len(given) // 4
    own = np.zeros((len(rows), dimensions), dtype=np.float32)
    for place, vector in enumerate(known):
        if vector is not None:
            own[place] = vectors_from_bytes(vector, dimensions)[0]
    if old.shape == (total, dimensions) and np.array_equal(old[changed], own):
        return old
    matrix = np.zeros((total, dimensions), dtype=np.float32)
    if old.shape[1] == dimensions:
        matrix[: len(old)] = old
    matrix[changed] = own
    return matrix


def _places(
    entries: list[Entry],
    base: Snapshot,
    changed: list[int],
    kind: Literal["tags", "authors"],
    before: dict[str, NDArray[np.int64]],
) -> dict[str, NDArray[np.int64]]:
    """The positions of the items that have each tag or author: ``before`` itself, if no item has
    others."""
    if len(entries) == len(base) and all(
        getattr(entries[at], kind) == getattr(base.entries[at], kind) for at in changed
    ):
        return before
    places: dict[str, list[int]] = defaultdict(list)
    for position, entry in enumerate(entries):
        for name in getattr(entry, kind):
            places[name].append(position)
    return {name: np.array(at, dtype=np.int64) for name, at in places.items()}


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
