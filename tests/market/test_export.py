"""Scores as CSV and Parquet, each with its provenance; filters, formulas, errors, permission."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.market.exporting import COLUMNS
from apps.market.models import Company, Source
from tests.conftest import ClientFor
from tests.market.factories import news, take_in

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/market/export/"


@pytest.fixture
def client(client_for: ClientFor, analyst: User, halvern: Company) -> Client:
    take_in(news("=HYPERLINK(evil) Halvern Steel is sued", "It was sued."), news("Gold gains"))
    Source.objects.update(licence="CC BY 4.0", weight=0.5)
    return client_for(analyst)


def table(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(URL + query)
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_every_score_has_its_provenance(client: Client) -> None:
    rows = table(client)
    assert [row["ticker"] for row in rows].count("HALV") == 1
    assert len(rows) == 3
    row = next(row for row in rows if row["ticker"])
    assert list(row) == list(COLUMNS)
    assert row["label"] == "negative"
    assert row["source_licence"] == "CC BY 4.0"
    assert row["models"] == "ner=fake-1;sentiment=fake-1;topic=fake-1"
    assert row["title"].startswith("'=HYPERLINK")
    assert AuditEntry.objects.filter(action="scores.exported").count() == 1


def test_parquet_has_the_same_with_types(client: Client) -> None:
    answer = client.get(f"{URL}?as=parquet&company=halv")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    (row,) = pq.read_table(io.BytesIO(content)).to_pylist()
    assert row["title"].startswith("=HYPERLINK")
    assert row["published_at"].tzinfo is not None
    assert row["source_weight"] == 0.5
    assert row["confident"] is True
    assert row["negative"] + row["neutral"] + row["positive"] == pytest.approx(1)


def test_filters_choose_and_what_is_off_is_named(client: Client) -> None:
    later = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert table(client, f"?since={later}") == []
    assert len(table(client, f"?until={later}")) == 3
    assert table(client, "?sector=None") == []
    empty = client.get(f"{URL}?as=parquet&since={later}")
    content = b"".join(empty.streaming_content)  # type: ignore[attr-defined]
    assert pq.read_table(io.BytesIO(content)).num_rows == 0
    for query in ("?as=xls", "?since=soon"):
        assert client.get(URL + query).status_code == 422


def test_exports_are_for_analysts(client_for: ClientFor, member: User) -> None:
    assert client_for(member).get(URL).status_code == 403
