"""What stories say of companies, as columns that many indexes are computed from at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Real = npt.NDArray[np.float64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOLDS = np.iinfo(np.int64).max
_NO_TIME = np.iinfo(np.int64).min
_COLUMNS = ("article", "published", "known", "until", "net", "weight", "new", "models", "group")


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def moments(written: Sequence[str | None]) -> Whole:
    """Times in UTC as a database writes them (``2026-01-30 12:00:00.5``), in microseconds since
    1970; ``None``, the time until which what holds is known, comes after all others."""
    # Only the zone may follow 26 characters, and what is kept is in UTC.
    texts = ["NaT" if text is None else text[:26].partition("+")[0] for text in written]
    found = np.array(texts, dtype="datetime64[us]").astype(np.int64)
    return np.where(found == _NO_TIME, _HOLDS, found)


@dataclass(frozen=True, slots=True)
class Telling:
    """One article about what the index is of: when it was out, from when (and ``until`` when) its
    score was known, ``net`` in [-1, 1], its weight when fresh, whether it was ``new`` (not told in
    the day before), and the models that said so."""

    article_id: int
    published_at: datetime
    known_at: datetime
    net: float
    weight: float
    until: datetime | None = None
    models: str = ""
    new: bool = True


@dataclass(frozen=True, slots=True)
class Stories:
    """Tellings as columns of one length, the earliest published first; times in microseconds.

    ``group`` numbers the index that each belongs to; ``models`` points into ``said``.
    """

    article: Whole
    published: Whole
    known: Whole
    until: Whole
    net: Real
    weight: Real
    new: Whole
    models: Whole
    group: Whole
    said: Sequence[str]

    @classmethod
    def of(
        cls,
        *,
        article: Sequence[int],
        published: Whole,
        known: Whole,
        until: Whole,
        net: Real,
        weight: Real,
        new: Whole,
        models: Sequence[str],
        group: Sequence[int],
    ) -> Stories:
        """The columns, whichever order they come in."""
        said = sorted(set(models))
        place = {text: number for number, text in enumerate(said)}
        return cls(
            np.array(article, np.int64),
            published,
            known,
            until,
            net,
            weight,
            new,
            np.array([place[text] for text in models], np.int64),
            np.array(group, np.int64),
            said,
        )._in_order()

    @classmethod
    def told(cls, rows: Sequence[Telling], group: Sequence[int] | None = None) -> Stories:
        """The columns of ``rows``, all of one group unless ``group`` numbers each one's."""
        return cls.of(
            article=[row.article_id for row in rows],
            published=np.array([microseconds(row.published_at) for row in rows], np.int64),
            known=np.array([microseconds(row.known_at) for row in rows], np.int64),
            until=np.array(
                [_HOLDS if row.until is None else microseconds(row.until) for row in rows], np.int64
            ),
            net=np.array([row.net for row in rows], np.float64),
            weight=np.array([row.weight for row in rows], np.float64),
            new=np.array([row.new for row in rows], np.int64),
            models=[row.models for row in rows],
            group=group if group is not None else [0] * len(rows),
        )

    def _in_order(self) -> Stories:
        order = np.lexsort((self.known, self.group, self.article, self.published))
        columns = {name: getattr(self, name)[order] for name in _COLUMNS}
        return replace(self, **columns)

    def grouped(self, group: Whole) -> Stories:
        """The same rows in other groups."""
        return replace(self, group=group)

    def together(self) -> Stories:
        """The same rows in one group."""
        return self.grouped(np.zeros_like(self.group))

    def row(self, place: int) -> Telling:
        """One telling."""

        def moment(value: int) -> datetime:
            return _EPOCH + timedelta(microseconds=value)

        until = int(self.until[place])
        return Telling(
            int(self.article[place]),
            moment(int(self.published[place])),
            moment(int(self.known[place])),
            float(self.net[place]),
            float(self.weight[place]),
            None if until == _HOLDS else moment(until),
            self.said[int(self.models[place])],
            bool(self.new[place]),
        )
