from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from apps.market.hours import ALL_DAYS, Hours

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(frozenset(range(5)), time(8), time(18), BERLIN)
NIGHT = Hours(frozenset({4}), time(22), time(6), BERLIN)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        (OFFICE, "2026-07-01T06:00", True),  # Wednesday, 08:00 in summer
        (OFFICE, "2026-07-01T05:59", False),
        (OFFICE, "2026-07-01T16:00", False),
        (OFFICE, "2026-01-07T06:30", False),  # 07:30 in winter
        (OFFICE, "2026-07-04T10:00", False),  # Saturday
        (NIGHT, "2026-07-03T21:00", True),  # Friday, 23:00
        (NIGHT, "2026-07-04T03:00", True),  # the same night, on Saturday
        (NIGHT, "2026-07-03T03:00", False),  # the night of Thursday
        (Hours(frozenset({5}), time(), time(), BERLIN), "2026-07-04T12:00", True),
        (Hours(frozenset({5}), time(), time(), BERLIN), "2026-07-04T22:30", False),
    ],
)
def test_hours_are_local(hours: Hours, at: str, is_open: bool) -> None:
    assert hours.is_open(utc(at)) is is_open


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-07-01T05:00", "2026-07-01T06:00"),
        ("2026-07-01T16:30", "2026-07-02T06:00"),
        ("2026-07-03T20:00", "2026-07-06T06:00"),  # over a weekend
        ("2026-10-23T20:00", "2026-10-26T07:00"),  # and over the end of summer time
    ],
)
def test_the_next_opening(at: str, opens: str) -> None:
    assert OFFICE.next_opening(utc(at)) == utc(opens)


def test_a_weekly_opening_is_found_a_week_ahead() -> None:
    assert NIGHT.next_opening(utc("2026-07-03T20:01")) == utc("2026-07-10T20:00")
    assert Hours(ALL_DAYS, time(9), time(9), BERLIN).is_open(utc("2026-07-03T03:00"))
