"""What an article's verdicts are made of: sentences, several events, telling words."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.market.models import Alert, Article, Company
from apps.market.selectors.backtest import rule_history
from apps.market.selectors.tape import TapeFilter, tape_list
from tests.conftest import ClientFor
from tests.market.factories import RuleFactory, news, take_in

pytestmark = pytest.mark.django_db(transaction=True)

BODY = "The dividend stays. Later on that day it was sued. Nothing else came of it."


@pytest.fixture
def article(halvern: Company) -> Article:
    return take_in(news("Halvern Steel reports", BODY))[0]


@pytest.fixture
def client(client_for: ClientFor, analyst: User) -> Client:
    return client_for(analyst)


def test_every_sentence_is_read_and_kept_with_what_it_says(article: Article) -> None:
    whole = article.scores.get(company=None)
    texts = [getattr(article, field)[start:end] for field, start, end, *_ in whole.passages]
    assert texts == [
        article.title,
        "The dividend stays.",
        "Later on that day it was sued.",
        texts[3],
    ]
    negative = [passage[3] for passage in whole.passages]
    assert max(negative) == negative[2] > 0.5
    for _, _, _, *says, _, _ in whole.passages:
        assert sum(says) == pytest.approx(1, abs=0.01)
    assert article.scores.exclude(company=None).get().passages == []


def test_an_article_may_be_several_events(article: Article) -> None:
    whole = article.scores.get(company=None)
    assert whole.topics[0] == whole.topic == "Company | Product News"
    assert set(whole.topics) == {"Company | Product News", "Dividend", "Legal | Regulation"}
    for topic in whole.topics:
        assert tape_list(wanted=TapeFilter(topic=topic)) == [article]
    assert tape_list(wanted=TapeFilter(topic="IPO")) == []


def test_an_event_of_a_sentence_belongs_to_the_company_that_it_names(
    halvern: Company, skyrill: Company
) -> None:
    (article,) = take_in(
        news("Halvern Steel and Skyrill Airlines report", "Skyrill Airlines was sued. A dividend.")
    )
    lawsuit = "Legal | Regulation"
    assert lawsuit in article.scores.get(company=skyrill).topics
    assert lawsuit not in article.scores.get(company=halvern).topics
    for score in article.scores.all():
        assert "Dividend" in score.topics


def test_a_rule_about_a_second_event_fires_live_and_in_its_history(
    halvern: Company, analyst: User
) -> None:
    rule = RuleFactory(owner=analyst, sentiment="", topic="Legal | Regulation")
    take_in(news("Halvern Steel reports", BODY))
    assert Alert.objects.get().rule == rule
    assert rule_history(rule=rule).alerts == 1


def test_the_article_shows_its_evidence_and_events(article: Article, client: Client) -> None:
    text = client.get(f"/market/articles/{article.pk}/").content.decode()
    assert '<span class="says down"' in text
    assert "Later on that day it was sued.</span>" in text
    assert "Legal | Regulation" in text
    answer = client.get(f"/api/v1/market/articles/{article.pk}/").json()
    assert [row["company"] is None for row in answer["scores"]].count(True) == 1
    assert len(answer["scores"][0]["passages"]) == 4


def test_why_explains_the_passage_that_says_it_most(
    halvern: Company, skyrill: Company, client: Client
) -> None:
    title = "Oil slump lifts Skyrill Airlines and hurts Halvern Steel"
    (article,) = take_in(news(title, "It was sued."))
    why = f"/market/articles/{article.pk}/why/"
    text = client.get(f"{why}?what=sentiment&company={halvern.pk}").content.decode()
    assert "hurts" in text
    assert "What speaks for" in text
    assert "There is no such" not in text
    assert "has no such score" in client.get(f"{why}?what=sentiment&company=999").content.decode()
    assert "Ask about" in client.get(f"{why}?what=taste").content.decode()


def test_programs_are_told_which_words_carried_a_verdict(
    halvern: Company, skyrill: Company, client: Client
) -> None:
    (article,) = take_in(news("Oil slump lifts Skyrill Airlines and hurts Halvern Steel"))
    path = f"/api/v1/market/articles/{article.pk}/why/"
    told = client.get(path, {"what": "sentiment", "company": halvern.pk}).json()
    assert (told["task"], told["label"]) == ("targeted_sentiment", "negative")
    for piece in told["pieces"]:
        assert told["text"][piece["start"] : piece["end"]] == piece["text"]
    assert "hurts" in {piece["text"] for piece in told["pieces"] if piece["level"] > 0}
    assert client.get(path, {"what": "taste"}).status_code == 400
    unknown = client.get(path, {"what": "sentiment", "company": 999})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_why_is_for_analysts(article: Article, client_for: ClientFor, member: User) -> None:
    for path in ("/market", "/api/v1/market"):
        assert client_for(member).get(f"{path}/articles/{article.pk}/why/").status_code == 403
