"""Stories that grow, rules that ring too often, and rules that match the same story."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.core.models import Event
from apps.market.models import Alert, Company, Delivery, Rule
from apps.market.payloads import alert_stream
from apps.market.selectors.alerts import alert_list
from apps.market.services.deliveries import deliveries_send_due
from apps.market.services.handling import HandlingInput, handling_set
from tests.conftest import ClientFor
from tests.market.factories import RuleFactory, news, take_in
from tests.market.receivers import Receiver, webhook

pytestmark = pytest.mark.django_db(transaction=True)

STORY = ("Halvern Steel plunges after furnace fire in Duisburg", "Nobody was hurt there.")
HEADLINES = (
    "Halvern Steel plunges on weak orders from shipyards",
    "Auditor quits: Halvern Steel plunges before the weekend",
    "Halvern Steel plunges as Brussels opens inquiry into prices",
    "Union calls strike at the mills and Halvern Steel plunges",
)


@pytest.fixture
def rule(analyst: User, halvern: Company) -> Rule:
    return RuleFactory(owner=analyst, company=halvern)


def kinds(user: User) -> list[str]:
    events = Event.objects.filter(stream=alert_stream(user.pk)).order_by("seq")
    return list(events.values_list("kind", flat=True))


def limit(rule: Rule, number: int, *channels: int) -> None:
    wanted = HandlingInput(max_an_hour=number, channel_ids=channels)
    handling_set(actor=rule.owner, rule_id=rule.pk, wanted=wanted)


def test_an_alert_grows_with_its_story(
    analyst: User, rule: Rule, receiver: Receiver, client_for: ClientFor
) -> None:
    webhook(analyst, receiver, rule)
    title, body = STORY
    take_in(news(title, body, url="https://w.example/1"))
    assert alert_list(owner=analyst).get().similar == 0
    take_in(*[news(title, body, url=f"https://v.example/{n}") for n in range(3)])
    take_in(news(title, f"{body} Updated.", url="https://w.example/1"))  # a revision, no repeat
    assert alert_list(owner=analyst).get().similar == 3
    [told] = client_for(analyst).get("/api/v1/market/alerts/").json()["results"]
    assert (told["similar"], told["story"]) == (3, Alert.objects.get().story_id)
    page = client_for(analyst).get("/market/alerts/").content.decode()
    assert "+<span>3</span> similar" in page
    assert len(receiver.bodies) == 1


def test_a_story_that_two_rules_match_is_told_a_channel_once(
    analyst: User, halvern: Company, rule: Rule, receiver: Receiver
) -> None:
    other = RuleFactory(owner=analyst, name="Any company", threshold=0.5)
    webhook(analyst, receiver, rule, other)
    take_in(news(HEADLINES[0]))
    assert Alert.objects.count() == 2
    assert len(receiver.bodies) == 1
    data = receiver.json()["data"]
    assert (data["rule"]["name"], [row["rule"]["name"] for row in data["also"]]) == (
        "Bad news",
        ["Any company"],
    )
    take_in(news(HEADLINES[1]))
    assert len(receiver.bodies) == 2


def test_rules_of_two_people_tell_each_channel(
    analyst: User, colleague: User, rule: Rule, receiver: Receiver
) -> None:
    webhook(analyst, receiver, rule)
    webhook(colleague, receiver, RuleFactory(owner=colleague))
    take_in(news(HEADLINES[0]))
    assert sorted(len(receiver.json(n)["data"]["also"]) for n in range(2)) == [0, 0]


def test_a_rule_rings_so_often_an_hour_and_tells_the_rest(
    analyst: User, rule: Rule, receiver: Receiver
) -> None:
    channel = webhook(analyst, receiver, rule)
    limit(rule, 2, channel.pk)
    for headline in HEADLINES:
        take_in(news(headline))
    quiet = list(Alert.objects.order_by("id").values_list("quiet", flat=True))
    assert quiet == ["", "", "throttled", "throttled"]
    assert kinds(analyst) == ["alert.created"] * 2 + ["alert.throttled"] * 2
    assert len(receiver.bodies) == 2
    overflow = Delivery.objects.get(kind="overflow")
    assert timezone.now() < overflow.due_at <= timezone.now() + timedelta(hours=1)
    Delivery.objects.update(due_at=timezone.now())
    deliveries_send_due()
    told = receiver.json()
    assert (told["type"], told["data"]["number"], told["data"]["name"]) == (
        "alert.overflow",
        2,
        "Bad news",
    )


def test_after_an_hour_it_rings_again(analyst: User, rule: Rule) -> None:
    limit(rule, 1)
    take_in(news(HEADLINES[0]), news(HEADLINES[1]))
    Alert.objects.filter(quiet="").update(rang_at=timezone.now() - timedelta(minutes=61))
    take_in(news(HEADLINES[2]))
    quiet = list(Alert.objects.order_by("id").values_list("quiet", flat=True))
    assert quiet == ["", "throttled", ""]


def test_the_monitor_counts_what_did_not_ring(
    analyst: User, rule: Rule, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    path = f"/market/rules/{rule.pk}/handling/"
    assert client.post(path, {"max_an_hour": "5000"}).status_code == 422
    assert client.post(path, {"max_an_hour": "1"}).status_code == 302
    take_in(news(HEADLINES[0]), news(HEADLINES[1]))
    assert "+<span>1</span> did not ring" in client.get("/market/").content.decode()
    assert "did not ring" in client.get("/market/alerts/").content.decode()
    with pytest.raises(InvalidInput, match="max_an_hour"):
        limit(rule, -1)
