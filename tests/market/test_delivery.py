from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone, translation

from apps.accounts.models import Role, User
from apps.core import posting
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.fetching import Fetcher
from apps.market.models import Alert, Channel, Company, Delivery, DeliveryTry, Rule
from apps.market.services.channels import (
    channel_create,
    channel_delete,
    channel_renew_secret,
    channel_switch,
    channel_test,
)
from apps.market.services.deliveries import (
    MAX_TRIES,
    deliveries_send_due,
    delivery_resend,
    pause_after,
)
from apps.market.services.handling import HandlingInput, handling_set
from apps.market.services.rules import rule_delete
from tests.conftest import ClientFor
from tests.market.factories import RuleFactory, news, take_in
from tests.market.receivers import Receiver, receiving, webhook

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/market"


@pytest.fixture
def rule(analyst: User, halvern: Company) -> Rule:
    return RuleFactory(owner=analyst, company=halvern)


def come_due() -> int:
    """Let every pause be over and send."""
    Delivery.objects.update(due_at=timezone.now(), lease_until=None)
    return deliveries_send_due()


def test_an_alert_reaches_a_signed_webhook(
    analyst: User, rule: Rule, receiver: Receiver, settings: Any
) -> None:
    settings.SITE_URL = "https://news.example"
    channel, secret = channel_create(
        actor=analyst, name="desk", kind="webhook", address=receiver.url
    )
    handling_set(actor=analyst, rule_id=rule.pk, wanted=HandlingInput(channel_ids=(channel.pk,)))
    [article] = take_in(news("Halvern Steel plunges"))
    alert = Alert.objects.get()
    body = receiver.json()
    assert (body["type"], body["data"]["id"]) == ("alert.created", alert.pk)
    assert body["data"]["article"]["title"] == "Halvern Steel plunges"
    assert body["data"]["url"] == f"https://news.example/market/articles/{article.pk}/"
    assert receiver.headers[0]["webhook-id"] == f"alert-{alert.pk}-{channel.pk}"
    assert receiver.verify(secret)
    assert not receiver.verify("whsec_" + "A" * 43 + "=")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.alert) == ("delivered", 1, alert)
    attempt = DeliveryTry.objects.get()
    assert (attempt.status, attempt.delivered, attempt.error) == (200, True, "")
    assert attempt.seconds > 0


def test_a_slack_webhook_gets_text_with_its_markup_escaped(
    analyst: User, rule: Rule, receiver: Receiver
) -> None:
    webhook(analyst, receiver, rule, kind="slack")
    take_in(news("Halvern Steel plunges <b>&"))
    text = receiver.json()["text"]
    assert "|Halvern Steel plunges &lt;b&gt;&amp;>" in text
    assert "negative" in text
    assert "webhook-signature" not in receiver.headers[0]


def test_an_alert_is_mailed_to_oneself(analyst: User, rule: Rule) -> None:
    analyst.email = "anna@desk.example"
    analyst.save()
    channel, secret = channel_create(
        actor=analyst, name="me", kind="email", address="Anna@desk.example"
    )
    assert secret == ""
    handling_set(actor=analyst, rule_id=rule.pk, wanted=HandlingInput(channel_ids=(channel.pk,)))
    take_in(news("Halvern Steel\nplunges"))
    [letter] = mail.outbox
    assert letter.to == ["Anna@desk.example"]
    assert letter.subject == "Bad news: Halvern Steel plunges"
    assert letter.extra_headers["Message-ID"] == f"<{Delivery.objects.get().key}@trefoil>"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("anna@desk.example", True),
        ("team@firm.example", True),
        ("anyone@partner.example", True),
        ("other@desk.example", False),
        ("x@sub.partner.example", False),
        ("no address", False),
    ],
)
def test_alerts_are_mailed_to_allowed_addresses_alone(
    analyst: User, settings: Any, address: str, allowed: bool
) -> None:
    settings.ALERT_ADDRESSES = ["team@firm.example", "@partner.example"]
    analyst.email = "anna@desk.example"
    if allowed:
        channel_create(actor=analyst, name="m", kind="email", address=address)
    else:
        with pytest.raises(InvalidInput) as caught:
            channel_create(actor=analyst, name="m", kind="email", address=address)
        assert "address" in caught.value.fields


@pytest.mark.parametrize("kind", ["webhook", "slack"])
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/", "http://169.254.169.254/latest", "ftp://x.example/", "x"]
)
def test_an_address_that_leads_inside_is_refused_at_once(
    analyst: User, kind: str, address: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        channel_create(actor=analyst, name="inside", kind=kind, address=address)
    assert caught.value.code in ("address_refused", "invalid_url")
    assert not Channel.objects.exists()


def test_a_name_that_turns_inside_later_is_refused_when_sending(
    analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["93.184.216.34"], ["10.0.0.7"]])
    fetcher = Fetcher(resolver=lambda host, port: next(answers))
    monkeypatch.setattr(posting, "sender", lambda: fetcher)
    channel, _ = channel_create(
        actor=analyst, name="r", kind="webhook", address="https://rebinding.example/"
    )
    delivery = channel_test(actor=analyst, channel_id=channel.pk)
    assert delivery.state == "dead"
    assert "private address" in delivery.error


def test_redirects_are_not_followed(analyst: User, receiver: Receiver) -> None:
    receiver.statuses, receiver.location = [307], receiver.url
    channel = webhook(analyst, receiver)
    delivery = channel_test(actor=analyst, channel_id=channel.pk)
    assert delivery.state == "waiting"
    assert "redirects are not followed" in delivery.error
    with translation.override("zh-hans"):
        assert delivery.error_words == "接收方要求转到别处（307）；不跟随重定向。"
    assert len(receiver.bodies) == 1


def test_a_failure_is_tried_again_with_the_same_key_and_body(
    analyst: User, rule: Rule, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503, 204]
    webhook(analyst, receiver, rule)
    take_in(news("Halvern Steel plunges"))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == ("waiting", "The receiver answered 500.")
    assert delivery.due_at > timezone.now()
    assert deliveries_send_due() == 0  # it pauses first
    assert (come_due(), come_due(), come_due()) == (1, 1, 0)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 3)
    assert [attempt.status for attempt in delivery.tries.all()] == [500, 503, 204]
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
    assert len(set(receiver.bodies)) == 1


def test_after_enough_tries_it_is_given_up_and_may_be_sent_again(
    analyst: User, rule: Rule, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    webhook(analyst, receiver, rule)
    take_in(news("Halvern Steel plunges"))
    for _ in range(MAX_TRIES + 2):
        come_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, len(receiver.bodies)) == ("dead", MAX_TRIES)
    receiver.statuses = [200]
    again = delivery_resend(actor=analyst, delivery_id=delivery.pk)
    assert (again.state, again.key) == ("delivered", delivery.key)
    with pytest.raises(Conflict):
        delivery_resend(actor=analyst, delivery_id=delivery.pk)
    assert len(receiver.bodies) == MAX_TRIES + 1


def test_what_is_gone_for_good_is_not_tried_again(analyst: User, receiver: Receiver) -> None:
    receiver.statuses = [410]
    channel = webhook(analyst, receiver)
    assert channel_test(actor=analyst, channel_id=channel.pk).state == "dead"


def test_a_receiver_that_is_not_there_is_told_in_words(analyst: User, settings: Any) -> None:
    with receiving() as receiver:
        settings.FETCH_ALLOWED_HOSTS = [receiver.host]
        channel = webhook(analyst, receiver)
    delivery = channel_test(actor=analyst, channel_id=channel.pk)
    assert (delivery.state, delivery.tries.get().status) == ("waiting", None)
    assert delivery.error == "The server could not be reached (ConnectError)."


def test_pauses_grow_to_an_hour_and_vary() -> None:
    for attempts, seconds in ((1, 15), (2, 45), (3, 135), (8, 3600)):
        pauses = [pause_after(attempts).total_seconds() for _ in range(50)]
        assert seconds / 2 <= min(pauses) < max(pauses) <= 1.5 * seconds
        assert len(set(pauses)) > 40


def test_what_a_dead_worker_held_is_sent_by_the_next(
    analyst: User, rule: Rule, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook(analyst, receiver, rule)

    def die(**arguments: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(posting, "parcels_send", die)
        patched.setattr("apps.market.services.raising.deliveries_wake", lambda: None)
        take_in(news("Halvern Steel plunges"))
        with pytest.raises(SystemExit):
            deliveries_send_due()
    assert Alert.objects.count() == 1
    assert deliveries_send_due() == 0  # its lease still runs
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert deliveries_send_due() == 1
    assert (Delivery.objects.get().state, len(receiver.bodies)) == ("delivered", 1)


def test_two_workers_do_not_send_the_same(analyst: User, receiver: Receiver, at_once: Any) -> None:
    channel = webhook(analyst, receiver)
    for number in range(6):
        Delivery.objects.create(
            owner=analyst,
            channel=channel,
            channel_name="w",
            kind="test",
            key=f"k{number}",
            due_at=timezone.now(),
        )
    assert sum(at_once(deliveries_send_due, deliveries_send_due)) == 6
    ids = [headers["webhook-id"] for headers in receiver.headers]
    assert sorted(ids) == [f"k{number}" for number in range(6)]


def test_a_channel_that_is_off_or_gone_gets_nothing(
    analyst: User, rule: Rule, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    channel = webhook(analyst, receiver, rule)
    take_in(news("Halvern Steel plunges"))
    channel_switch(actor=analyst, channel_id=channel.pk, enabled=False)
    come_due()
    assert (Delivery.objects.get().state, len(receiver.bodies)) == ("dropped", 1)
    take_in(news("Halvern Steel sued over plunges"))
    assert (Alert.objects.count(), Delivery.objects.count()) == (2, 1)
    channel_delete(actor=analyst, channel_id=channel.pk)
    kept = Delivery.objects.get()
    assert (kept.channel, kept.channel_name) == (None, "webhook")


def test_nothing_is_sent_for_somebody_who_left(
    analyst: User, rule: Rule, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    webhook(analyst, receiver, rule)
    take_in(news("Halvern Steel plunges"))
    User.objects.filter(id=analyst.pk).update(role=Role.MEMBER)
    come_due()
    assert (Delivery.objects.get().state, len(receiver.bodies)) == ("dropped", 1)


def test_a_new_secret_ends_the_old_one(analyst: User, receiver: Receiver) -> None:
    channel, old = channel_create(actor=analyst, name="w", kind="webhook", address=receiver.url)
    _, new = channel_renew_secret(actor=analyst, channel_id=channel.pk)
    channel_test(actor=analyst, channel_id=channel.pk)
    assert (receiver.verify(new), receiver.verify(old)) == (True, False)
    stored = Channel.objects.values().get()
    assert new not in str(stored)


def test_the_log_outlives_a_rule(analyst: User, rule: Rule, receiver: Receiver) -> None:
    webhook(analyst, receiver, rule)
    take_in(news("Halvern Steel plunges"))
    rule_delete(actor=analyst, rule_id=rule.pk)
    assert Delivery.objects.get().state == "delivered"


def test_channels_and_deliveries_are_their_owners_alone(
    analyst: User,
    colleague: User,
    member: User,
    rule: Rule,
    receiver: Receiver,
    client_for: ClientFor,
) -> None:
    channel = webhook(analyst, receiver, rule)
    channel_test(actor=analyst, channel_id=channel.pk)
    delivery = Delivery.objects.get()
    client = client_for(colleague)
    for method, path in (
        ("get", f"channels/{channel.pk}/"),
        ("delete", f"channels/{channel.pk}/"),
        ("post", f"channels/{channel.pk}/test/"),
        ("post", f"channels/{channel.pk}/secret/"),
        ("get", f"deliveries/{delivery.pk}/"),
        ("post", f"deliveries/{delivery.pk}/resend/"),
        ("get", f"rules/{rule.pk}/handling/"),
    ):
        answer = getattr(client, method)(f"{API}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    own = RuleFactory(owner=colleague)
    body = {"channels": [channel.pk]}
    refused = client.patch(f"{API}/rules/{own.pk}/handling/", body, "application/json")
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["channels"])
    assert client.get(f"{API}/channels/").json()["results"] == []
    assert client.get(f"{API}/deliveries/").json()["results"] == []
    assert client_for(member).get(f"{API}/channels/").status_code == 403
    with pytest.raises(NotAllowed):
        channel_create(actor=member, name="w", kind="webhook", address=receiver.url)
    with pytest.raises(NotFound):
        channel_test(actor=member, channel_id=channel.pk)


def test_the_api_tells_a_secret_once_and_a_slack_address_never(
    analyst: User, rule: Rule, receiver: Receiver, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    wanted = {"name": "Hook", "kind": "webhook", "address": receiver.url}
    made = client.post(f"{API}/channels/", wanted, "application/json")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    again = client.post(f"{API}/channels/", wanted, "application/json")
    assert (again.status_code, again.json()["code"]) == (409, "channel_exists")
    slack = {**wanted, "name": "Chat", "kind": "slack"}
    told = client.post(f"{API}/channels/", slack, "application/json").json()
    assert told["address"] == f"http://{receiver.host}/…"
    listed = client.get(f"{API}/channels/").content.decode()
    assert "whsec_" not in listed
    number = made.json()["id"]
    set_ = client.patch(
        f"{API}/rules/{rule.pk}/handling/", {"channels": [number]}, "application/json"
    )
    assert set_.json()["channels"] == [number]
    sent = client.post(f"{API}/channels/{number}/test/")
    assert (sent.status_code, sent.json()["state"]) == (202, "delivered")
    log = client.get(f"{API}/deliveries/", {"state": "delivered"}).json()["results"]
    assert [attempt["status"] for attempt in log[0]["tries"]] == [200]
    bad = client.get(f"{API}/deliveries/", {"alert": "x"})
    assert (bad.status_code, bad.headers["Content-Type"]) == (422, "application/problem+json")


def test_the_page_adds_tests_and_deletes_a_channel(
    analyst: User, rule: Rule, receiver: Receiver, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    page = "/market/delivery/"
    inside = {"name": "Hook", "kind": "webhook", "address": "http://10.0.0.1/"}
    refused = client.post(page, inside)
    assert refused.status_code == 422
    assert "private address" in refused.content.decode()
    shown = client.post(page, {**inside, "address": receiver.url}).content.decode()
    assert "whsec_" in shown
    assert "whsec_" not in client.get(page).content.decode()
    channel = Channel.objects.get()
    client.post(f"/market/channels/{channel.pk}/", {"action": "test"})
    assert "Test" in client.get("/market/delivery/log/").content.decode()
    handling = f"/market/rules/{rule.pk}/handling/"
    assert client.post(handling, {"channels": [channel.pk]}).status_code == 302
    assert "checked" in client.get(handling).content.decode()
    receiver.statuses = [410]
    client.post(f"/market/channels/{channel.pk}/", {"action": "test"})
    dead = Delivery.objects.get(state="dead")
    receiver.statuses = [200]
    client.post(f"/market/delivery/{dead.pk}/resend/")
    assert not Delivery.objects.filter(state="dead").exists()
    client.post(f"/market/channels/{channel.pk}/", {"action": "delete"})
    assert not Channel.objects.exists()


def test_the_pages_refuse_others(
    analyst: User, colleague: User, member: User, rule: Rule, client_for: ClientFor
) -> None:
    assert client_for(member).get("/market/delivery/").status_code == 403
    assert client_for(colleague).get(f"/market/rules/{rule.pk}/handling/").status_code == 404
    assert client_for(colleague).post("/market/channels/99/", {"action": "test"}).status_code == 404
