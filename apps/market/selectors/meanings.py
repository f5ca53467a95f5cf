"""What the archive's stories mean: how alike they are to a description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np

from apps.core import gateway
from apps.market.meaning import Span, passage_of, unpacked
from apps.market.models import Meaning
from ml.types import FloatArray

MOST_STORIES = 20_000
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Alike:
    """The likeness of each story that was read, by the article whose meaning it is."""

    values: dict[int, float]
    version: str
    wanted: FloatArray

    def passage(self, article_id: int) -> str:
        """The passage of an article that is most alike."""
        row = Meaning.objects.select_related("article").get(article=article_id)
        values = unpacked(bytes(row.vectors), len(self.wanted)) @ self.wanted
        field, start, end = row.spans[int(np.argmax(values))]
        span: Span = (field, start, end)
        return passage_of(row.article, span)


def likenesses_since(*, description: str, since: datetime) -> Alike:
    """How alike the newest ``MOST_STORIES`` stories since then are. Raises ``Problem``."""
    wanted = gateway.encode([description])[0]
    rows = Meaning.objects.filter(version=wanted.version, of=None, at__gte=since)
    found: dict[int, float] = {}
    newest = rows.order_by("-at").values_list("article_id", "vectors")[:MOST_STORIES]
    stream = newest.iterator(_CHUNK)
    while chunk := list(islice(stream, _CHUNK)):
        found.update(_likenesses(chunk, wanted.vector))
    return Alike(found, wanted.version, wanted.vector)


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


def meanings_waiting() -> int:
    """How many articles wait to be read for their meaning."""
    return Meaning.objects.filter(version="").count()
