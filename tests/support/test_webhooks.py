"""Webhooks of Support: what is told, signed, tried again, given up, sent again; for whom."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from apps.accounts.models import AuditEntry, Role, User
from apps.core.delivering import MAX_TRIES
from apps.core.errors import Conflict, InvalidInput
from apps.support import services
from apps.support.models import Conversation, Webhook, WebhookDelivery
from apps.support.services import telling, webhooks
from apps.support.services.erasure import conversations_erase
from ml.serving.fakes import FakeEngine
from tests.receiver import Receiver, receiving
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/support/webhooks/"


@pytest.fixture
def ada(db: None) -> User:
    return user("ada-admin", Role.ADMINISTRATOR)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as found:
        settings.FETCH_ALLOWED_HOSTS = [found.host]
        yield found


def hook(actor: User, receiver: Receiver, *events: str) -> tuple[Webhook, str]:
    return webhooks.webhook_create(
        actor=actor, name="desk", address=receiver.url, events=events or tuple(telling.EVENTS)
    )


def come_due() -> int:
    """Let every pause be over and send."""
    WebhookDelivery.objects.update(due_at=timezone.now(), lease_until=None)
    return telling.outbox.send_due()


def told(receiver: Receiver) -> list[str]:
    return [receiver.json(at)["type"] for at in range(len(receiver.bodies))]


def test_a_conversation_is_told_from_beginning_to_rating(
    engine: FakeEngine, ada: User, olivia: User, receiver: Receiver
) -> None:
    _, secret = hook(ada, receiver)
    row = services.conversation_open(visitor=uuid.uuid4())
    services.message_receive(conversation_id=row.pk, text="my card 4111", client_id="1")
    services.person_request(conversation_id=row.pk)
    services.conversation_take(conversation_id=row.pk, operator=olivia)
    services.operator_reply(
        conversation_id=row.pk, operator=olivia, text="on its way", client_id="r"
    )
    services.conversation_resolve(conversation_id=row.pk, operator=olivia)
    services.rating_set(conversation_id=row.pk, good=True)
    telling.outbox.send_due()
    assert sorted(told(receiver)) == [
        "conversation.assigned",
        "conversation.handed_over",
        "conversation.opened",
        "conversation.rated",
        "conversation.resolved",
        "message.posted",
        "message.posted",
    ]
    for at in range(len(receiver.bodies)):
        assert receiver.verify(secret, at)
        assert receiver.json(at)["data"]["url"].endswith(f"/support/c/{row.pk}/")
    rated = receiver.json(told(receiver).index("conversation.rated"))["data"]
    assert (rated["good"], rated["visitor"], rated["state"]) == (True, str(row.visitor), "resolved")
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_only_what_is_wanted_is_told(engine: FakeEngine, ada: User, receiver: Receiver) -> None:
    webhook, _ = hook(ada, receiver, "article.published")
    services.conversation_open(visitor=uuid.uuid4())
    content = services.Content(title="Fees", body="None.", published=False)
    services.article_create(author=ada, content=content)
    assert not WebhookDelivery.objects.exists()
    services.article_create(author=ada, content=services.Content(title="Fees", body="None."))
    telling.outbox.send_due()
    assert receiver.json()["data"]["url"].endswith("/support/help/fees-2/")
    webhooks.webhook_change(actor=ada, webhook_id=webhook.pk, enabled=False)
    services.article_create(author=ada, content=services.Content(title="Rates", body="Some."))
    assert WebhookDelivery.objects.count() == 1


def test_what_fails_is_tried_again_given_up_and_sent_again(ada: User, receiver: Receiver) -> None:
    webhook, _ = hook(ada, receiver)
    receiver.statuses = [500]
    webhooks.webhook_test(webhook_id=webhook.pk)
    delivery = WebhookDelivery.objects.get()
    while delivery.state == "waiting":
        come_due()
        delivery.refresh_from_db()
    assert (delivery.state, delivery.tries.count()) == ("dead", MAX_TRIES)
    assert delivery.error == "The receiver answered 500."
    with translation.override("zh-hans"):
        told = {delivery.error_words, *(one.error_words for one in delivery.tries.all())}
    assert told == {"接收方返回了 500。"}
    receiver.statuses = [204]
    webhooks.webhook_resend(delivery_id=delivery.pk)
    telling.outbox.send_due()
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
    assert len(set(receiver.bodies)) == 1
    with pytest.raises(Conflict):
        webhooks.webhook_resend(delivery_id=delivery.pk)


def test_an_address_inside_is_refused_and_what_is_told_rolls_back(
    engine: FakeEngine, ada: User, receiver: Receiver, settings: Any
) -> None:
    for address in ("http://169.254.169.254/", "http://127.0.0.1:1/", "ftp://x", "no"):
        with pytest.raises(InvalidInput):
            webhooks.webhook_create(actor=ada, name="x", address=address, events=["message.posted"])
    hook(ada, receiver)
    settings.FETCH_ALLOWED_HOSTS = []
    services.conversation_open(visitor=uuid.uuid4())
    come_due()
    assert WebhookDelivery.objects.get().state == "dead"
    assert receiver.bodies == []


def test_erasing_a_conversation_takes_what_was_told_of_it(
    engine: FakeEngine, ada: User, receiver: Receiver
) -> None:
    hook(ada, receiver)
    row = services.conversation_open(visitor=uuid.uuid4())
    services.message_receive(conversation_id=row.pk, text="my secret", client_id="1")
    assert WebhookDelivery.objects.count() == 2
    conversations_erase(conversation_ids=[row.pk], keep_examples=False)
    assert not WebhookDelivery.objects.exists()
    assert not Conversation.objects.exists()


def test_the_log_is_pruned(ada: User, receiver: Receiver) -> None:
    webhook, _ = hook(ada, receiver)
    webhooks.webhook_test(webhook_id=webhook.pk)
    WebhookDelivery.objects.update(
        state="dead", created_at=timezone.now() - telling.KEPT - timedelta(days=1)
    )
    assert telling.log_prune() == 1


def test_the_api_is_for_administrators(
    ada: User, olivia: User, mei: User, receiver: Receiver
) -> None:
    given = {"name": "desk", "address": receiver.url, "events": ["message.posted"]}
    for person in (olivia, mei):
        assert client_of(person).get(API).status_code == 403
        refused = client_of(person).post(API, given, content_type="application/json")
        assert refused.status_code == 403
        assert client_of(person).get("/support/webhooks/").status_code == 403
    lead = client_of(user("lena-lead", Role.LEAD)).get("/support/webhooks/")
    assert (lead.status_code, b"This is for administrators." in lead.content) == (403, True)
    assert Client().get(API).status_code == 401
    client = client_of(ada)
    made = client.post(API, given, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    one = f"{API}{made.json()['id']}/"
    assert "secret" not in client.get(one).json()
    assert client.post(API, given, content_type="application/json").status_code == 409
    wrong = client.post(API, given | {"events": ["x"]}, content_type="application/json")
    assert wrong.status_code == 400
    changed = client.patch(one, {"enabled": False}, content_type="application/json")
    assert changed.json()["enabled"] is False
    renewed = client.post(f"{one}secret/").json()["secret"]
    assert renewed != made.json()["secret"]
    assert client.post(f"{one}test/").status_code == 202
    come_due()
    assert receiver.verify(renewed)  # a test goes out though it is switched off
    (row,) = client.get(f"{API}deliveries/?state=delivered").json()["results"]
    assert row["tries"][0]["status"] == 200
    assert client.get(f"{API}deliveries/?state=x").status_code == 422
    assert client.post(f"{API}deliveries/{row['id']}/resend/").status_code == 409
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    assert AuditEntry.objects.filter(object_type="webhook").count() == 4


def test_the_page_adds_tests_switches_and_deletes(ada: User, receiver: Receiver) -> None:
    client, path = client_of(ada), "/support/webhooks/"
    assert "No webhooks yet" in client.get(path).content.decode()
    form = {"name": "desk", "address": "http://10.0.0.1/", "events": ["message.posted"]}
    refused = client.post(path, form)
    assert refused.status_code == 422
    assert "http://10.0.0.1/" in refused.content.decode()
    made = client.post(path, form | {"address": receiver.url}).content.decode()
    assert "whsec_" in made
    webhook = Webhook.objects.get()
    act = f"{path}{webhook.pk}/"
    client.post(act, {"action": "events", "events": ["conversation.rated"]})
    client.post(act, {"action": "off"})
    webhook.refresh_from_db()
    assert (webhook.enabled, webhook.events) == (False, ["conversation.rated"])
    client.post(act, {"action": "test"})
    come_due()
    assert "delivered" in client.get(f"{path}log/").content.decode()
    assert "whsec_" in client.post(act, {"action": "secret"}).content.decode()
    client.post(act, {"action": "delete"})
    assert not Webhook.objects.exists()
    assert "desk" in client.get(path).content.decode()  # the log stays
