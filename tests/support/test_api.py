from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.support.models import Article, Conversation
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db
BASE = "/api/v1/support"
ARTICLE = {"id": "pin", "title": "The PIN", "body": "At a machine.", "tags": ["intent:change_pin"]}


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(f"{BASE}/{path}", body, content_type="application/json", headers=headers)


def test_a_visitor_writes_and_reads_only_the_own_conversation(client: Client) -> None:
    tokens = [post(client, "visitor/").json()["token"] for _ in range(2)]
    sent = post(
        client, "visitor/messages/", {"id": "1", "text": "Hello"}, **{"X-Visitor-Token": tokens[0]}
    )
    assert sent.status_code == 201
    again = post(
        client, "visitor/messages/", {"id": "1", "text": "Hello"}, **{"X-Visitor-Token": tokens[0]}
    )
    assert again.status_code == 200
    own = client.get(f"{BASE}/visitor/messages/", headers={"X-Visitor-Token": tokens[0]}).json()
    assert [message["text"] for message in own["messages"]] == ["Hello"]
    other = client.get(f"{BASE}/visitor/messages/", headers={"X-Visitor-Token": tokens[1]}).json()
    assert other == {"conversation": None, "messages": []}


def test_a_forged_token_is_refused(client: Client) -> None:
    answer = client.get(f"{BASE}/visitor/messages/", headers={"X-Visitor-Token": "x:y"})
    assert (answer.status_code, answer.json()["code"]) == (403, "visitor_unknown")


@pytest.mark.parametrize(
    "path",
    [
        "conversations/",
        "conversations/counts/",
        "conversations/{id}/",
        "conversations/{id}/summary/",
    ],
)
def test_members_and_strangers_see_no_conversations(
    path: str, conversation: Conversation, mei: User
) -> None:
    url = f"{BASE}/{path.format(id=conversation.id)}"
    assert client_of(mei).get(url).status_code == 403
    assert Client().get(url).status_code == 401


@pytest.mark.parametrize("action", ["take", "release", "resolve", "messages"])
def test_members_cannot_act(action: str, conversation: Conversation, mei: User) -> None:
    body = {"id": "1", "text": "hi"}
    answer = post(client_of(mei), f"conversations/{conversation.id}/{action}/", body)
    assert answer.status_code == 403


def test_an_operator_takes_and_replies(
    conversation: Conversation, olivia: User, omar: User
) -> None:
    client = client_of(olivia)
    assert post(client, f"conversations/{conversation.id}/take/").json()["state"] == "person"
    conflict = post(client_of(omar), f"conversations/{conversation.id}/take/")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "conversation_taken")
    body = {"id": "r1", "text": "Hello"}
    assert post(client, f"conversations/{conversation.id}/messages/", body).status_code == 201
    assert post(client, f"conversations/{conversation.id}/messages/", body).status_code == 200
    detail = client.get(f"{BASE}/conversations/{conversation.id}/").json()
    assert [message["text"] for message in detail["messages"]][-1] == "Hello"


def test_an_unknown_conversation_is_a_problem_detail(olivia: User) -> None:
    answer = client_of(olivia).get(f"{BASE}/conversations/{uuid.uuid4()}/")
    assert answer.status_code == 404
    assert answer.json()["code"] == "conversation_not_found"


def test_articles_are_written_by_operators_only(olivia: User, mei: User) -> None:
    assert post(client_of(mei), "articles/", [ARTICLE]).status_code == 403
    assert post(client_of(olivia), "articles/", [ARTICLE]).json()["created"] == 1
    assert Article.objects.get().title == "The PIN"


def test_one_article_is_written_read_and_deleted(olivia: User, mei: User) -> None:
    body = {"title": "The PIN", "body": "At a machine."}
    url = f"{BASE}/articles/pin/"
    for method in ("put", "delete"):
        request = getattr(client_of(mei), method)
        assert request(url, body, content_type="application/json").status_code == 403
        assert getattr(Client(), method)(url).status_code == 401
    operator = client_of(olivia)
    assert operator.put(url, body, content_type="application/json").status_code == 200
    assert client_of(mei).get(url).json()["title"] == "The PIN"
    assert operator.delete(url).status_code == 204
    assert operator.delete(url).json()["code"] == "article_not_found"
    assert client_of(mei).get(url).status_code == 404


def test_a_visitor_asks_for_a_person(client: Client) -> None:
    assert post(client, "visitor/person/").status_code == 403
    token = post(client, "visitor/").json()["token"]
    answer = post(client, "visitor/person/", **{"X-Visitor-Token": token}).json()
    assert (answer["state"], answer["position"]) == ("queued", 1)


def test_counts_follow_the_tabs(conversation: Conversation, olivia: User) -> None:
    counts = client_of(olivia).get(f"{BASE}/conversations/counts/").json()
    empty = dict.fromkeys(("waiting", "mine", "snoozed", "resolved"), 0)
    assert counts == empty | {"unassigned": 1, "bot": 1, "all": 1}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"id": "1", "text": ""}, "message_empty"),
        ({"id": "1", "text": "a" * 4001}, "message_too_long"),
        ({"text": "hi"}, "frame_without_id"),
        (["hi"], "invalid_input"),
    ],
)
def test_a_bad_message_is_a_problem_detail(client: Client, body: Any, code: str) -> None:
    token = post(client, "visitor/").json()["token"]
    answer = post(client, "visitor/messages/", body, **{"X-Visitor-Token": token})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not Conversation.objects.exists()


def test_a_bad_article_is_named_and_nothing_is_stored(olivia: User) -> None:
    answer = post(client_of(olivia), "articles/", [ARTICLE, {"id": "x", "title": ""}])
    assert answer.status_code == 400
    assert "1.body" in answer.json()["fields"]
    assert not Article.objects.exists()


def test_the_console_and_inspector_are_for_operators(
    conversation: Conversation, mei: User, olivia: User
) -> None:
    for path in ("", f"c/{conversation.id}/", f"c/{conversation.id}/inspector/"):
        assert client_of(mei).get(f"/support/{path}").status_code == 403
        assert client_of(olivia).get(f"/support/{path}").status_code == 200
        assert Client().get(f"/support/{path}").status_code == 302


def test_html_in_an_article_does_not_run(client: Client) -> None:
    Article.objects.create(slug="x", title="<script>a</script>", body="<script>b</script> *c*")
    page = client.get("/support/help/x/").content.decode()
    assert "<script>a" not in page
    assert "<script>b" not in page
    assert "<em>c</em>" in page


def test_the_widget_may_be_framed_and_other_pages_not(client: Client, db: None) -> None:
    widget = client.get("/support/widget/")
    assert "frame-ancestors 'self'" in widget.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in widget.headers
    page = client.get("/support/help/")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_messages_reach_the_database_masked_through_the_api(client: Client) -> None:
    token = post(client, "visitor/").json()["token"]
    body = {"id": "1", "text": "4242 4242 4242 4242"}
    answer = post(client, "visitor/messages/", body, **{"X-Visitor-Token": token})
    assert answer.json()["text"] == "[card]"
