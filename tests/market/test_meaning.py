"""Rules by meaning and by what is unusual: read once, matched, tried on the archive, explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from django.utils.translation import override

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.market.meaning import Chance
from apps.market.models import Alert, Anomaly, Article, Company, Detector, Meaning, Rule
from apps.market.reasons import reason_words
from apps.market.selectors.backtest import rule_history
from apps.market.services import anomalies
from apps.market.services.anomalies import anomalies_find
from apps.market.services.meaning import (
    likenesses_now,
    meanings_prune,
    meanings_read,
    meanings_requeue,
)
from apps.market.services.rules import RuleInput, rule_create, rule_draft
from apps.market.wording import rule_sentence
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor
from tests.market.factories import ArticleFactory, ScoreFactory, SourceFactory, news, score, store

pytestmark = pytest.mark.django_db(transaction=True)

FIRE = RuleInput(meaning="fire at a chip supplier", least_likeness=0.45)


def read_all() -> int:
    """Read what waits; returns how many articles were read."""
    read = 0
    while number := async_to_sync(meanings_read)()[0]:
        read += number
    return read


def test_a_rule_about_meaning_alerts_with_the_passage(analyst: User, halvern: Company) -> None:
    rule = rule_create(actor=analyst, wanted=FIRE)
    store(
        news("Halvern gains on orders", "Sales rose. A fire broke out at a chip supplier."),
        news("Dividend raised by Halvern"),
    )
    score()
    assert not Alert.objects.exists(), "a meaning is known only when the story is read"
    assert read_all() == 2
    alert = Alert.objects.get()
    assert (alert.rule, alert.article.title) == (rule, "Halvern gains on orders")
    told = alert.reasons["meaning"]
    assert told["text"] == "A fire broke out at a chip supplier."
    assert (told["field"], told["likeness"] > 0.45) == ("body", True)
    assert read_all() == 0


def test_a_story_is_embedded_once_however_often_it_is_told(
    analyst: User, halvern: Company, engine: FakeEngine
) -> None:
    rule_create(actor=analyst, wanted=FIRE)
    store(
        *[
            news("Fire at a chip supplier of Halvern", source=f"Wire {number}")
            for number in range(4)
        ]
    )
    score()
    read_all()
    own = Meaning.objects.exclude(vectors=b"")
    assert (own.count(), Meaning.objects.filter(of=own.get().article).count()) == (1, 3)
    assert Alert.objects.count() == 1


def test_nothing_is_read_while_news_waits_to_be_scored(halvern: Company) -> None:
    store(news("Halvern gains"))
    score()
    store(news("Another matter altogether"))
    assert async_to_sync(meanings_read)() == (0, False)
    assert async_to_sync(meanings_read)(beside_scoring=True) == (1, True)


def test_old_news_is_read_but_raises_nothing(analyst: User) -> None:
    rule_create(actor=analyst, wanted=FIRE)
    store(news("Fire at a chip supplier", minutes_ago=5 * 24 * 60))
    score()
    assert read_all() == 1
    assert not Alert.objects.exists()
    assert rule_history(rule=rule_draft(wanted=FIRE, owner=analyst)).alerts == 1


def test_a_revision_is_read_again(analyst: User) -> None:
    rule_create(actor=analyst, wanted=FIRE)
    store(news("All is calm", url="https://a.example/1"))
    score()
    read_all()
    store(news("Fire at a chip supplier", url="https://a.example/1"))
    score()
    read_all()
    assert Alert.objects.get().reasons["meaning"]["likeness"] > 0.9


def test_another_encoder_reads_anew_and_raises_no_alert_again(analyst: User) -> None:
    store(news("Fire at a chip supplier"))
    score()
    read_all()
    rule_create(actor=analyst, wanted=FIRE)
    assert meanings_requeue(version="another") == 1
    assert read_all() == 1
    assert not Alert.objects.exists()


def test_what_an_older_encoder_read_is_read_anew_for_a_repeat(
    analyst: User, engine: FakeEngine
) -> None:
    store(news("Fire at a chip supplier", source="First Wire"))
    score()
    read_all()
    rule_create(actor=analyst, wanted=FIRE)
    engine.models.promote("encoder", "fake-2")
    store(news("Fire at a chip supplier", source="Second Wire"))
    score()
    assert read_all() == 1
    first, second = Meaning.objects.order_by("article")
    assert (first.version, second.version, second.of) == ("fake-1", "fake-2", None)
    assert Alert.objects.get().article == second.article


def test_a_repeat_that_raises_nothing_has_the_version_of_the_vectors_it_shares(
    engine: FakeEngine,
) -> None:
    store(news("Fire at a chip supplier", source="First Wire"))
    score()
    read_all()
    engine.models.promote("encoder", "fake-2")
    store(news("Fire at a chip supplier", source="Second Wire", minutes_ago=60 * 24 * 2))
    store(news("Another matter altogether", minutes_ago=60 * 24 * 2))
    score()
    read_all()
    for row in Meaning.objects.exclude(of=None).select_related("of"):
        assert Meaning.objects.get(article=row.of_id).version == row.version


def test_articles_and_descriptions_are_compared_as_one_encoder_reads_them(
    analyst: User, engine: FakeEngine
) -> None:
    store(news("Fire at a chip supplier"), news("Dividend raised by Halvern"))
    score()
    read_all()
    articles = list(Article.objects.order_by("id"))
    before = likenesses_now(articles=articles, texts=[FIRE.meaning, "a dividend"])
    engine.gate.batches.clear()
    assert likenesses_now(articles=articles, texts=[FIRE.meaning]).keys() < before.keys()
    assert engine.gate.batches == [("encoder", (FIRE.meaning,))], "what was read is not read again"
    engine.models.promote("encoder", "fake-2")
    assert likenesses_now(articles=articles, texts=[FIRE.meaning, "a dividend"]) == before


def test_meanings_are_kept_as_long_as_rules_are_tried(halvern: Company) -> None:
    for days in (1, 59, 61):
        article = ArticleFactory(published_at=timezone.now() - timedelta(days=days))
        Meaning.objects.create(article=article, live=False, at=article.published_at)
    assert meanings_prune() == 1


def test_the_backtest_tells_matches_passages_and_what_is_chance(
    analyst: User, client_for: ClientFor
) -> None:
    vector = gateway.embed([FIRE.meaning])[0]
    other = gateway.embed(["quarterly dividend"])[0]
    chance = np.random.default_rng(1)
    version = gateway.encode(["x"])[0].version
    source = SourceFactory()
    for number in range(240):
        noise = chance.normal(0, 0.02, len(vector)).astype(np.float32)
        wanted = vector if number < 3 else other
        made = (wanted + noise) / np.linalg.norm(wanted + noise)
        article = ArticleFactory(source=source, title=f"Story {number} of the archive")
        ScoreFactory(article=article)
        Meaning.objects.create(
            article=article,
            live=False,
            at=article.published_at,
            version=version,
            spans=[["title", 0, len(article.title)]],
            vectors=made.astype(np.float16).tobytes(),
        )
    history = rule_history(rule=rule_draft(wanted=FIRE, owner=analyst))
    assert history.alerts == 3
    assert history.examples[0].passage == "Story 2 of the archive"
    sense = history.sense
    assert sense is not None
    assert (sense.stories, sense.unread, sense.found) == (240, 0, 3)
    assert sense.proposed is not None
    assert sense.then_found == 3
    assert sense.then_by_chance is not None
    assert sense.then_by_chance <= 1
    client = client_for(analyst)
    page = client.post("/market/rules/preview/", {"meaning": FIRE.meaning, "least_likeness": 45})
    assert "finds 3 of 240 stories" in page.content.decode()
    told = client.post(
        "/api/v1/market/rules/preview/",
        {"meaning": FIRE.meaning, "least_likeness": 0.45},
        content_type="application/json",
    ).json()
    assert told["meaning"]["found"] == 3
    assert told["passages"][0] == "Story 2 of the archive"


def test_chance_follows_the_tail_of_what_is_unrelated() -> None:
    chance = np.random.default_rng(2)
    unrelated = chance.exponential(0.05, 4000).astype(np.float32)
    tail = Chance.of(unrelated)
    for threshold in (0.2, 0.25, 0.3):
        seen = float((unrelated >= threshold).sum())
        assert tail.expected(threshold) == pytest.approx(seen, rel=0.5, abs=4)
    matches = np.concatenate([unrelated, np.full(40, 0.8, dtype=np.float32)])
    assert Chance.of(matches).propose() < 0.8


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (RuleInput(meaning="fire"), "meaning"),
        (replace(FIRE, meaning="x" * 201), "meaning"),
        (replace(FIRE, least_likeness=0.1), "least_likeness"),
        (replace(FIRE, least_likeness=float("nan")), "least_likeness"),
        (RuleInput(anomaly="odd"), "anomaly"),
    ],
)
def test_an_unusable_condition_names_its_field(
    analyst: User, wanted: RuleInput, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        rule_create(actor=analyst, wanted=wanted)
    assert field in caught.value.fields


def burst(company: Company, title: str = "Fire at a chip supplier") -> None:
    """Enough of live news about a company to be a burst with the detectors as they are."""
    for kind in Detector.Kind.values:
        Detector.objects.create(
            kind=kind,
            threshold=2.0 if kind == Detector.Kind.BURST else 99.0,
            wanted=0.1,
            found=0,
            false_alarms=0,
            reached=True,
            stories=200,
            tuned_at=timezone.now(),
        )
    for number in range(8):
        at = timezone.now() - timedelta(minutes=60 - number)
        article = ArticleFactory(title=title, published_at=at, received_at=at, scored_at=at)
        ScoreFactory(article=article)
        ScoreFactory(article=article, company=company)


def test_a_rule_about_the_unusual_alerts_once_with_what_was_unusual(
    analyst: User, halvern: Company, skyrill: Company
) -> None:
    rule = rule_create(actor=analyst, wanted=RuleInput(anomaly="burst"))
    rule_create(actor=analyst, wanted=RuleInput(anomaly="shift"))
    rule_create(actor=analyst, wanted=RuleInput(anomaly=Rule.ANY, company_id=skyrill.pk))
    burst(halvern)
    assert anomalies_find() == 1
    alert = Alert.objects.get()
    assert (alert.rule, alert.company) == (rule, halvern)
    assert alert.reasons["anomaly"]["kind"] == "burst"
    assert "stories in 24 hours" in alert.reasons["anomaly"]["words"]
    Anomaly.objects.all().delete()
    Detector.objects.update(looked_at=None)
    anomalies_find()
    assert Alert.objects.count() == 1, "found again, it is no new alert"
    history = rule_history(rule=rule)
    assert (history.alerts, history.examples[0].article) == (1, alert.article)


def test_a_rule_may_ask_for_a_meaning_and_the_unusual(analyst: User, halvern: Company) -> None:
    both = replace(FIRE, anomaly=Rule.ANY)
    rule_create(actor=analyst, wanted=both)
    rule_create(actor=analyst, wanted=replace(both, meaning="quarterly dividend"))
    burst(halvern)
    anomalies_find()
    alert = Alert.objects.get()
    assert set(alert.reasons) == {"meaning", "anomaly"}
    with override("zh-hans"):
        words = reason_words(alert.reasons)
    assert "相似度" in words
    assert "24 小时内" in words
    del alert.reasons["anomaly"]["value"]
    assert reason_words(alert.reasons).endswith(alert.reasons["anomaly"]["words"])


def test_what_is_unusual_waits_while_the_language_layer_is_away(
    analyst: User, halvern: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule_create(actor=analyst, wanted=replace(FIRE, anomaly=Rule.ANY))
    burst(halvern)

    def away(**_: Any) -> Any:
        raise gateway.Busy("away")

    with monkeypatch.context() as patch:
        patch.setattr(anomalies, "likenesses_now", away)
        with pytest.raises(gateway.Busy):
            anomalies_find()
        assert not Anomaly.objects.exists()
    anomalies_find()
    assert Alert.objects.count() == 1


def test_the_sentence_and_the_alert_say_why(
    analyst: User, colleague: User, halvern: Company, client_for: ClientFor
) -> None:
    wanted = replace(FIRE, anomaly="burst", sector="")
    assert rule_sentence(rule_draft(wanted=wanted, owner=analyst)) == (
        "Alert me when news like “fire at a chip supplier” (at least 45% alike) about any company "
        "comes in and is unusual for it (burst of news), once per story."
    )
    client = client_for(analyst)
    made = client.post(
        "/api/v1/market/rules/",
        {"meaning": FIRE.meaning, "least_likeness": 0.4},
        content_type="application/json",
    ).json()
    assert (made["meaning"], made["least_likeness"], made["anomaly"]) == (FIRE.meaning, 0.4, "")
    store(news("Fire at a chip supplier of Halvern"))
    score()
    read_all()
    alert = Alert.objects.get()
    assert "alike: “Fire at a chip supplier of Halvern”" in alert_json(client)["because"]
    page = client.get(f"/market/alerts/{alert.pk}/").content.decode()
    assert "<q>Fire at a chip supplier of Halvern</q>" in page
    other = client_for(colleague)
    assert other.get(f"/api/v1/market/alerts/{alert.pk}/").status_code == 404
    assert other.get(f"/market/alerts/{alert.pk}/").status_code == 404


def alert_json(client: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/market/alerts/").json()["results"][0]
    return found
