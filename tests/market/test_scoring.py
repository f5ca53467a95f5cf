from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from apps.core.errors import Busy, ModelUnavailable
from apps.core.models import Event
from apps.market.analysis import analyse
from apps.market.models import Article, Company, Mention, Score
from apps.market.payloads import TAPE
from apps.market.selectors.sources import backlog
from apps.market.services.scoring import LEASE, MAX_ATTEMPTS, articles_claim, scores_store
from ml.serving.fakes import FakeEngine
from tests.market.factories import news, score, store, take_in

pytestmark = pytest.mark.django_db(transaction=True)


def tape() -> list[Event]:
    return list(Event.objects.filter(stream=TAPE).order_by("seq"))


def test_an_article_gets_companies_sentiment_topic_and_risk(halvern: Company) -> None:
    [article] = take_in(news("Halvern Steel is sued over emissions", "A court took the case."))
    whole = article.scores.get(company=None)
    assert (whole.label, whole.topic, article.status) == (
        "negative",
        "Legal | Regulation",
        "scored",
    )
    assert whole.negative + whole.neutral + whole.positive == pytest.approx(1.0)
    assert whole.risk == pytest.approx(whole.negative)
    assert whole.versions == {"sentiment": "fake-1", "topic": "fake-1", "ner": "fake-1"}
    mention = article.mentions.get()
    assert (mention.company, mention.field, mention.start, mention.end) == (halvern, "title", 0, 13)


def test_spans_in_the_body_count_from_its_beginning(halvern: Company) -> None:
    [article] = take_in(news("Steel prices gains", "Shares of Halvern Steel rose."))
    mention = article.mentions.get()
    assert mention.field == "body"
    assert article.body[mention.start : mention.end] == "Halvern Steel"


def test_two_companies_are_scored_on_what_is_said_of_each(
    halvern: Company, skyrill: Company
) -> None:
    [article] = take_in(news("Oil slump lifts Skyrill Airlines and hurts Halvern Steel"))
    labels = {score.company: score.label for score in article.scores.exclude(company=None)}
    assert labels == {skyrill: "positive", halvern: "negative"}
    scores = article.scores.exclude(company=None)
    assert {frozenset(score.versions) for score in scores} == {
        frozenset({"targeted_sentiment", "topic", "ner"})
    }


def test_a_company_of_the_body_is_scored_on_what_the_body_says_of_it(
    halvern: Company, skyrill: Company
) -> None:
    body = "Halvern Steel, a supplier, plunges. Skyrill pays less for parts."
    [article] = take_in(news("Skyrill Airlines gains", body))
    labels = {score.company: score.label for score in article.scores.exclude(company=None)}
    assert labels == {skyrill: "positive", halvern: "negative"}


def test_the_only_company_has_the_score_of_the_whole_article(
    engine: FakeEngine, halvern: Company
) -> None:
    [article] = take_in(news("Halvern Steel gains"))
    assert article.scores.get(company=halvern).versions["sentiment"] == "fake-1"
    assert "targeted_sentiment" not in {task for task, _ in engine.gate.batches}


def test_an_article_without_companies_has_the_whole_score_alone() -> None:
    [article] = take_in(news("the central bank keeps its rate"))
    assert article.scores.count() == 1


def test_a_full_engine_queue_loses_nothing(engine: FakeEngine) -> None:
    store(news("Halvern gains"), news("Skyrill plunges"))
    with engine.overloaded(), pytest.raises(Busy):
        score()
    assert backlog().waiting == 2
    assert not Score.objects.exists()
    assert score() == 2
    left = backlog()
    assert (left.waiting, left.oldest, left.minutes) == (0, None, 0)


def test_articles_arrive_while_the_queue_is_full(engine: FakeEngine) -> None:
    with engine.overloaded():
        store(*[news(f"Headline {n} gains", url=f"https://w.example/{n}") for n in range(60)])
    assert backlog().waiting == 60
    assert score() == 60


def test_a_missing_model_leaves_articles_waiting(engine: FakeEngine) -> None:
    store(news("Halvern gains"))
    del engine.models._versions["topic"]
    with pytest.raises(ModelUnavailable):
        score()
    assert Article.objects.get().status == "stored"


def test_what_a_killed_process_had_claimed_is_scored_by_the_next() -> None:
    store(news("Halvern gains"), news("Skyrill plunges"))
    assert len(articles_claim()) == 2  # and then the process is killed
    assert score() == 0
    Article.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert score() == 2
    assert Score.objects.filter(company=None).count() == 2


def test_a_process_that_was_too_slow_changes_nothing() -> None:
    store(news("Halvern gains"))
    slow = async_to_sync(analyse)(articles_claim())
    Article.objects.update(claimed_until=None)
    assert score() == 1
    assert scores_store(analyses=slow) == 0
    assert Score.objects.count() == 1
    assert len(tape()) == 1


def test_a_score_of_an_older_revision_is_not_stored() -> None:
    store(news("Halvern gains", url="https://w.example/1"))
    stale = async_to_sync(analyse)(articles_claim())
    store(news("Halvern plunges", url="https://w.example/1"))
    assert scores_store(analyses=stale) == 0
    assert score() == 1
    assert Score.objects.get(company=None).label == "negative"


def test_a_text_that_a_model_fails_on_is_set_aside_and_costs_the_others_nothing(
    engine: FakeEngine,
) -> None:
    store(news("Halvern gains"), news("poison for the model"), news("Skyrill plunges"))
    engine.gate.fail_on("poison")
    for _ in range(MAX_ATTEMPTS):
        score()
        Article.objects.filter(status="stored").update(claimed_until=timezone.now() - LEASE)
    poisoned = Article.objects.get(title__startswith="poison")
    assert (poisoned.status, poisoned.attempts) == ("failed", MAX_ATTEMPTS)
    assert poisoned.error
    assert Article.objects.filter(status="scored").count() == 2
    assert backlog().failed == 1


def test_live_news_overtakes_an_archive() -> None:
    store(*[news(f"Old {n}", minutes_ago=9999, url=f"https://w.example/{n}") for n in range(5)])
    store(news("Halvern gains"))
    assert articles_claim(limit=1)[0].title == "Halvern gains"


def test_the_tape_is_told_of_live_news_only(halvern: Company) -> None:
    take_in(news("Halvern Steel gains"), news("Old news", minutes_ago=60 * 24 * 5))
    [event] = tape()
    assert event.kind == "article.scored"
    assert event.payload["title"] == "Halvern Steel gains"
    assert [company["ticker"] for company in event.payload["companies"]] == ["HALV"]
    assert event.payload["sentiment"]["label"] == "positive"


def test_a_repeat_is_counted_and_a_correction_is_a_row_of_its_own() -> None:
    title, body = "Halvern Steel sells mill to Kobrand for 4 billion", "The deal closes in May."
    take_in(news(title, body, url="https://w.example/1"))
    take_in(news(title, body, url="https://w.example/2"))
    take_in(news(f"CORRECTED-{title}", "The deal closes in June.", url="https://w.example/3"))
    assert [(event.kind, event.payload.get("similar")) for event in tape()] == [
        ("article.scored", 0),
        ("story.repeated", 1),
        ("article.scored", 0),
    ]
    assert tape()[2].payload["correction"] == "corrected"


def test_a_rescored_revision_replaces_its_scores_and_mentions(
    halvern: Company, skyrill: Company
) -> None:
    take_in(news("Halvern Steel gains", url="https://w.example/1"))
    take_in(news("Skyrill Airlines plunges", url="https://w.example/1"))
    assert list(Mention.objects.values_list("company", flat=True)) == [skyrill.pk]
    assert Score.objects.count() == 2
    assert tape()[-1].payload["revision"] == 2


def test_a_company_added_later_is_known_at_once(halvern: Company) -> None:
    take_in(news("Halvern Steel gains"))
    Company.objects.create(ticker="NEWB", name="Newbury Robotics", exchange="NYSE")
    [article] = take_in(news("Newbury Robotics gains"))
    assert article.mentions.get().company.ticker == "NEWB"
