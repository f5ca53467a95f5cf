"""How alike in meaning an article and a description are, and what likeness is more than chance.

A story is read for its meaning once: its headline and first sentences become unit vectors of the
sentence encoder, kept as half precision floats. Touches no database.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.market.models import Article, Mention
from apps.market.text import read_spans
from ml.types import FloatArray

Span = tuple[str, int, int]
"""``getattr(article, field)[start:end]``, as (field, start, end)."""

SENTENCES = 3
"""How many sentences of a body are read beside its headline."""

LEAST_ARCHIVE = 200
"""Of fewer stories no threshold is proposed: their tail says little."""

ACCEPTED = 1.0
"""How many stories of the archive may reach a proposed threshold by chance."""

GRID = [percent / 100 for percent in range(20, 91)]

_BULK, _TAIL = 0.75, 0.95


@dataclass(frozen=True, slots=True)
class Likeness:
    """The passage of a story that is most alike a description: its cosine, in [-1, 1]."""

    article_id: int
    span: Span
    value: float


def spans_of(article: Article) -> list[Span]:
    """The headline and the first sentences of the body."""
    body = read_spans(article.body)[:SENTENCES]
    title = (str(Mention.Field.TITLE), 0, len(article.title))
    return [title, *((str(Mention.Field.BODY), start, end) for start, end in body)]


def passage_of(article: Article, span: Span) -> str:
    field, start, end = span
    return str(getattr(article, field))[start:end].strip()


def packed(vectors: Sequence[FloatArray]) -> bytes:
    """Unit vectors of shape (dimensions,) as bytes; see :func:`unpacked`."""
    return np.asarray(vectors, dtype=np.float16).tobytes()


def unpacked(data: bytes, dimensions: int) -> FloatArray:
    """Vectors of shape (passages, dimensions)."""
    return np.frombuffer(data, dtype=np.float16).reshape(-1, dimensions).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Chance:
    """How many of ``number`` stories that have nothing to do with a description reach a likeness.

    Most of an archive is about something else, so its likenesses up to the 95th percentile are
    chance. Above the 75th they fall off as an exponential tail (peaks over threshold: Pickands,
    Annals of Statistics 1975, with shape 0), which is continued to where the matches are.
    """

    number: int
    level: float
    slope: float

    @classmethod
    def of(cls, values: FloatArray) -> Chance:
        """From the likenesses of an archive; there must be some."""
        level, tail = np.quantile(values, [_BULK, _TAIL])
        slope = (tail - level) / math.log((1 - _BULK) / (1 - _TAIL))
        return cls(len(values), float(level), max(float(slope), 1e-6))

    def expected(self, threshold: float) -> float:
        """The number of stories that reach ``threshold`` by chance."""
        over = max(0.0, threshold - self.level)
        return self.number * (1 - _BULK) * math.exp(-over / self.slope)

    def propose(self, accepted: float = ACCEPTED) -> float:
        """The least threshold of the grid that at most ``accepted`` reach; else the last one."""
        return next((value for value in GRID if self.expected(value) <= accepted), GRID[-1])
