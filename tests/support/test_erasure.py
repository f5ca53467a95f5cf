"""One customer's data, erased wherever it lies; retention, with a preview that holds."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from apps.accounts.models import AuditEntry, Role, User
from apps.core.errors import NotFound
from apps.core.models import Event
from apps.modelhub.files import rows_store
from apps.modelhub.models import DataSet, DataSetVersion, LabelledExample
from apps.support import cases, services
from apps.support.identity import Identity
from apps.support.models import Conversation, ErasureReceipt, Message, RetentionRule, ServiceCase
from apps.support.services import corrections, customers, erasure, retention
from ml.data.readers import LabelledText
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/support"
JSON: Any = {"content_type": "application/json"}
MARK = "zanzibarquince"


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)


def tables_with(*marks: str) -> list[str]:
    """``table.column`` of everything in the database that holds one of the texts."""
    found = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            quoted = connection.ops.quote_name(table)
            for column in connection.introspection.get_table_description(cursor, table):
                name = connection.ops.quote_name(column.name)
                for mark in marks:
                    cursor.execute(
                        f"SELECT COUNT(*) FROM {quoted} WHERE lower(CAST({name} AS TEXT)) LIKE %s",
                        [f"%{mark.lower()}%"],
                    )
                    if cursor.fetchone()[0]:
                        found.append(f"{table}.{column.name}")
    return found


def marked(olivia: User, omar: User) -> tuple[uuid.UUID, Conversation]:
    """A customer whose every word bears the mark, left in every place that there is."""
    customer = customers.customer_identify(
        visitor=None,
        identity=Identity(f"id-{MARK}", f"Vera {MARK}", f"{MARK}@example.org", {"plan": MARK}),
    )
    conversation = services.conversation_start(visitor=customer.visitor, name=f"Vera {MARK}")
    here: Any = {"conversation_id": conversation.pk}
    services.message_receive(text=f"my card {MARK}", client_id="1", **here)
    services.conversation_take(operator=olivia, **here)
    services.operator_reply(operator=olivia, text=f"Dear {MARK}", client_id="2", **here)
    services.note_add(operator=olivia, text=f"@omar-op see {MARK}", client_id="3", **here)
    services.conversation_sort(operator=olivia, tags=[MARK], **here)
    corrections.intent_correct(seq=1, operator=olivia, label="change_pin", **here)
    ServiceCase.objects.create(
        key=f"{conversation.pk}:block",
        kind="block_card",
        reference="BC-1",
        conversation=conversation,
        details={"name": MARK},
    )
    customers.person_export(visitor=customer.visitor, actor=olivia)
    services.conversation_resolve(operator=olivia, **here)
    cases.cases_renew()
    return customer.visitor, conversation


def test_nothing_of_a_person_is_left_in_any_table(
    articles: Any, olivia: User, omar: User, lena: User
) -> None:
    other = services.conversation_start(visitor=uuid.uuid4(), name="Nadia")
    services.message_receive(conversation_id=other.pk, text="how are you", client_id="1")
    visitor, conversation = marked(olivia, omar)
    before = tables_with(MARK)
    for table in (
        "support_message.text",
        "support_note.text",
        "support_customer.email",
        "support_conversation.visitor_name",
        "modelhub_labelledexample.text",
        "core_event.payload",
        "support_servicecase.details",
        "support_pastcase.question",
    ):
        assert table in before
    reply = client_of(lena).delete(
        f"{API}/customers/{visitor}/", {"reason": "asked on 3 May"}, **JSON
    )
    assert reply.status_code == 200
    receipt = reply.json()
    assert tables_with(MARK, str(visitor), visitor.hex) == []
    assert receipt["counts"]["conversations"] == 1
    assert receipt["counts"]["notes"] == receipt["counts"]["examples"] == 1
    assert receipt["subject"] == erasure.subject_of(visitor)
    (told,) = client_of(lena).get(f"{API}/erasures/?visitor={visitor}").json()
    assert told["id"] == receipt["id"]
    # Everybody else's is as it was, and the streams of the desk have no gap.
    assert Message.objects.get(conversation=other).text == "how are you"
    inbox = Event.objects.filter(stream="support.inbox").order_by("seq")
    assert [row.seq for row in inbox] == list(range(1, inbox.count() + 1))
    assert inbox.filter(kind="conversation.withdrawn", payload__id=str(conversation.pk)).exists()
    with pytest.raises(NotFound):
        erasure.person_erase(visitor=visitor, actor=lena)
    assert ErasureReceipt.objects.count() == 1


def test_a_receipt_names_the_data_sets_that_cannot_forget(
    articles: Any, olivia: User, omar: User, lena: User, settings: Any, tmp_path: Any
) -> None:
    settings.VAR_DIR = tmp_path
    visitor, _ = marked(olivia, omar)
    sha256 = rows_store([LabelledText(f"my card {MARK}", "change_pin")])
    made = DataSet.objects.create(name="ours", task="intent")
    DataSetVersion.objects.create(dataset=made, number=1, sha256=sha256, rows=1)
    receipt = erasure.person_erase(visitor=visitor, actor=lena)
    assert receipt.left == ["ours #1"]


def test_all_that_is_kept_of_a_person_is_exported(
    articles: Any, olivia: User, omar: User, lena: User
) -> None:
    visitor, conversation = marked(olivia, omar)
    url = f"{API}/customers/{visitor}/export/"
    assert client_of(olivia).get(url).status_code == 403
    found = client_of(lena).get(url).json()
    assert found["customer"]["email"] == f"{MARK}@example.org"
    (one,) = found["conversations"]
    said = [message["text"] for message in one["messages"]]
    assert {f"my card {MARK}", f"Dear {MARK}"} <= set(said)
    assert one["notes"][0]["text"] == f"@omar-op see {MARK}"
    assert found["cases"][0]["details"] == {"name": MARK}
    assert AuditEntry.objects.filter(
        action="conversation.exported", object_id=str(conversation.pk), actor=lena
    ).exists()
    file = client_of(lena).post(f"/support/customers/{visitor}/export/")
    assert json.loads(file.content)["visitor"] == str(visitor)
    assert "attachment" in file["Content-Disposition"]


def test_erasing_is_for_leads_who_type_it(olivia: User, lena: User) -> None:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name="Vera")
    page = f"/support/customers/{conversation.visitor}/"
    assert client_of(olivia).post(f"{page}erase/", {"sure": "erase"}).status_code == 403
    assert "Erase this person" not in client_of(olivia).get(page).content.decode()
    lead = client_of(lena)
    assert lead.post(f"{page}erase/", {"sure": "yes"}).status_code == 422
    assert Conversation.objects.exists()
    done = lead.post(f"{page}erase/", {"sure": "Erase"})
    assert str(ErasureReceipt.objects.get().pk) in done.content.decode()
    assert lead.get(page).status_code == 404


def old(days: int, state: str, **more: Any) -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name="Vera")
    services.message_receive(conversation_id=conversation.pk, text="hello", client_id="1")
    at = timezone.now() - timedelta(days=days)
    Conversation.objects.filter(pk=conversation.pk).update(state=state, active_at=at, **more)
    return conversation


def test_a_rule_deletes_what_its_preview_said(articles: Any, lena: User, olivia: User) -> None:
    gone = [old(40, "resolved"), old(31, "resolved")]
    kept = [old(29, "resolved"), old(90, "bot"), old(400, "queued"), old(400, "person")]
    corrections.intent_correct(
        conversation_id=gone[0].pk, seq=1, operator=olivia, label="change_pin"
    )
    rule = retention.rule_save(rule_id=None, actor=lena, kind="resolved", days=30)
    found = retention.preview(rule=rule)
    assert (found.conversations, found.messages) == (2, 2)
    assert [one.pk for one in found.examples] == [one.pk for one in gone]
    assert retention.rules_apply() == 0  # switched off
    assert (
        "Would delete 2 conversations"
        in client_of(lena).get("/support/retention/").content.decode()
    )
    client_of(lena).post(
        f"/support/retention/{rule.pk}/",
        {"kind": "resolved", "days": "30", "enabled": "on", "keep_examples": "on"},
    )
    assert retention.rules_apply() == 2
    assert set(Conversation.objects.values_list("pk", flat=True)) == {one.pk for one in kept}
    rule.refresh_from_db()
    assert rule.erased == 2
    assert retention.preview(rule=rule).conversations == 0
    example = LabelledExample.objects.get()
    assert (example.subject, example.provenance) == ("", {})
    assert AuditEntry.objects.get(action="retention.applied").details["conversations"] == 2
    retention.rule_save(rule_id=rule.pk, actor=lena, kind="bot", days=30, enabled=True)
    assert retention.rules_apply() == 1


def test_retention_is_for_leads(lena: User, olivia: User) -> None:
    body = {"kind": "resolved", "days": 10}
    assert client_of(olivia).get(f"{API}/retention/").status_code == 403
    assert client_of(olivia).post("/support/retention/", body).status_code == 403
    lead = client_of(lena)
    assert lead.post(f"{API}/retention/", body | {"days": 0}, **JSON).status_code == 422
    made = lead.post(f"{API}/retention/", body, **JSON).json()
    assert not made["enabled"]
    assert lead.get(f"{API}/retention/{made['id']}/preview/").json()["conversations"] == 0
    assert "not a whole number" in lead.post("/support/retention/", {"days": "x"}).content.decode()
    assert lead.delete(f"{API}/retention/{made['id']}/").status_code == 204
    assert not RetentionRule.objects.exists()


def test_every_table_of_support_is_known_to_the_scan() -> None:
    """The scan reads the database's own list of tables; the models' must be in it."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    assert {model._meta.db_table for model in apps.get_app_config("support").get_models()} <= there
