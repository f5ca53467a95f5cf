from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotFound
from apps.core.models import Event
from apps.market.alert_serializers import RuleSerializer
from apps.market.models import Alert, Company, Rule, WatchedCompany
from apps.market.payloads import alert_stream
from apps.market.selectors.alerts import rule_list
from apps.market.services.alerts import (
    alert_acknowledge,
    alert_rate,
    alert_resolve,
    alerts_acknowledge_all,
)
from apps.market.services.raising import rule_matches, scores_for
from apps.market.services.rules import rule_delete
from tests.conftest import ClientFor
from tests.market.factories import (
    AlertFactory,
    ArticleFactory,
    CompanyFactory,
    RuleFactory,
    ScoreFactory,
    news,
    take_in,
)

pytestmark = pytest.mark.django_db(transaction=True)


def kinds(user: User) -> list[str]:
    events = Event.objects.filter(stream=alert_stream(user.pk)).order_by("seq")
    return list(events.values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ({"sentiment": "negative", "threshold": 0.6}, True),
        ({"sentiment": "negative", "threshold": 0.9}, True),
        ({"sentiment": "negative", "threshold": 0.91}, False),
        ({"sentiment": "positive", "threshold": 0.6}, False),
        ({"sentiment": "", "topic": "Dividend"}, True),
        ({"sentiment": "", "topic": "Earnings"}, False),
        ({"sentiment": "negative", "threshold": 0.6, "topic": "Earnings"}, False),
        ({"sentiment": "", "least_risk": 0.7}, True),
        ({"sentiment": "", "least_risk": 0.71}, False),
        ({"sentiment": "", "least_novelty": 0.5}, True),
        ({"sentiment": "", "least_novelty": 0.51}, False),
    ],
)
def test_every_condition_must_hold(
    analyst: User, conditions: dict[str, object], matches: bool
) -> None:
    score = ScoreFactory(
        negative=0.9, neutral=0.06, positive=0.04, topic="Dividend", risk=0.7, novelty=0.5
    )
    assert rule_matches(RuleFactory.build(owner=analyst, **conditions), score) is matches


def test_a_rule_looks_at_what_it_is_about(analyst: User) -> None:
    article = ArticleFactory()
    whole = ScoreFactory(article=article)
    one, other = (ScoreFactory(article=article, company=CompanyFactory()) for _ in range(2))
    about = RuleFactory.build(owner=analyst, company=one.company)
    assert scores_for(about, [whole, one, other]) == [one]
    assert scores_for(about, [whole, other]) == []
    sentiment = RuleFactory.build(owner=analyst)
    assert scores_for(sentiment, [whole, one, other]) == [one, other]
    assert scores_for(sentiment, [whole]) == [whole]
    for group in ({"watched": True}, {"sector": "Steel"}):
        about = RuleFactory.build(owner=analyst, sentiment="", **group)
        assert scores_for(about, [whole, one, other]) == [one, other]
        assert scores_for(about, [whole]) == []
    topic = RuleFactory.build(owner=analyst, sentiment="", topic="Dividend")
    assert scores_for(topic, [whole, one, other]) == [whole]


def test_a_topic_alerts_once_however_many_companies_are_named(
    analyst: User, halvern: Company, skyrill: Company
) -> None:
    RuleFactory(owner=analyst, sentiment="", topic="M&A | Investments")
    take_in(news("Halvern Steel and Skyrill Airlines in takeover talks"))
    assert Alert.objects.get().company is None


def test_a_match_raises_an_alert_and_tells_its_owner(
    analyst: User, colleague: User, halvern: Company
) -> None:
    rule = RuleFactory(owner=analyst, company=halvern)
    RuleFactory(owner=colleague, sentiment="positive")
    [article] = take_in(news("Halvern Steel plunges"))
    alert = Alert.objects.get()
    assert (alert.owner, alert.rule, alert.article, alert.company) == (
        analyst,
        rule,
        article,
        halvern,
    )
    assert kinds(analyst) == ["alert.created"]
    assert kinds(colleague) == []
    payload = Event.objects.get(stream=alert_stream(analyst.pk)).payload
    assert payload["article"]["title"] == "Halvern Steel plunges"
    assert payload["company"]["ticker"] == "HALV"


def test_rules_about_groups_and_words_raise_alerts_of_their_owner(
    analyst: User, colleague: User, halvern: Company, skyrill: Company
) -> None:
    Company.objects.filter(pk=halvern.pk).update(sector="Steel")
    WatchedCompany.objects.create(owner=analyst, company=skyrill)
    steel = RuleFactory(owner=analyst, sector="Steel", name="steel")
    RuleFactory(owner=analyst, watched=True, name="mine")
    RuleFactory(owner=colleague, watched=True, name="nothing is watched")
    words = RuleFactory(owner=colleague, words="furnace fire, strike", name="words")
    other = RuleFactory(owner=colleague, words="strike", name="other words")
    take_in(news("Halvern Steel plunges", "A furnace  Fire burns on."))
    raised = {(alert.rule, alert.company) for alert in Alert.objects.all()}
    assert raised == {(steel, halvern), (words, halvern)}
    take_in(news("Skyrill Airlines plunges as pilots strike"))
    raised = {(alert.rule.name, alert.company) for alert in Alert.objects.filter(company=skyrill)}
    assert raised == {("mine", skyrill), ("words", skyrill), (other.name, skyrill)}


def test_a_story_alerts_once_however_often_it_is_told(analyst: User, halvern: Company) -> None:
    RuleFactory(owner=analyst)
    title, body = "Halvern Steel plunges after furnace fire in Duisburg", "Nobody was hurt there."
    take_in(*[news(title, body, url=f"https://w.example/{n}") for n in range(100)])
    take_in(news(f"UPDATE 1-{title}", body, url="https://v.example/1"))
    take_in(news(title, body + " It is out.", url="https://w.example/1"))
    assert Alert.objects.count() == 1


def test_a_story_without_a_company_alerts_once(analyst: User) -> None:
    RuleFactory(owner=analyst)
    for number in range(3):
        take_in(news("the krone plunges after rate cut", url=f"https://w.example/{number}"))
    assert Alert.objects.get().company is None


def test_each_company_of_a_story_alerts_by_its_own_score(
    analyst: User, halvern: Company, skyrill: Company
) -> None:
    RuleFactory(owner=analyst, sentiment="negative")
    RuleFactory(owner=analyst, sentiment="positive")
    take_in(news("Oil slump lifts Skyrill Airlines and hurts Halvern Steel"))
    found = set(Alert.objects.values_list("company__ticker", "label"))
    assert found == {("HALV", "negative"), ("SKYL", "positive")}


def test_a_rule_rests_for_its_cool_down(analyst: User, halvern: Company, skyrill: Company) -> None:
    RuleFactory(owner=analyst, cooldown_minutes=60)
    take_in(news("Halvern Steel plunges on weak orders"))
    take_in(news("Halvern Steel sued by a former supplier"))
    take_in(news("Skyrill Airlines plunges on fuel prices"))
    assert Alert.objects.filter(company=halvern).count() == 1
    assert Alert.objects.filter(company=skyrill).count() == 1
    Alert.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    take_in(news("Halvern Steel plunges again as strike begins"))
    assert Alert.objects.filter(company=halvern).count() == 2


@pytest.mark.parametrize(
    ("article", "rule"),
    [
        ({"minutes_ago": 60 * 24 * 5}, {}),
        ({}, {"enabled": False}),
        ({}, {"sentiment": "positive"}),
    ],
)
def test_no_alert(analyst: User, article: dict[str, float], rule: dict[str, object]) -> None:
    RuleFactory(owner=analyst, **rule)
    take_in(news("the krone plunges", **article))
    assert not Alert.objects.exists()


def test_rules_of_people_who_left_are_not_watched(analyst: User) -> None:
    RuleFactory(owner=analyst)
    User.objects.filter(id=analyst.pk).update(is_active=False)
    take_in(news("the krone plunges"))
    assert not Alert.objects.exists()


def test_a_correction_reaches_whoever_was_alerted(analyst: User, halvern: Company) -> None:
    RuleFactory(owner=analyst)
    title, body = "Halvern Steel plunges as auditor quits over accounts", "Trading was halted."
    take_in(news(title, body, minutes_ago=30))
    [correction] = take_in(news(f"RETRACTED: {title}", "The report was wrong. Trading goes on."))
    alert = Alert.objects.get()
    assert alert.correction == correction
    assert kinds(analyst) == ["alert.created", "alert.corrected"]


def test_alerts_outlive_their_rule(analyst: User) -> None:
    rule: Rule = RuleFactory(owner=analyst, name="Bad news")
    take_in(news("the krone plunges"))
    rule_delete(actor=analyst, rule_id=rule.pk)
    alert = Alert.objects.get()
    assert (alert.rule, alert.rule_name) == (None, "Bad news")


def test_acknowledging_twice_changes_nothing(analyst: User) -> None:
    alert = AlertFactory(owner=analyst)
    first = alert_acknowledge(actor=analyst, alert_id=alert.pk)
    again = alert_acknowledge(actor=analyst, alert_id=alert.pk)
    assert first.acknowledged_at == again.acknowledged_at
    assert kinds(analyst) == ["alert.acknowledged"]


def test_nobody_else_acknowledges_an_alert(analyst: User, colleague: User, member: User) -> None:
    alert = AlertFactory(owner=analyst)
    for other in (colleague, member):
        with pytest.raises(NotFound):
            alert_acknowledge(actor=other, alert_id=alert.pk)
    with pytest.raises(NotFound):
        alert_acknowledge(actor=analyst, alert_id=alert.pk + 999)


def test_all_of_ones_own_are_acknowledged_at_once(analyst: User, colleague: User) -> None:
    AlertFactory.create_batch(2, owner=analyst)
    other = AlertFactory(owner=colleague)
    assert alerts_acknowledge_all(actor=analyst) == 2
    other.refresh_from_db()
    assert other.state == "new"


def test_an_alert_goes_from_new_to_acknowledged_to_resolved(analyst: User) -> None:
    alert = AlertFactory(owner=analyst)
    seen = alert_acknowledge(actor=analyst, alert_id=alert.pk, comment="  asked   the desk ")
    assert (seen.state, seen.comment) == ("acknowledged", "asked the desk")
    again = alert_acknowledge(actor=analyst, alert_id=alert.pk)
    assert (again.comment, again.acknowledged_at) == ("asked the desk", seen.acknowledged_at)
    done = alert_resolve(actor=analyst, alert_id=alert.pk)
    assert (done.state, done.comment) == ("resolved", "asked the desk")
    assert alert_acknowledge(actor=analyst, alert_id=alert.pk).state == "resolved"
    straight = alert_resolve(actor=analyst, alert_id=AlertFactory(owner=analyst).pk)
    assert straight.acknowledged_at == straight.resolved_at


def test_verdicts_make_the_precision_of_a_rule(analyst: User) -> None:
    rule = RuleFactory(owner=analyst)
    for verdict in ("useful", "useful", "useful", "noise", ""):
        alert = AlertFactory(owner=analyst, rule=rule)
        alert_rate(actor=analyst, alert_id=alert.pk, verdict=verdict)
    (listed,) = rule_list(owner=analyst)
    assert (listed.useful, listed.noise, listed.alerts_raised) == (3, 1, 5)
    assert RuleSerializer(listed).data["precision"] == 0.75
    with pytest.raises(InvalidInput, match="useful"):
        alert_rate(actor=analyst, alert_id=alert.pk, verdict="great")


def test_nobody_touches_anothers_alert(
    analyst: User, colleague: User, client_for: ClientFor
) -> None:
    alert = AlertFactory(owner=analyst)
    client = client_for(colleague)
    for action, body in (("acknowledge", {}), ("resolve", {}), ("rate", {"verdict": "noise"})):
        path = f"/api/v1/market/alerts/{alert.pk}/{action}/"
        assert client.post(path, body, content_type="application/json").status_code == 404
    alert.refresh_from_db()
    assert (alert.state, alert.verdict) == ("new", "")


def test_the_api_takes_comments_and_verdicts(analyst: User, client_for: ClientFor) -> None:
    alert = AlertFactory(owner=analyst)
    client = client_for(analyst)

    def post(action: str, **body: str) -> Any:
        path = f"/api/v1/market/alerts/{alert.pk}/{action}/"
        return client.post(path, body, content_type="application/json")

    assert post("acknowledge", comment="x" * 501).status_code == 422
    assert post("acknowledge", comment="known").json()["comment"] == "known"
    assert post("rate", verdict="useful").json()["verdict"] == "useful"
    assert post("resolve").json()["state"] == "resolved"
    page = client.get("/market/alerts/?state=all").content.decode()
    assert "known" in page
    assert 'aria-pressed="true"' in page
    assert "1 useful, 0 noise" in client.get("/market/rules/").content.decode()
