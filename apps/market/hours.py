"""Days and hours of a rule, in the time zone of its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

ALL_DAYS = frozenset(range(7))


@cache
def time_zones() -> frozenset[str]:
    """The names of all time zones; finding them reads some hundred files."""
    return frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Hours:
    """When a rule may ring: on ``days`` (Monday is 0) from ``opens`` until ``closes``.

    A closing time that is no later than the opening one is of the next day, so that the same time
    twice means all day long, and a night belongs to the day on which it begins.
    """

    days: frozenset[int]
    opens: time
    closes: time
    zone: ZoneInfo

    def is_open(self, at: datetime) -> bool:
        today = at.astimezone(self.zone).date()
        return any(
            day.weekday() in self.days and self._start(day) <= at < self._end(day)
            for day in (today - timedelta(days=1), today)
        )

    def next_opening(self, at: datetime) -> datetime:
        """The next moment from ``at`` on at which it opens; raises ``ValueError`` without days."""
        today = at.astimezone(self.zone).date()
        for ahead in range(9):
            day = today + timedelta(days=ahead)
            if day.weekday() in self.days and self._start(day) >= at:
                return self._start(day)
        raise ValueError("hours without a day never open")

    def _start(self, day: date) -> datetime:
        return _moment(day, self.opens, self.zone)

    def _end(self, day: date) -> datetime:
        after = day + timedelta(days=1) if self.closes <= self.opens else day
        return _moment(after, self.closes, self.zone)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Local time as UTC: arithmetic across a change of the clocks is right in no other."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(ZoneInfo("UTC"))
