from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.core.file_imports import RowError
from apps.market.rows import MAX_BODY, MAX_TITLE, article_row


def row(**values: Any) -> dict[str, Any]:
    return {"title": "Halvern gains", "source": "Wire", **values}


def test_an_article_is_cleaned() -> None:
    found = article_row(
        row(
            title="  Halvern\n gains\u0000 ",
            body=" Text.\x07 ",
            url=" https://w.example/1 ",
            published_at="2026-01-30T18:00:00Z",
        )
    )
    assert (found.title, found.body, found.url) == ("Halvern gains", "Text.", "https://w.example/1")
    assert found.published_at == datetime(2026, 1, 30, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"external_id": "x-1", "url": "https://w.example/1"}, "x-1"),
        ({"url": "https://w.example/1"}, "https://w.example/1"),
    ],
)
def test_the_id_is_the_sources_own_or_the_url(given: dict[str, Any], expected: str) -> None:
    assert article_row(row(**given)).external_id == expected


def test_without_id_and_url_the_content_names_the_article() -> None:
    first, again = article_row(row()), article_row(row(title="HALVERN GAINS"))
    assert first.external_id == again.external_id
    assert first.external_id.startswith("sha256:")
    assert article_row(row(title="Halvern plunges")).external_id != first.external_id


def test_a_long_id_is_kept_apart_from_others_by_its_hash() -> None:
    one, other = ("https://w.example/?q=" + "x" * 900 + end for end in "ab")
    assert article_row(row(url=one)).external_id != article_row(row(url=other)).external_id


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-30T18:00:00+02:00", datetime(2026, 1, 30, 16, tzinfo=UTC)),
        ("2026-01-30 18:00", datetime(2026, 1, 30, 18, tzinfo=UTC)),
        ("Fri, 30 Jan 2026 18:00:00 GMT", datetime(2026, 1, 30, 18, tzinfo=UTC)),
        ("", None),
        (None, None),
    ],
)
def test_times_in_the_usual_forms_are_read(value: Any, expected: datetime | None) -> None:
    assert article_row(row(published_at=value)).published_at == expected


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"title": " "}, "'title' is empty"),
        ({"title": 7}, "'title' is not a text"),
        ({"title": "x" * (MAX_TITLE + 1)}, "'title' has 501 characters"),
        ({"body": "x" * (MAX_BODY + 1)}, "'body' has 100,001 characters"),
        ({"source": ""}, "'source' is empty"),
        ({"url": "javascript:alert(1)"}, "'url' is no http or https address"),
        ({"url": "http://[bad"}, "'url' is no http or https address"),
        ({"published_at": "yesterday"}, "'published_at' is no ISO 8601 time"),
        ({"published_at": 1769796000}, "'published_at' is not a text"),
        ({"published_at": "0001-01-01T00:00:00"}, "'published_at' lies before 1970"),
        ({"published_at": "9999-12-31T23:59:59-23:00"}, "'published_at' is out of range"),
    ],
)
def test_an_unusable_value_is_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(RowError) as caught:
        article_row(row(**values))
    assert named in str(caught.value)


def test_half_a_surrogate_pair_does_not_reach_the_database() -> None:
    assert article_row(row(title="Halvern \ud83d gains")).title == "Halvern ? gains"
