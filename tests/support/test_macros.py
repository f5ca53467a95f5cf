"""Macros: written by operators, found by ``/`` in the console."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import AuditEntry, User
from apps.core.errors import Conflict, NotFound
from apps.support import services
from apps.support.models import Conversation, Macro
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db
PAGE, API = "/support/macros/", "/api/v1/support/macros/"
GREETING = {"name": "Greeting", "text": "Hello {customer}"}


def send(client: Client, method: str, url: str, body: Any = None) -> Any:
    return getattr(client, method)(url, body, content_type="application/json")


def test_a_macro_is_written_changed_and_deleted(olivia: User, conversation: Conversation) -> None:
    client = client_of(olivia)
    client.post(PAGE, GREETING)
    macro = Macro.objects.get()
    page = client.get(f"/support/c/{conversation.id}/")
    assert page.context["macros"] == [GREETING]
    client.post(f"{PAGE}{macro.pk}/", {"name": " Hello  there ", "text": "Hi"})
    macro.refresh_from_db()
    assert (macro.name, macro.text) == ("Hello there", "Hi")
    client.post(f"{PAGE}{macro.pk}/delete/")
    assert not Macro.objects.exists()
    actions = AuditEntry.objects.filter(actor=olivia, action__startswith="macro.").values_list(
        "action", flat=True
    )
    assert sorted(actions) == ["macro.deleted", "macro.saved", "macro.saved"]


def test_a_name_is_used_once_and_what_was_written_is_kept(olivia: User) -> None:
    client = client_of(olivia)
    client.post(PAGE, GREETING)
    answer = client.post(PAGE, {"name": "Greeting", "text": "my other text"})
    assert answer.status_code == 409
    assert "my other text" in answer.content.decode()
    assert client.post(PAGE, {"name": "", "text": "kept"}).status_code == 422
    assert client.post(PAGE, {"name": "long", "text": "x" * 4001}).status_code == 422
    with pytest.raises(Conflict):
        services.macro_save(macro_id=None, operator=olivia, name="Greeting", text="x")
    with pytest.raises(NotFound):
        services.macro_save(macro_id=999, operator=olivia, name="a", text="x")
    assert Macro.objects.count() == 1


def test_a_line_break_is_one_character_of_a_macro(olivia: User) -> None:
    text = "ab\n" * 1333 + "x"
    sent = {"name": "Long", "text": text.replace("\n", "\r\n")}  # as browsers do
    assert client_of(olivia).post(PAGE, sent).status_code == 302
    assert Macro.objects.get().text == text


def test_macros_are_for_operators(olivia: User, mei: User) -> None:
    macro = services.macro_save(macro_id=None, operator=olivia, **GREETING)
    member = client_of(mei)
    for path in ("", f"{macro.pk}/", f"{macro.pk}/delete/"):
        assert member.post(PAGE + path, GREETING).status_code == 403
        assert Client().post(PAGE + path, GREETING).status_code == 302
    assert send(member, "get", API).status_code == 403
    assert send(member, "post", API, GREETING).status_code == 403
    for method in ("put", "delete"):
        assert send(member, method, f"{API}{macro.pk}/", GREETING).status_code == 403
        assert send(Client(), method, f"{API}{macro.pk}/", GREETING).status_code == 401
    assert Macro.objects.get().text == GREETING["text"]


def test_macros_through_the_api(olivia: User) -> None:
    client = client_of(olivia)
    made = send(client, "post", API, GREETING)
    assert (made.status_code, made.json()["name"]) == (201, "Greeting")
    url = f"{API}{made.json()['id']}/"
    assert send(client, "put", url, GREETING | {"text": "Hi"}).json()["text"] == "Hi"
    assert send(client, "post", API, GREETING).json()["code"] == "macro_exists"
    assert send(client, "post", API, {"name": "x"}).status_code == 400
    assert [row["text"] for row in send(client, "get", API).json()] == ["Hi"]
    assert send(client, "delete", url).status_code == 204
    assert send(client, "delete", url).json()["code"] == "macro_not_found"


def test_a_macro_is_shown_as_text(olivia: User, conversation: Conversation) -> None:
    services.macro_save(
        macro_id=None, operator=olivia, name="x</script><script>", text="<script>alert(1)"
    )
    for url in (PAGE, f"/support/c/{conversation.id}/"):
        assert "<script>alert" not in client_of(olivia).get(url).content.decode()
