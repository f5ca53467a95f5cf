"""Analysts correct sentiment and topic: service, page, endpoint."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.market.models import Article, Company
from apps.market.services.corrections import score_correct, score_correction_undo
from apps.modelhub.models import LabelledExample
from ml.data.targeting import TARGET
from tests.conftest import ClientFor
from tests.market.factories import ArticleFactory, news, take_in

pytestmark = pytest.mark.django_db(transaction=True)

TITLE = "Halvern Steel gains as strike hurts Skyrill Airlines"


@pytest.fixture
def article(halvern: Company, skyrill: Company) -> Article:
    return take_in(news(TITLE, "The strike went on."))[0]


def test_sentiment_and_topic_of_an_article_are_corrected(article: Article, analyst: User) -> None:
    which = {"article_id": article.pk, "analyst": analyst}
    score_correct(what="sentiment", label="neutral", **which)
    score_correct(what="topic", label="Earnings", **which)
    score_correct(what="topic", label="Dividend", **which)
    sentiment, topic = LabelledExample.objects.order_by("task")
    assert (sentiment.task, sentiment.new_label, sentiment.text) == ("sentiment", "neutral", TITLE)
    assert (topic.task, topic.new_label) == ("topic", "Dividend")
    assert topic.old_label == "Company | Product News"
    assert topic.model_version
    assert topic.provenance["article"] == article.pk
    assert 0 <= topic.confidence <= 1


def test_the_sentiment_in_one_company_is_learned_from_its_marked_text(
    article: Article, analyst: User, skyrill: Company
) -> None:
    score_correct(
        article_id=article.pk,
        analyst=analyst,
        what="sentiment",
        label="negative",
        company_id=skyrill.pk,
    )
    example = LabelledExample.objects.get()
    assert example.task == "targeted_sentiment"
    assert TARGET in example.text
    assert "Skyrill" not in example.text
    assert example.provenance["company"] == skyrill.pk


def test_a_company_alone_has_the_articles_sentiment(analyst: User, halvern: Company) -> None:
    (alone,) = take_in(news("Halvern Steel soars"))
    which = {"article_id": alone.pk, "analyst": analyst, "what": "sentiment", "label": "neutral"}
    with pytest.raises(Conflict, match="names this company alone"):
        score_correct(company_id=halvern.pk, **which)
    with pytest.raises(NotFound):
        score_correct(company_id=9999, **which)


def test_what_cannot_be_corrected_is_refused(article: Article, analyst: User) -> None:
    which = {"article_id": article.pk, "analyst": analyst}
    with pytest.raises(InvalidInput, match="positive"):
        score_correct(what="sentiment", label="great", **which)
    with pytest.raises(InvalidInput):
        score_correct(what="colour", label="red", **which)
    waiting = ArticleFactory(status=Article.Status.STORED)
    with pytest.raises(Conflict, match="not scored"):
        score_correct(article_id=waiting.pk, analyst=analyst, what="topic", label="IPO")
    with pytest.raises(NotFound):
        score_correction_undo(what="topic", **which)


def test_the_page_corrects_and_undoes(
    article: Article, analyst: User, skyrill: Company, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    here = f"/market/articles/{article.pk}/corrections/"
    assert here in client.get(f"/market/articles/{article.pk}/").content.decode()
    shown = client.get(here).content.decode()
    assert "Skyrill Airlines" in shown
    assert "Undo" not in shown
    body = {"what": "sentiment", "company": skyrill.pk, "label": "neutral"}
    assert "you said neutral" in client.post(here, body).content.decode()
    assert "you said" not in client.post(here, body | {"undo": "1"}).content.decode()
    assert "is not a topic" in client.post(here, {"what": "topic"}).content.decode()
    assert "not known" in client.post(here, body | {"company": "x"}).content.decode()


def test_the_endpoint_corrects_and_undoes(
    article: Article, analyst: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    here = f"/api/v1/market/articles/{article.pk}/corrections/"
    assert {row["corrected"] for row in client.get(here).json()} == {None}
    body = {"what": "topic", "label": "IPO"}
    said = client.put(here, body, content_type="application/json")
    assert said.json()["corrected"] == "IPO"
    undone = client.delete(here, {"what": "topic"}, content_type="application/json")
    assert undone.json()["corrected"] is None
    wrong = client.put(here, {"what": "x", "label": "y"}, content_type="application/json")
    assert wrong.status_code == 400


def test_who_is_no_analyst_corrects_nothing(
    article: Article, operator: User, client_for: ClientFor
) -> None:
    pages = (
        f"/market/articles/{article.pk}/corrections/",
        f"/api/v1/market/articles/{article.pk}/corrections/",
    )
    for path in pages:
        assert client_for(operator).get(path).status_code == 403, path
        assert Client().get(path).status_code in (302, 401), path
    body = {"what": "topic", "label": "IPO"}
    refused = client_for(operator).put(pages[1], body, content_type="application/json")
    assert refused.status_code == 403
    assert client_for(operator).post(pages[0], body).status_code == 403
    assert not LabelledExample.objects.exists()
