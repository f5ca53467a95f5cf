"""Customers whom their site vouches for: identity, history, merging; what operators saw."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AuditEntry, Role, User
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.support import selectors, services
from apps.support.identity import Identity, identity_read, identity_secret, identity_sign
from apps.support.models import Conversation, Customer, Team
from apps.support.selectors import customers as reads
from apps.support.services import customers
from apps.support.visitors import COOKIE, visitor_from_token, visitor_token
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db
API = "/api/v1/support"
JSON: Any = {"content_type": "application/json"}


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)


def signed(**more: Any) -> str:
    statement = {"id": "c-17", "name": "Vera Lind", "at": timezone.now().timestamp()} | more
    return identity_sign(statement, secret=identity_secret())


def wrote(visitor: uuid.UUID, *texts: str) -> Conversation:
    conversation = services.conversation_open(visitor=visitor)
    for text in texts:
        services.message_receive(
            conversation_id=conversation.id, text=text, client_id=uuid.uuid4().hex
        )
    conversation.refresh_from_db()
    return conversation


def test_only_what_the_site_has_signed_lately_is_believed() -> None:
    now = timezone.now()
    found = identity_read(signed(attributes={"plan": "gold"}), now=now)
    assert (found.id, found.name, found.attributes) == ("c-17", "Vera Lind", {"plan": "gold"})
    body, mac = signed().split(".")
    for wrong in (
        "",
        "nonsense",
        f"{body}.{'0' * 64}",
        f"{body[:-4]}AAAA.{mac}",
        identity_sign({"id": "c-17", "at": now.timestamp()}, secret="guessed"),
        signed(at=(now - timedelta(hours=25)).timestamp()),
        signed(at=(now + timedelta(hours=1)).timestamp()),
        signed(at="soon"),
        signed(id="  "),
        signed(attributes=[1]),
        signed(name="x" * 5000),
    ):
        with pytest.raises(NotAllowed):
            identity_read(wrong, now=now)


def test_a_customer_has_the_same_conversations_on_each_device() -> None:
    phone, laptop = uuid.uuid4(), uuid.uuid4()
    first = wrote(phone, "where is my card")
    customer = customers.customer_identify(visitor=phone, identity=Identity("c-17", "Vera"))
    assert customer.visitor == phone
    second = wrote(laptop, "hello?")
    again = customers.customer_identify(visitor=laptop, identity=Identity("c-17", "Vera Lind"))
    assert again.visitor == phone
    rows = Conversation.objects.filter(visitor=phone)
    assert {row.pk for row in rows} == {first.pk, second.pk}
    assert {row.visitor_name for row in rows} == {"Vera Lind"}
    # Who was the stranger on the laptop is nobody now: writing opens a new conversation.
    other = services.conversation_open(visitor=laptop)
    assert other.pk not in {first.pk, second.pk}
    assert other.visitor_name == ""


def test_who_is_known_before_they_write_has_their_name_from_the_first_word() -> None:
    named = customers.customer_identify(visitor=None, identity=Identity("c-18", "Omar Haddad"))
    assert services.conversation_open(visitor=named.visitor).visitor_name == "Omar Haddad"
    assert services.conversation_start(visitor=named.visitor).visitor_name == "Omar Haddad"


def test_two_customers_of_one_device_share_nothing() -> None:
    device = uuid.uuid4()
    first = wrote(device, "a secret of Vera's")
    vera = customers.customer_identify(visitor=device, identity=Identity("vera"))
    omar = customers.customer_identify(visitor=vera.visitor, identity=Identity("omar"))
    assert omar.visitor != vera.visitor
    assert selectors.conversation_of_visitor(visitor=omar.visitor) is None
    first.refresh_from_db()
    assert first.visitor == vera.visitor


def test_the_chat_becomes_the_customers_by_a_signed_statement() -> None:
    browser = Client()
    browser.get("/support/widget/")
    stranger = visitor_from_token(browser.cookies[COOKIE].value)
    assert stranger is not None
    url = f"{API}/visitor/identity/"
    refused = browser.post(url, {"identity": "x.y"}, **JSON)
    assert refused.status_code == 403
    assert refused.json()["code"] == "identity_unsigned"
    # A form of another site, which needs no preflight, is not read.
    assert browser.post(url, {"identity": signed()}).status_code == 415
    wrote(stranger, "hello")
    known = browser.post(url, {"identity": signed()}, **JSON)
    assert known.json() == {"name": "Vera Lind", "changed": False}
    other = Client()
    other.get("/support/widget/")
    assert other.post(url, {"identity": signed()}, **JSON).json()["changed"]
    assert visitor_from_token(other.cookies[COOKIE].value) == stranger
    assert other.delete(url).status_code == 204
    assert visitor_from_token(other.cookies[COOKIE].value) != stranger
    program = browser.post(
        url,
        {"identity": signed()},
        headers={"X-Visitor-Token": visitor_token(uuid.uuid4())},
        **JSON,
    )
    assert visitor_from_token(program.json()["token"]) == stranger
    assert Customer.objects.count() == 1


def test_history_and_list_are_of_conversations_in_sight(olivia: User, lena: User) -> None:
    customer = customers.customer_identify(visitor=None, identity=Identity("c-17", "Vera Lind"))
    shown, hidden = (
        services.conversation_start(visitor=customer.visitor, name="Vera Lind") for _ in range(2)
    )
    team = Team.objects.create(name="Fraud", private=True)
    team.members.add(lena)
    Conversation.objects.filter(pk=hidden.pk).update(team=team)
    other = wrote(uuid.uuid4(), "hi")
    person = reads.person_get(visitor=customer.visitor, operator=olivia)
    assert [one.pk for one in person.conversations] == [shown.pk]
    assert len(reads.person_get(visitor=customer.visitor, operator=lena).conversations) == 2
    Conversation.objects.filter(pk=shown.pk).update(team=team)
    with pytest.raises(NotFound):
        reads.person_get(visitor=customer.visitor, operator=olivia)
    desk, lead = client_of(olivia), client_of(lena)
    assert [row["visitor"] for row in desk.get(f"{API}/customers/").json()] == [str(other.visitor)]
    (row,) = lead.get(f"{API}/customers/?q=vera").json()
    assert (row["conversations"], row["customer"]["id"]) == (2, "c-17")
    assert desk.get(f"{API}/customers/{customer.visitor}/").status_code == 404
    assert "Vera Lind" in lead.get(f"/support/customers/{customer.visitor}/").content.decode()
    panel = lead.get(f"/support/c/{shown.pk}/inspector/").content.decode()
    assert str(hidden.pk) in panel
    assert "c-17" in panel


def test_a_site_may_call_what_it_says_items(lena: User) -> None:
    said = Identity("c-17", "Vera Lind", attributes={"items": "7 in the basket"})
    customer = customers.customer_identify(visitor=None, identity=said)
    conversation = services.conversation_start(visitor=customer.visitor)
    for url in (f"customers/{customer.visitor}", f"c/{conversation.pk}/inspector"):
        page = client_of(lena).get(f"/support/{url}/").content.decode()
        assert "<dt>items</dt><dd>7 in the basket</dd>" in page, url


def test_conversations_of_one_customer_are_merged(olivia: User, omar: User) -> None:
    visitor = uuid.uuid4()
    target = wrote(visitor, "first", "second")
    other = services.conversation_start(visitor=visitor)
    services.message_receive(conversation_id=other.id, text="third", client_id="x")
    services.conversation_take(conversation_id=target.id, operator=olivia)
    services.conversation_take(conversation_id=other.id, operator=omar)
    with pytest.raises(Conflict, match="Omar-Op is handling"):
        customers.conversation_merge(conversation_id=target.id, other_id=other.id, operator=olivia)
    services.conversation_release(conversation_id=other.id, operator=omar)
    reply = client_of(olivia).post(
        f"{API}/conversations/{target.id}/merge/", {"other": str(other.id)}, **JSON
    )
    assert reply.status_code == 200
    texts = [one.text for one in target.messages.all() if one.author == "visitor"]
    assert texts == ["first", "second", "third"]
    assert [one.seq for one in target.messages.all()] == list(range(1, target.messages.count() + 1))
    other.refresh_from_db()
    assert other.state == Conversation.State.RESOLVED
    latest = selectors.conversation_of_visitor(visitor=visitor)
    assert latest is not None
    assert latest.pk == target.pk
    stranger = wrote(uuid.uuid4(), "hi")
    with pytest.raises(InvalidInput, match="one customer"):
        customers.conversation_merge(
            conversation_id=target.id, other_id=stranger.id, operator=olivia
        )


def test_the_log_says_who_looked_and_only_leads_read_it(
    olivia: User, lena: User, conversation: Conversation
) -> None:
    desk = client_of(olivia)
    for _ in range(2):
        desk.get(f"/support/c/{conversation.pk}/")
    desk.get(f"{API}/conversations/{conversation.pk}/")
    seen = AuditEntry.objects.filter(action="conversation.seen", object_id=str(conversation.pk))
    assert [entry.actor for entry in seen] == [olivia]
    assert desk.get("/support/audit/").status_code == 403
    assert desk.get(f"{API}/audit/").status_code == 403
    lead = client_of(lena)
    assert "conversation.seen" in lead.get("/support/audit/?person=olivia").content.decode()
    assert "No such entry" in lead.get("/support/audit/?person=nobody").content.decode()
    of_customer = f"{API}/audit/?about={conversation.visitor}"
    assert len(lead.get(of_customer).json()["results"]) == 1
    assert lead.get(f"{API}/audit/?about={uuid.uuid4()}").json()["results"] == []
    assert "opened it" in lead.get(f"/support/customers/{conversation.visitor}/").content.decode()
    (entry,) = lead.get(f"{API}/audit/?action=conversation.seen").json()["results"]
    assert (entry["by"], entry["object"]) == ("Olivia-Op", str(conversation.pk))
    assert "secret" not in lead.get("/support/customers/").content.decode()
