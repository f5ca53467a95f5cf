"""Working time: what of a span of time falls into the hours of the desk. No database in here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LOOKED_AHEAD = 400  # days
_DAY = timedelta(days=1)
MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours in the zone of the desk; without any it is always open.

    ``week`` maps a weekday (0 is Monday) to its hours, in order and apart; one that closes at
    midnight lasts to the end of the day. ``holidays`` are closed.
    """

    zone: ZoneInfo
    week: Mapping[int, tuple[tuple[time, time], ...]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()

    @property
    def is_always_open(self) -> bool:
        return not any(self.week.values())

    def is_open(self, at: datetime) -> bool:
        if self.is_always_open:
            return True
        today = at.astimezone(self.zone).date()
        return any(opens <= at < closes for opens, closes in self._hours(today))

    def opens_at(self, at: datetime) -> datetime | None:
        """When the desk opens next; ``None`` if it is open, or does not open within a year."""
        if self.is_open(at):
            return None
        return next((opens for opens, _ in self._from(at) if opens > at), None)

    def after(self, start: datetime, minutes: int) -> datetime | None:
        """When so many minutes of working time have passed since ``start``.

        ``None`` when the desk is not open for so long within a year.
        """
        left = timedelta(minutes=minutes)
        if self.is_always_open:
            return start + left
        for opens, closes in self._from(start):
            begins = max(opens, start)
            if begins + left <= closes:
                return begins + left
            left -= max(closes - begins, timedelta())
        return None

    def _from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The hours that end after ``at``, in order, in UTC."""
        first = at.astimezone(self.zone).date()
        for number in range(_LOOKED_AHEAD):
            for opens, closes in self._hours(first + number * _DAY):
                if closes > at:
                    yield opens, closes

    def _hours(self, day: date) -> list[tuple[datetime, datetime]]:
        """A day's hours in UTC, in which a span is as long as it lasts when clocks are changed."""
        if day in self.holidays:
            return []
        return [
            (self._moment(day, opens), self._moment(day + _DAY * (closes == MIDNIGHT), closes))
            for opens, closes in self.week.get(day.weekday(), ())
        ]

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def hours_of(text: str) -> tuple[tuple[time, time], ...]:
    """A day's hours as people write them, ``09:00-12:30, 13:15-17:00``; empty for a closed day,
    ``00:00-00:00`` for one that is open throughout.

    Raises ``ValueError`` that names the part which is wrong.
    """
    found: list[tuple[time, time]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            opens, closes = (time.fromisoformat(one.strip()) for one in part.split("-"))
        except ValueError as error:
            raise ValueError(f"{part!r} is no span such as 09:00-17:30") from error
        if closes not in (MIDNIGHT, max(opens, closes)) or opens == closes != MIDNIGHT:
            raise ValueError(f"{part!r} ends before it begins")
        if found and (found[-1][1] == MIDNIGHT or found[-1][1] > opens):
            raise ValueError(f"{part!r} overlaps what is before it")
        found.append((opens, closes))
    return tuple(found)
