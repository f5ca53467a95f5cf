from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.market.models import Rule
from apps.market.precision import Precision, Proposal, Rating, propose
from ml.evaluation.wilson import wilson
from tests.conftest import ClientFor
from tests.market.factories import AlertFactory, ArticleFactory, RuleFactory, ScoreFactory

API = "/api/v1/market"


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17, 1998, table I: the score method without correction.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)
    mirrored = wilson(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_there_is_no_share_of_nothing() -> None:
    for successes, trials in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="no share"):
            wilson(successes, trials)
    assert Precision(3, 1).share == 0.75


def ratings(useful: list[float], noise: list[float]) -> list[Rating]:
    return [Rating(value, True) for value in useful] + [Rating(value, False) for value in noise]


@pytest.mark.parametrize(
    ("useful", "noise", "proposal"),
    [
        ([0.83, 0.9, 0.95], [0.61, 0.7, 0.9], Proposal(0.83, 3, 2, 3)),
        ([0.839, 0.9, 0.95], [0.835], None),
        ([0.57, 0.9, 0.95], [0.5, 0.6], None),
        ([0.9, 0.95], [0.5], None),
        ([0.9, 0.9, 0.9], [], None),
        ([0.6, 0.7, 0.8], [0.55, 0.58], None),
    ],
)
def test_the_proposed_threshold_keeps_all_useful(
    useful: list[float], noise: list[float], proposal: Proposal | None
) -> None:
    assert propose(ratings(useful, noise), threshold=0.6) == proposal


@pytest.fixture
def rated(analyst: User) -> Rule:
    """A rule whose useful alerts are at least 83 % sure, and 30 days of news."""
    rule: Rule = RuleFactory(owner=analyst, threshold=0.6)
    for probability, verdict in (
        (0.83, "useful"),
        (0.9, "useful"),
        (0.95, "useful"),
        (0.65, "noise"),
        (0.7, "noise"),
        (0.97, "noise"),
        (0.99, ""),
    ):
        AlertFactory(owner=analyst, rule=rule, probability=probability, verdict=verdict)
    for negative in (0.62, 0.7, 0.9):
        ScoreFactory(article=ArticleFactory(), negative=negative)
    return rule


@pytest.mark.django_db
def test_a_rule_tells_its_precision_and_a_better_threshold(
    analyst: User, colleague: User, rated: Rule, client_for: ClientFor
) -> None:
    path = f"{API}/rules/{rated.pk}/quality/"
    told = client_for(analyst).get(path).json()
    assert told["precision"] == {
        "useful": 3,
        "noise": 3,
        "share": 0.5,
        "interval": [0.1876, 0.8124],
    }
    assert told["proposal"] == {
        "threshold": 0.83,
        "useful_kept": 3,
        "noise_dropped": 2,
        "noise": 3,
        "alerts": {"days": 30, "now": 3, "then": 1},
    }
    [listed] = client_for(analyst).get(f"{API}/rules/").json()["results"]
    assert (listed["precision"], listed["precision_interval"]) == (0.5, [0.1876, 0.8124])
    assert client_for(colleague).get(path).status_code == 404


@pytest.mark.django_db
def test_a_rule_that_nobody_rated_has_no_precision(
    analyst: User, rated: Rule, client_for: ClientFor
) -> None:
    other = RuleFactory(owner=analyst, name="New")
    told = client_for(analyst).get(f"{API}/rules/{other.pk}/quality/").json()
    assert told == {"precision": None, "proposal": None}
    Rule.objects.filter(id=rated.pk).update(sentiment="", topic="Dividend")
    told = client_for(analyst).get(f"{API}/rules/{rated.pk}/quality/").json()
    assert told["proposal"] is None  # without a sentiment there is no threshold


@pytest.mark.django_db
def test_the_proposed_threshold_is_applied_with_one_click(
    analyst: User, colleague: User, rated: Rule, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    assert "83% would drop 2 noise" in client.get("/market/rules/").content.decode()
    shown = client.get(f"/market/rules/{rated.pk}/").content.decode()
    assert "3 as it is, 1 then" in shown
    path = f"/market/rules/{rated.pk}/threshold/"
    assert client_for(colleague).post(path, {"threshold": "0.83"}).status_code == 404
    client.post(path, {"threshold": "0.95"})  # not what is proposed
    rated.refresh_from_db()
    assert rated.threshold == 0.6
    client.post(path, {"threshold": "0.83"})
    rated.refresh_from_db()
    assert rated.threshold == 0.83
    client.post(path, {"threshold": "0.83"})
    assert "#quality" not in client.get("/market/rules/").content.decode()
