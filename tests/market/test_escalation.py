"""Assigning, escalating and resolving alerts, and the timeline that tells of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotFound
from apps.core.models import Event
from apps.market.models import Alert, Company, Rule
from apps.market.payloads import alert_stream
from apps.market.selectors.alerts import alert_get, ringing_list
from apps.market.selectors.timeline import timeline
from apps.market.services.alerts import alert_acknowledge, alert_rate, alert_resolve
from apps.market.services.escalation import alert_assign, alerts_escalate
from apps.market.services.handling import HandlingInput, handling_set
from tests.conftest import ClientFor
from tests.market.factories import AlertFactory, RuleFactory, news, take_in
from tests.market.receivers import Receiver, webhook

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/market"


@pytest.fixture
def rule(analyst: User, halvern: Company) -> Rule:
    return RuleFactory(owner=analyst, company=halvern)


def kinds(user: User) -> list[str]:
    events = Event.objects.filter(stream=alert_stream(user.pk)).order_by("seq")
    return list(events.values_list("kind", flat=True))


def told(user: User, alert: Alert) -> list[str]:
    return [item.kind for item in timeline(alert=alert_get(owner=user, alert_id=alert.pk))]


def test_a_colleague_sees_and_handles_what_is_assigned_to_them(
    analyst: User, colleague: User
) -> None:
    alert = AlertFactory(owner=analyst)
    with pytest.raises(NotFound):
        alert_acknowledge(actor=colleague, alert_id=alert.pk)
    alert_assign(actor=analyst, alert_id=alert.pk, assignee_id=colleague.pk)
    alert_assign(actor=analyst, alert_id=alert.pk, assignee_id=colleague.pk)  # again: no change
    assert list(ringing_list(owner=colleague)) == [alert]
    assert kinds(colleague) == kinds(analyst) == ["alert.assigned"]
    done = alert_resolve(actor=colleague, alert_id=alert.pk, reason=" known  outage ")
    assert (done.state, done.resolution) == ("resolved", "known outage")
    assert kinds(analyst)[-1] == "alert.acknowledged"
    assert told(analyst, alert) == ["raised", "assigned", "resolved"]
    [_, assigned, resolved] = timeline(alert=alert_get(owner=analyst, alert_id=alert.pk))
    assert (assigned.by, assigned.text) == ("Analyst", colleague.display_name)
    assert (resolved.by, resolved.text) == (colleague.display_name, "known outage")


def test_an_assignment_is_taken_back(analyst: User, colleague: User) -> None:
    alert = AlertFactory(owner=analyst)
    alert_assign(actor=analyst, alert_id=alert.pk, assignee_id=colleague.pk)
    alert_assign(actor=colleague, alert_id=alert.pk, assignee_id=None)
    assert kinds(colleague) == ["alert.assigned", "alert.unassigned"]
    with pytest.raises(NotFound):
        alert_get(owner=colleague, alert_id=alert.pk)
    assert told(analyst, alert) == ["raised", "assigned", "unassigned"]


def test_an_alert_is_assigned_to_analysts_alone(analyst: User, member: User) -> None:
    alert = AlertFactory(owner=analyst)
    for stranger in (member.pk, 99_999):
        with pytest.raises(InvalidInput, match="analyst"):
            alert_assign(actor=analyst, alert_id=alert.pk, assignee_id=stranger)


def test_what_nobody_acknowledges_is_escalated_once(
    analyst: User, colleague: User, rule: Rule, receiver: Receiver
) -> None:
    channel = webhook(analyst, receiver)
    wanted = HandlingInput(
        escalate_minutes=15, escalate_to_id=colleague.pk, escalate_channel_id=channel.pk
    )
    handling_set(actor=analyst, rule_id=rule.pk, wanted=wanted)
    take_in(news("Halvern Steel plunges"))
    alert = Alert.objects.get()
    assert alert.escalate_at == alert.rang_at + timedelta(minutes=15)
    assert alerts_escalate() == 0
    Alert.objects.update(escalate_at=timezone.now())
    assert (alerts_escalate(), alerts_escalate()) == (1, 0)
    alert.refresh_from_db()
    assert (alert.assignee, alert.escalate_at) == (colleague, None)
    assert alert.escalated_at is not None
    assert kinds(colleague) == ["alert.assigned"]
    body = receiver.json()
    assert (body["type"], body["data"]["id"]) == ("alert.escalated", alert.pk)
    assert receiver.headers[0]["webhook-id"] == f"escalation-{alert.pk}-{channel.pk}"
    assert told(analyst, alert) == ["raised", "escalated", "assigned", "delivered"]


def test_what_was_acknowledged_is_not_escalated(analyst: User, colleague: User, rule: Rule) -> None:
    wanted = HandlingInput(escalate_minutes=1, escalate_to_id=colleague.pk)
    handling_set(actor=analyst, rule_id=rule.pk, wanted=wanted)
    take_in(news("Halvern Steel plunges"))
    alert_acknowledge(actor=analyst, alert_id=Alert.objects.get().pk, comment="mine")
    assert Alert.objects.get().escalate_at is None
    take_in(news("Halvern Steel sued over a spill, plunges"))
    rule.delete()
    Alert.objects.update(escalate_at=timezone.now())
    assert alerts_escalate() == 1  # its rule is gone: nobody to pass it on to
    assert not Alert.objects.exclude(assignee=None).exists()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"escalate_minutes": 5}, "escalate_to"),
        ({"escalate_minutes": -1}, "escalate_minutes"),
        ({"escalate_minutes": 5, "escalate_to": "member"}, "escalate_to"),
        ({"escalate_minutes": 5, "escalate_to": "analyst"}, "escalate_to"),
        ({"escalate_minutes": 5, "escalate_channel": 99}, "escalate_channel"),
    ],
)
def test_an_unusable_escalation_names_its_field(
    analyst: User,
    member: User,
    rule: Rule,
    client_for: ClientFor,
    wanted: dict[str, object],
    field: str,
) -> None:
    people = {"member": member.pk, "analyst": analyst.pk}
    body = {name: people.get(str(value), value) for name, value in wanted.items()}
    answer = client_for(analyst).patch(f"{API}/rules/{rule.pk}/handling/", body, "application/json")
    assert (answer.status_code, list(answer.json()["fields"])) == (422, [field])


def test_the_timeline_holds_all_that_happened(analyst: User) -> None:
    alert = AlertFactory(owner=analyst)
    alert_acknowledge(actor=analyst, alert_id=alert.pk)
    alert_acknowledge(actor=analyst, alert_id=alert.pk, comment="asked the desk")
    alert_rate(actor=analyst, alert_id=alert.pk, verdict="noise")
    alert_rate(actor=analyst, alert_id=alert.pk, verdict="noise")
    alert_resolve(actor=analyst, alert_id=alert.pk)
    expected = ["raised", "acknowledged", "commented", "rated", "resolved"]
    assert told(analyst, alert) == expected


def test_the_api_assigns_and_tells_the_timeline(
    analyst: User, colleague: User, member: User, client_for: ClientFor
) -> None:
    alert = AlertFactory(owner=analyst)
    path = f"{API}/alerts/{alert.pk}/"
    for action, body in (("", None), ("assign/", {"assignee": colleague.pk})):
        client = client_for(colleague)
        answer = (
            client.post(path + action, body, "application/json") if action else client.get(path)
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client_for(member).get(path).status_code == 403
    client = client_for(analyst)
    people = client.get(f"{API}/colleagues/").json()["results"]
    assert people == [{"id": colleague.pk, "name": colleague.display_name}]
    given = client.post(f"{path}assign/", {"assignee": colleague.pk}, "application/json").json()
    assert given["assignee"]["id"] == colleague.pk
    closed = client_for(colleague).post(f"{path}resolve/", {"reason": "done"}, "application/json")
    assert closed.json()["resolution"] == "done"
    items = client.get(path).json()["timeline"]
    assert [item["kind"] for item in items] == ["raised", "assigned", "resolved"]
    assert client.get(f"{API}/alerts/").json()["results"][0]["state"] == "resolved"


def test_the_page_of_an_alert(
    analyst: User, colleague: User, rule: Rule, client_for: ClientFor
) -> None:
    alert = AlertFactory(owner=analyst)
    path = f"/market/alerts/{alert.pk}/"
    assert client_for(colleague).get(path).status_code == 404
    assert client_for(colleague).post(f"{path}act/", {"action": "resolve"}).status_code == 404
    client = client_for(analyst)
    client.post(f"{path}act/", {"action": "acknowledge", "text": "looking"})
    client.post(f"{path}act/", {"action": "assign", "assignee": colleague.pk})
    client.post(f"{path}act/", {"action": "rate", "verdict": "useful"})
    client.post(f"{path}act/", {"action": "resolve", "text": "nothing new"})
    shown = client.get(path).content.decode()
    for words in ("looking", colleague.display_name, "Useful", "nothing new", "Alert me when"):
        assert words in shown
    back = client_for(colleague).post(f"{path}act/", {"action": "assign", "assignee": ""})
    assert back["Location"] == "/market/alerts/"
    handling = f"/market/rules/{rule.pk}/handling/"
    form = {"escalate_minutes": "30", "escalate_to": colleague.pk}
    assert client.post(handling, form).status_code == 302
    assert f'value="{colleague.pk}" selected' in client.get(handling).content.decode()
