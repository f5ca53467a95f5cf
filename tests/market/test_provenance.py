"""What is behind each score of an article, and that a story was corrected or withdrawn since."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.market.models import Company
from apps.market.services.corrections import score_correct
from apps.market.services.links import link_correct
from tests.conftest import ClientFor
from tests.market.factories import news, take_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_models_weights_and_decisions_of_each_score_are_told(
    halvern: Company, skyrill: Company, analyst: User, member: User, client_for: ClientFor
) -> None:
    (article,) = take_in(news("Halvern Steel soars on copper orders", minutes_ago=9))
    client = client_for(analyst)
    path = f"/api/v1/market/articles/{article.pk}/provenance/"
    told = client.get(path).json()
    assert [score["company"] for score in told["scores"]] == [None, halvern.pk]
    assert told["scores"][1]["versions"]["ner"] == "fake-1"
    assert (told["scores"][1]["relevance"], told["scores"][1]["until"]) == (1.0, None)
    assert told["decisions"] == []

    score_correct(article_id=article.pk, analyst=analyst, what="sentiment", label="negative")
    link_correct(actor=analyst, article_id=article.pk, company_id=halvern.pk, meant_id=skyrill.pk)
    told = client.get(path).json()
    assert [score["company"] for score in told["scores"]] == [None, skyrill.pk, halvern.pk]
    assert told["scores"][2]["until"] is not None
    said = [(one["by"], one["what"], one["before"], one["after"]) for one in told["decisions"]]
    assert said == [
        (analyst.display_name, "company", "HALV", "SKYL"),
        (analyst.display_name, "sentiment", "positive", "negative"),
    ]
    page = client.get(f"/market/articles/{article.pk}/provenance/").content.decode()
    assert "positive → negative" in page
    assert "until" in page
    assert client_for(member).get(path).status_code == 403


def test_a_story_that_was_withdrawn_since_says_so(
    halvern: Company, analyst: User, client_for: ClientFor
) -> None:
    title = "Halvern Steel soars on copper orders"
    first, plain, withdrawal = take_in(
        news(title, minutes_ago=30),
        news("Skyrill to buy eight aircraft", minutes_ago=20),
        news(f"RETRACTED - {title}", minutes_ago=10, external_id="r"),
    )
    assert withdrawal.story_id == first.pk
    client = client_for(analyst)
    for article, is_told in ((first, True), (plain, False), (withdrawal, False)):
        page = client.get(f"/market/articles/{article.pk}/").content.decode()
        assert ("This story was withdrawn." in page) is is_told
    assert client.get("/market/").content.decode().count("withdrawn since") == 1
    tape = {one["id"]: one for one in client.get("/api/v1/market/articles/").json()["results"]}
    assert [tape[one.pk]["amended"] for one in (first, plain, withdrawal)] == ["retracted", "", ""]


def test_programs_are_told_who_is_named_and_what_is_the_same_story(
    halvern: Company, analyst: User, member: User, client_for: ClientFor
) -> None:
    title = "Halvern Steel soars on copper orders"
    first, again = take_in(
        news(title, minutes_ago=30, source="First Wire"),
        news(title, minutes_ago=20, source="Second Wire"),
    )
    client = client_for(analyst)
    told = client.get(f"/api/v1/market/articles/{first.pk}/").json()
    (mention,) = told["mentions"]
    assert (mention["company"], mention["ticker"]) == (halvern.pk, "HALV")
    assert told[mention["field"]][mention["start"] : mention["end"]] == mention["text"]
    assert 0 < mention["confidence"] <= 1
    assert mention["evidence"]
    assert told["similar"] == 1
    assert [(one["id"], one["source"]) for one in told["same_story"]] == [(again.pk, "Second Wire")]
    assert client_for(member).get(f"/api/v1/market/articles/{first.pk}/").status_code == 403
