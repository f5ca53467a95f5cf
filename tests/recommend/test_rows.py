from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.file_imports import RowError
from apps.recommend.rows import interaction_row, item_row, moment

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ITEM = {"item_id": "a", "title": "T", "text": "x", "tags": "one|two||one"}
DEED = {"user_id": "u", "item_id": "a", "kind": "save", "value": "", "timestamp": "2026-04-01"}


def test_lists_are_split_and_freed_of_repeats() -> None:
    assert item_row(ITEM).tags == ("one", "two")
    assert item_row(ITEM | {"tags": ["one", " two "]}).tags == ("one", "two")


def test_an_item_may_lack_text_tags_and_year() -> None:
    row = item_row({"item_id": "a", "title": "T", "text": "", "tags": ""})
    assert (row.text, row.tags, row.year) == ("", (), None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_id": " "}, "item_id is empty"),
        ({"title": ""}, "title is empty"),
        ({"title": "x" * 501}, "title has 501 characters"),
        ({"text": "x" * 100_001}, "text has 100001 characters"),
        ({"tags": 7}, "tags is not a list"),
        ({"published_at": "soon"}, "published_at 'soon' is no year"),
        ({"published_at": "1895-13-01"}, "published_at"),
        ({"available": "maybe"}, "available 'maybe'"),
    ],
)
def test_a_bad_item_names_the_column(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        item_row(ITEM | change)


@pytest.mark.parametrize(
    ("published", "year"), [("1895", 1895), ("-0700", -700), ("1895-05-07", 1895)]
)
def test_years_are_read_from_dates(published: str, year: int) -> None:
    assert item_row(ITEM | {"published_at": published}).year == year


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "stare"}, "kind 'stare' is none of"),
        ({"kind": "rating"}, "value of a rating"),
        ({"kind": "rating", "value": "nan"}, "not a finite number"),
        ({"value": "much"}, "value 'much' is not a number"),
        ({"timestamp": "yesterday"}, "timestamp 'yesterday' is no time"),
        ({"timestamp": "2031-01-01"}, "lies in the future"),
        ({"timestamp": ""}, "is no time"),
    ],
)
def test_a_bad_interaction_names_the_column(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        interaction_row(DEED | change, NOW)


def test_a_clock_slightly_ahead_counts_as_now() -> None:
    assert moment((NOW + timedelta(minutes=2)).isoformat(), NOW) == NOW


def test_seconds_and_iso_times_mean_the_same() -> None:
    at = datetime(2026, 4, 1, 12, tzinfo=UTC)
    assert moment(str(at.timestamp()), NOW) == moment("2026-04-01T12:00:00Z", NOW) == at


def test_the_same_row_has_the_same_event_id_and_another_row_another() -> None:
    first = interaction_row(DEED, NOW).event_id
    assert interaction_row(dict(DEED), NOW).event_id == first
    assert interaction_row(DEED | {"kind": "like"}, NOW).event_id != first
