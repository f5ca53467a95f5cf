"""Unsure verdicts wait for review; wrong links are corrected for good."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.market.models import Article, Company, Score
from apps.market.selectors.review import review_count, review_list
from apps.market.services.links import link_correct
from apps.market.services.review import review_skip
from apps.market.services.scoring import scores_write
from apps.modelhub.models import LabelledExample
from tests.conftest import ClientFor
from tests.market.factories import ArticleFactory, ScoreFactory, news, store, take_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(client_for: ClientFor, analyst: User) -> Client:
    return client_for(analyst)


def unsure(title: str = "Halvern Steel reports", **more: object) -> Score:
    body = [["title", 0, 5, 0.3, 0.4, 0.3, "Earnings", 0.5]]
    return ScoreFactory(article=ArticleFactory(title=title), confident=False, passages=body, **more)


def test_unsure_verdicts_wait_and_sure_ones_do_not(halvern: Company) -> None:
    score = unsure()
    ScoreFactory()
    # Named alone, a company has the article's own sentiment, which waits once.
    ScoreFactory(article=score.article, company=halvern, confident=False)
    target = unsure(company=halvern, versions={"targeted_sentiment": "1"})
    assert {one.score for one in review_list()} == {score, target}
    assert review_count() == 2


def test_a_decision_is_stored_and_the_verdict_waits_no_more(client: Client) -> None:
    score = unsure()
    assert "Halvern Steel reports" in client.get("/market/review/").content.decode()
    path = f"/market/review/{score.article_id}/"
    answer = client.post(path, {"label": "negative"}, headers={"HX-Request": "true"})
    assert "Stored as negative" in answer.content.decode()
    example = LabelledExample.objects.get()
    assert (example.task, example.new_label) == ("sentiment", "negative")
    assert "Nothing to review" in client.get("/market/review/").content.decode()
    bad = client.post(path, {"label": "odd"}, headers={"HX-Request": "true"}).content.decode()
    assert "is not a sentiment" in bad


def test_what_cannot_be_told_is_not_asked_again(client: Client) -> None:
    score = unsure()
    body = {"article": score.article_id}
    assert client.post("/api/v1/market/review/skip/", body, "application/json").status_code == 204
    assert client.post("/api/v1/market/review/skip/", body, "application/json").status_code == 204
    assert client.get("/api/v1/market/review/").json() == {"results": []}
    missing = client.post("/api/v1/market/review/skip/", {"article": 999}, "application/json")
    assert missing.status_code == 404


def test_an_article_is_linked_to_the_company_that_is_meant_also_when_it_changes(
    halvern: Company, skyrill: Company, analyst: User
) -> None:
    record = news("Halvern Steel soars", external_id="x")
    (article,) = take_in(record)
    link_correct(actor=analyst, article_id=article.pk, company_id=halvern.pk, meant_id=skyrill.pk)
    assert _linked(article) == {skyrill}
    example = LabelledExample.objects.get()
    assert (example.task, example.old_label, example.new_label) == ("linking", "HALV", "SKYL")
    assert example.provenance["name"] == "Halvern Steel"
    store({**record, "title": "Halvern Steel soars again"})
    take_in(news("Another story"))
    article.refresh_from_db()
    assert article.revision == 2
    assert _linked(article) == {skyrill}


def test_an_article_of_no_company_loses_its_score(halvern: Company, client: Client) -> None:
    (article,) = take_in(news("Halvern Steel soars"))
    path = f"/market/articles/{article.pk}/link/"
    answer = client.post(path, {"company": halvern.pk, "meant": ""}, follow=True)
    assert "The link is corrected" in answer.content.decode()
    assert _linked(article) == set()
    assert article.scores.count() == 1
    scores_write(analyses=[])
    again = client.post(path, {"company": halvern.pk}, follow=True).content.decode()
    assert "not linked to this company" in again


def _linked(article: Article) -> set[Company]:
    scored = {score.company for score in article.scores.exclude(company=None)}
    assert scored == {mention.company for mention in article.mentions.all()}
    return {company for company in scored if company}


def test_who_may_not_and_what_is_not(halvern: Company, analyst: User, member: User) -> None:
    (article,) = take_in(news("Halvern Steel soars"))
    which = {"article_id": article.pk, "company_id": halvern.pk}
    with pytest.raises(NotAllowed):
        link_correct(actor=member, **which)
    with pytest.raises(NotAllowed):
        review_skip(actor=member, article_id=article.pk, company_id=None)
    with pytest.raises(InvalidInput, match="no such company"):
        link_correct(actor=analyst, **which, meant_id=999)
    with pytest.raises(InvalidInput, match="linked to this"):
        link_correct(actor=analyst, **which, meant_id=halvern.pk)
    with pytest.raises(NotFound):
        link_correct(actor=analyst, article_id=999, company_id=halvern.pk)


def test_pages_are_for_analysts(client_for: ClientFor, member: User) -> None:
    client = client_for(member)
    assert client.get("/market/review/").status_code == 403
    assert client.get("/api/v1/market/review/").status_code == 403
    assert client.post("/market/articles/1/link/").status_code == 403
