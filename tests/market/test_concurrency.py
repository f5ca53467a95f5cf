"""Wires, scorers and importers that bring and take the same at the same moment."""

from __future__ import annotations

from functools import partial

import pytest

from apps.market.models import Article
from apps.market.services.scoring import articles_claim
from tests.conftest import AtOnce
from tests.market.factories import news, store

pytestmark = pytest.mark.django_db(transaction=True)

BODY = "The company said on Monday that orders for the year had risen by a fifth to a record."


def test_the_same_article_from_two_deliveries_at_once_is_stored_once(at_once: AtOnce) -> None:
    for number in range(4):
        record = news(f"Orders number {number} rise at Halvern Steel", BODY, id=f"wire-{number}")
        results = at_once(*[partial(store, record)] * 3)
        statuses = sorted(outcomes[0].status for outcomes in results)
        assert statuses == ["created", "unchanged", "unchanged"]
    assert Article.objects.count() == 4


def test_copies_from_two_sources_at_once_are_one_story(at_once: AtOnce) -> None:
    for title, body in (
        ("Halvern Steel lifts its forecast after record orders", BODY),
        ("Regulator fines Castel Bank over late reports", "The fine is the third since spring."),
        ("Orchard Foods closes two plants in the north", "About 300 people work there today."),
    ):
        at_once(
            *[
                partial(store, news(title, body, source=source))
                for source in ("First Wire", "Second Wire")
            ]
        )
        first = Article.objects.get(title=title, story_id=None)
        assert Article.objects.get(title=title, story_id=first.pk).source != first.source


def test_scorers_claim_different_articles(at_once: AtOnce) -> None:
    store(*[news(f"Headline {number} of the day", BODY * number) for number in range(1, 13)])
    claimed = at_once(*[partial(articles_claim, limit=4)] * 3)
    ids = [article.pk for batch in claimed for article in batch]
    assert len(ids) == len(set(ids))
    ids += [article.pk for article in articles_claim(limit=12)]
    assert sorted(ids) == sorted(Article.objects.values_list("pk", flat=True))
