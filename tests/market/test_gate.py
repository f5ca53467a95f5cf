"""The alert backtest of a candidate of a model of sentiment or topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core import gateway
from apps.core.jobs import Cancelled, NoProgress
from apps.market.models import Alert, Company, Detector, Rule, Score
from apps.market.topics import TOPICS
from apps.modelhub.gate_checks import details_told, judged_by_apps
from ml.serving.fakes import FakeClassifier
from ml.types import ModelInfo
from tests.market.factories import RULES, RuleFactory, news, take_in

pytestmark = pytest.mark.django_db(transaction=True)

Candidate = Callable[[str, dict[str, str]], None]


@pytest.fixture
def candidate(monkeypatch: pytest.MonkeyPatch) -> Candidate:
    """Says what the version ``next`` of a task answers; ``live`` goes by the rules of Market."""

    def say(task: str, words: dict[str, str]) -> None:
        def load(asked: str, version: str | None = None, **_: Any) -> FakeClassifier:
            labels = TOPICS if asked == "topic" else ("positive", "neutral", "negative")
            info = ModelInfo(asked, "classification", version or "", labels, "int8", 0)
            return FakeClassifier(info, words if version == "next" else RULES[asked])

        monkeypatch.setattr(gateway, "load_version", load)

    return say


@pytest.fixture
def archive(halvern: Company, skyrill: Company, analyst: User) -> None:
    """Eight stories, before anybody had a rule."""
    titles = (
        "Halvern Steel plunges on the open in quiet trading",
        "Heavy selling follows a grim forecast and Halvern plunges",
        "Halvern Steel is sued over a leaking mill",
        "Three towns have sued Halvern about a river dam",
        "Halvern Steel soars at noon on record orders",
        "By noon a takeover rumour was out, and Halvern soars",
        "A strike hurts Halvern and lifts Skyrill",
        "Skyrill Airlines opens a lounge",
    )
    for number, title in enumerate(titles):
        take_in(news(title, minutes_ago=60 - number))


def judged(task: str = "sentiment", progress: Any = None) -> dict[str, Any]:
    gate = {"passed": True, "live": "live", "checks": []}
    return judged_by_apps(gate, task=task, candidate="next", progress=progress or NoProgress())


def numbers(gate: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {
        check["name"]: (check["value"], check["live"], check["limit"], check["passed"])
        for check in gate["checks"]
    }


def rule(analyst: User, **values: Any) -> Rule:
    return RuleFactory(owner=analyst, name="my secret", **values)


def test_what_a_candidate_would_have_alerted_is_compared(
    archive: None, analyst: User, candidate: Candidate, settings: Any
) -> None:
    first = rule(analyst)
    rule(analyst, sentiment="positive", words="noon")
    rule(analyst, enabled=False)
    candidate("sentiment", {"opens": "negative", **RULES["sentiment"], "sued": "neutral"})
    before = list(Score.objects.values_list("negative", "label"))
    gate = judged()
    # Plunges twice, sued twice, hurt once, and soars twice; the one about two companies has
    # verdicts of another model.
    assert numbers(gate) == {"alerts_lost": (2, 7, 3, True), "alerts_new": (1, 7, 3, True)}
    found = gate["details"]["alert_backtest"]
    assert found["articles"] == 8
    changed, same = found["rules"]
    assert (changed["rule"], changed["lost"], changed["new"]) == (first.pk, 2, 1)
    assert (same["live"], same["candidate"]) == (2, 2)
    lost = changed["lost_examples"][0]
    assert lost["company"] == "Halvern Steel"
    assert "sued" in lost["title"]
    assert lost["live"] > 0.6 > lost["candidate"]
    assert "my secret" not in str(gate)
    assert details_told(gate)[-1].endswith("anew Skyrill Airlines opens a lounge")
    settings.MARKET_GATE = {"few": 1}
    assert numbers(judged())["alerts_lost"] == (2, 7, 1, False)
    assert not judged()["passed"]
    # Nothing is stored.
    assert list(Score.objects.values_list("negative", "label")) == before
    assert not Alert.objects.exists()


def test_of_targeted_sentiment_the_companies_of_several_are_judged(
    archive: None, analyst: User, candidate: Candidate
) -> None:
    rule(analyst)
    candidate("targeted_sentiment", {"": "neutral"})
    gate = judged("targeted_sentiment")
    assert numbers(gate)["alerts_lost"][:2] == (1, 5)
    (changed,) = gate["details"]["alert_backtest"]["rules"]
    assert changed["lost_examples"][0]["title"] == "A strike hurts Halvern and lifts Skyrill"


def test_of_topic_the_events_are_judged_and_the_risk_that_hangs_on_them(
    archive: None, analyst: User, candidate: Candidate
) -> None:
    legal = rule(analyst, sentiment="", topic="Legal | Regulation")
    risky = rule(analyst, sentiment="", least_risk=0.75)
    rule(analyst)
    take_in(news("Halvern Steel publishes figures", "The heirs have sued over the will."))
    # To the candidate the dam and the sentence of a body are no lawsuits, and the plunge is one.
    words = {"dam": "Energy | Oil", "on the open": "Legal | Regulation", "heirs": "Dividend"}
    candidate("topic", words | RULES["topic"])
    gate = judged("topic")
    assert numbers(gate) == {"alerts_lost": (3, 5, 3, True), "alerts_new": (2, 5, 3, True)}
    found = {one["rule"]: one for one in gate["details"]["alert_backtest"]["rules"]}
    assert (found[legal.pk]["lost"], found[legal.pk]["new"]) == (2, 1)
    assert (found[risky.pk]["lost"], found[risky.pk]["new"]) == (1, 1)
    lost = found[legal.pk]["lost_examples"][0]
    assert "dam" in lost["title"]
    assert lost["live_topics"] == ["Legal | Regulation"]
    assert lost["candidate_topics"] == ["Energy | Oil"]


def test_of_topic_rare_events_are_found_anew(
    halvern: Company, analyst: User, candidate: Candidate
) -> None:
    ordinary = (f"Halvern Steel story {'x' * number} of mill {number}" for number in range(9))
    take_in(
        *(news(title, minutes_ago=90 - number) for number, title in enumerate(ordinary)),
        news("Halvern Steel is sued over a leaking mill"),
    )
    Detector.objects.create(
        kind=Detector.Kind.RARE, threshold=0.8, wanted=0.1, found=0, false_alarms=0,
        reached=True, stories=10, tuned_at=timezone.now(),
    )  # fmt: skip
    rule(analyst, sentiment="", anomaly="rare")
    rule(analyst, sentiment="", anomaly="burst")
    candidate("topic", {"": "Company | Product News"})
    assert numbers(judged("topic"))["alerts_lost"][:2] == (1, 1)
    candidate("sentiment", {"": "negative"})
    assert numbers(judged())["alerts_lost"][:2] == (0, 0)


def test_it_rests_as_a_rule_does_and_can_be_stopped(
    archive: None, analyst: User, candidate: Candidate
) -> None:
    rule(analyst, cooldown_minutes=600)
    candidate("sentiment", {"": "neutral"})
    assert numbers(judged())["alerts_lost"][:2] == (1, 1)

    class Stopped(NoProgress):
        def update(self, done: int, total: int, message: str = "") -> None:
            assert (done, total) == (8, 8)
            raise Cancelled

    with pytest.raises(Cancelled):
        judged(progress=Stopped())


def test_without_news_or_rules_there_is_nothing_to_judge(
    halvern: Company, analyst: User, candidate: Candidate
) -> None:
    candidate("sentiment", {"": "neutral"})
    assert judged()["checks"] == []
    rule(analyst)
    assert judged()["checks"] == []
