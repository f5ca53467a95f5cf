"""What narrows the tape, on its page and in the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.market.models import Article, Company
from apps.market.services.watchlists import company_watch
from tests.market.factories import ArticleFactory, CompanyFactory, ScoreFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def steel() -> Company:
    return CompanyFactory(ticker="HALV", name="Halvern Steel", sector="Materials")


@pytest.fixture
def tape(steel: Company) -> dict[str, Article]:
    """A risky story about a steel maker, a repeat told at once, and one about nobody."""
    wire, post = SourceFactory(name="Meridian Wire"), SourceFactory(name="The Ledger Post")
    told = {
        "steel": ArticleFactory(title="Halvern sued", source=wire),
        "old": ArticleFactory(title="Halvern sued again", source=post, novelty=0.25),
        "macro": ArticleFactory(title="Prices rise", source=post),
    }
    for article in told.values():
        ScoreFactory(article=article, company=None, risk=0.1)
    ScoreFactory(article=told["steel"], company=steel, risk=0.8)
    ScoreFactory(article=told["old"], company=CompanyFactory(sector="Energy"), risk=0.2)
    return told


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"group": "sector:Materials"}, {"steel"}),
        ({"group": "sector:Energy"}, {"old"}),
        ({"group": "watchlist"}, {"steel"}),
        ({"group": "watchlist", "company": "nobody"}, set()),
        ({"source": "ledger"}, {"old", "macro"}),
        ({"least_risk": "0.6"}, {"steel"}),
        ({"least_novelty": "0.5"}, {"steel", "macro"}),
        ({"group": "watchlist", "sentiment": "positive"}, set()),
        ({"least_risk": "", "group": ""}, {"steel", "old", "macro"}),
    ],
)
def test_page_and_api_show_what_is_asked_for(
    client: Client,
    analyst: User,
    steel: Company,
    tape: dict[str, Article],
    asked: dict[str, Any],
    found: set[str],
) -> None:
    company_watch(actor=analyst, company_id=steel.pk)
    client.force_login(analyst)
    titles = {tape[name].title for name in found}

    answer = client.get("/api/v1/market/articles/", asked).json()
    assert {row["title"] for row in answer["results"]} == titles

    page = client.get("/market/tape/", asked)
    assert {row.title for row in page.context["rows"]} == titles


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"group": "sectors"}, "group"), ({"least_risk": "2"}, "least_risk")]
    + [({"least_novelty": bad}, "least_novelty") for bad in ("much", "nan", "-0.1")],
)
def test_what_cannot_be_asked_is_named(
    client: Client, analyst: User, asked: dict[str, str], field: str
) -> None:
    client.force_login(analyst)

    answer = client.get("/api/v1/market/articles/", asked)

    assert answer.status_code == 422
    assert field in answer.json()["fields"]


def test_the_watchlist_is_the_viewers_own(
    client: Client, analyst: User, steel: Company, tape: dict[str, Article]
) -> None:
    other = User.objects.create_user("other", password=None, role="analyst")
    company_watch(actor=other, company_id=steel.pk)
    client.force_login(analyst)

    assert client.get("/api/v1/market/articles/", {"group": "watchlist"}).json()["results"] == []


@pytest.mark.parametrize(
    ("asked", "unknown", "words"),
    [
        ({"group": "sector:Moon"}, ["sector"], "No company is of the sector “Moon”"),
        ({"source": "moon"}, ["source"], "No source has “moon” in its name"),
        ({"group": "watchlist"}, ["watchlist"], "Your watchlist is empty"),
        ({"company": "Moon", "topic": "Tides"}, ["company", "topic"], "is called “Moon”"),
        ({"text": "moon"}, [], "No news matches"),
    ],
)
def test_a_condition_that_there_is_none_of_is_told(
    client: Client,
    analyst: User,
    tape: dict[str, Article],
    asked: dict[str, str],
    unknown: list[str],
    words: str,
) -> None:
    client.force_login(analyst)
    assert client.get("/api/v1/market/articles/", asked).json()["unknown"] == unknown
    assert words in client.get("/market/tape/", asked).content.decode()
