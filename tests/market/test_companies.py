from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from apps.market.linking import current
from apps.market.models import Company
from apps.market.selectors.companies import (
    company_course,
    company_named,
    company_search,
    most_moved,
)
from apps.market.services.companies import companies_import, shipped_companies_load
from tests.market.factories import ArticleFactory, CompanyFactory, ScoreFactory

pytestmark = pytest.mark.django_db


def test_the_shipped_registry_is_loaded_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_companies", "--json")
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["added"] == report["rows"] > 5000
    assert Company.objects.get(ticker="AAPL").sector == "Information Technology"
    google = Company.objects.get(ticker="GOOGL")
    assert "Google" in google.former_names
    assert "YouTube" in google.brands
    again = shipped_companies_load()
    assert (again.added, again.changed) == (0, 0)


def test_ones_own_companies_come_before_the_shipped_ones(tmp_path: Path) -> None:
    CompanyFactory(ticker="HVN", name="Haven", rank=Company.SHIPPED)
    path = tmp_path / "own.csv"
    path.write_text("ticker,name,exchange,aliases\nHVNL,Haven,SGX,Haven Living|Haven Homes\n")
    assert companies_import(path=path).added == 1
    [mention] = current().on(timezone.now()).link("Shares of Haven Living rose")
    assert Company.objects.get(id=int(mention.company_id)).ticker == "HVNL"
    [mention] = current().on(timezone.now()).link("Shares of Haven rose 4%, the company said")
    assert Company.objects.get(id=int(mention.company_id)).ticker == "HVNL"


def test_an_import_changes_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("ticker,name\nHALV,Halvern\n")
    companies_import(path=path)
    path.write_text("ticker,name,sector\nHALV,Halvern Steel,Materials\n")
    report = companies_import(path=path)
    assert (report.added, report.changed) == (0, 1)
    assert Company.objects.get().sector == "Materials"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("ticker\nHALV\n", "row 1: the header lacks the column name"),
        ("ticker,name\nHALV,Halvern\n,Nobody\n", "row 3: 'ticker' is empty"),
        ("ticker,name\nHALV,Halvern\nHALV,Again\n", "row 3: repeats 'HALV'"),
        ("ticker,name\n" + "X" * 17 + ",Long\n", "row 2: 'ticker' has more than 16 characters"),
        ("ticker,name\n", "has no companies"),
    ],
)
def test_a_bad_registry_is_refused_as_a_whole(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(content)
    with pytest.raises(CommandError) as caught:
        call_command("load_companies", "--file", str(path))
    assert told in str(caught.value)
    assert not Company.objects.exists()


def test_companies_are_found_by_ticker_name_and_alias(halvern: Company, skyrill: Company) -> None:
    assert company_search(text="halv")[0] == halvern
    assert company_search(text="airlines")[0] == skyrill
    assert company_search(text="Skyrill")[0] == skyrill
    assert not company_search(text="nothing like it")
    for text in ("HALV", "halv", "Halvern Steel", "HALV · Halvern Steel"):
        assert company_named(text=text) == halvern
    assert company_named(text="Halv") == halvern
    assert company_named(text="Steel") is None


def test_the_most_moved_have_the_strongest_news_of_several_stories(
    halvern: Company, skyrill: Company
) -> None:
    for _ in range(6):
        ScoreFactory(article=ArticleFactory(), company=halvern)
    ScoreFactory(article=ArticleFactory(), company=skyrill, negative=0.95, positive=0.0)
    first = ArticleFactory()
    ScoreFactory(article=ArticleFactory(story=first), company=skyrill)
    old = ArticleFactory(published_at=timezone.now() - timedelta(days=9))
    ScoreFactory(article=old, company=halvern)
    moved = most_moved()
    assert [move.company for move in moved] == [halvern, skyrill]
    assert [move.stories for move in moved] == [6, 1]
    assert moved[0].net == pytest.approx(0.04 - 0.9)
    assert (len(moved[0].volume), sum(moved[0].volume)) == (14, 7)


def test_the_course_is_in_time_order_and_without_repeats(halvern: Company) -> None:
    newer = ArticleFactory()
    older = ArticleFactory(published_at=timezone.now() - timedelta(days=2))
    for article in (newer, older, ArticleFactory(story=newer)):
        ScoreFactory(article=article, company=halvern)
    course = company_course(company=halvern, until=timezone.now())
    assert [point.article_id for point in course] == [older.pk, newer.pk]
