"""What the archive's stories mean: how alike they are to a description."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np

from apps.core import gateway
from apps.market.meaning import Span, passage_of, unpacked
from apps.market.models import Meaning
from ml.types import Embedding, FloatArray

MOST_STORIES = 20_000
KEPT_SECONDS = 20.0
_MOST_KEPT = 4
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Alike:
    """The likeness of each story that was read, by the article whose meaning it is."""

    values: dict[int, float]
    version: str
    wanted: FloatArray

    def passage(self, article_id: int) -> str:
        """The passage of an article that is most alike; empty when it is being read anew."""
        rows = Meaning.objects.filter(article=article_id, version=self.version, of=None)
        row = rows.select_related("article").first()
        if row is None:
            return ""
        values = unpacked(bytes(row.vectors), len(self.wanted)) @ self.wanted
        field, start, end = row.spans[int(np.argmax(values))]
        span: Span = (field, start, end)
        return passage_of(row.article, span)


_kept: OrderedDict[tuple[str, str], tuple[float, Alike]] = OrderedDict()
_lock = threading.Lock()


def likenesses_since(*, description: str, since: datetime) -> Alike:
    """How alike the newest ``MOST_STORIES`` stories since then are. Raises ``Problem``.

    Kept for ``KEPT_SECONDS``, in which somebody changes the rest of a rule.
    """
    wanted = gateway.encode([description])[0]
    key, now = (description, wanted.version), time.monotonic()
    with _lock:
        made, found = _kept.get(key, (-math.inf, None))
    if found is not None and now - made < KEPT_SECONDS:
        return found
    found = Alike(_likenesses_of_archive(wanted, since), wanted.version, wanted.vector)
    with _lock:
        _kept[key] = (now, found)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return found


def _likenesses_of_archive(wanted: Embedding, since: datetime) -> dict[int, float]:
    rows = Meaning.objects.filter(version=wanted.version, of=None, at__gte=since)
    found: dict[int, float] = {}
    newest = rows.order_by("-at").values_list("article_id", "vectors")[:MOST_STORIES]
    stream = newest.iterator(_CHUNK)
    while chunk := list(islice(stream, _CHUNK)):
        found.update(_likenesses(chunk, wanted.vector))
    return found


def _likenesses(
    rows: Sequence[tuple[int, bytes | memoryview]], wanted: FloatArray
) -> Iterator[tuple[int, float]]:
    """Each article's most alike passage, all passages compared at once."""
    parts = [bytes(data) for _, data in rows]
    values = unpacked(b"".join(parts), len(wanted)) @ wanted
    size = 2 * len(wanted)
    ends = np.cumsum([len(part) // size for part in parts])
    best = np.maximum.reduceat(values, np.concatenate([[0], ends[:-1]]))
    return zip((article for article, _ in rows), best.tolist(), strict=True)


def forget() -> None:
    """Compute anew at next use; for tests, each of which has a database of its own."""
    with _lock:
        _kept.clear()
