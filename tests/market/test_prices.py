"""Closing prices: imported all or nothing, shown beside the news, errors that name the row."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed
from apps.market.models import Company, Price
from apps.market.services.prices import prices_import
from tests.conftest import ClientFor
from tests.market.factories import news, take_in

pytestmark = pytest.mark.django_db(transaction=True)


def upload(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("closes.csv", text.encode())


def days(number: int) -> str:
    today = timezone.now().date()
    rows = [f"halv,{today - timedelta(days=back)},{100 + back}" for back in range(number)]
    return "\n".join(["ticker,date,close", *rows])


def test_prices_are_stored_once_and_shown_beside_the_news(
    halvern: Company, analyst: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    take_in(news("Halvern Steel soars"))
    for _ in range(2):
        answer = client.post("/market/sources/prices/", {"file": upload(days(5))}, follow=True)
        assert "5 prices are stored" in answer.content.decode()
    assert Price.objects.count() == 5
    page = client.get(f"/market/companies/{halvern.pk}/").content.decode()
    assert 'class="course-prices"' in page
    assert "100.00 (−3.8%)" in page
    rows = client.get(f"/api/v1/market/companies/{halvern.pk}/prices/").json()["results"]
    assert [row["close"] for row in rows] == [104.0, 103.0, 102.0, 101.0, 100.0]
    one = client.post("/api/v1/market/prices/", {"file": upload(days(1))})
    assert one.json() == {"rows": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ticker,date\n", "no column 'close'"),
        ("ticker,date,close\n", "has no rows"),
        ("ticker,date,close\nHALV,2026-01-05,1\nNONE,2026-01-05,1", "row 3: no company"),
        ("ticker,date,close\nHALV,05/01/2026,1", "row 2: '05/01/2026' is no date"),
        ("ticker,date,close\nHALV,2026-01-05,nan", "row 2: 'nan' is no price"),
        ("ticker,date,close\nHALV,2026-01-05", "row 2: '' is no price"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_stored(
    halvern: Company, analyst: User, text: str, problem: str
) -> None:
    with pytest.raises(InvalidInput) as told:
        prices_import(actor=analyst, upload=upload(text))
    assert f"closes.csv{', ' if 'row' in problem else ': '}"[:10] in told.value.message
    assert problem in told.value.message
    assert not Price.objects.exists()


def test_what_the_reader_of_tables_refuses_is_named(halvern: Company, analyst: User) -> None:
    before = csv.field_size_limit(20)
    try:
        with pytest.raises(InvalidInput, match=r"closes.csv, row 3: is not CSV \(field larger"):
            prices_import(actor=analyst, upload=upload(f"{days(1)}\nHALV,2026-01-06,{'1' * 30}"))
    finally:
        csv.field_size_limit(before)
    assert not Price.objects.exists()


def test_prices_are_for_analysts(member: User, client_for: ClientFor) -> None:
    with pytest.raises(NotAllowed):
        prices_import(actor=member, upload=upload(days(1)))
    assert client_for(member).post("/market/sources/prices/").status_code == 403
