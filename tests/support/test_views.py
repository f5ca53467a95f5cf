from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core import gateway
from apps.support import services
from apps.support.bot import Decision
from apps.support.models import Article, Conversation
from apps.support.visitors import COOKIE, visitor_from_token
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db


def answered(conversation: Conversation, text: str, rule: str) -> int:
    """The number of the bot's answer."""
    received = services.message_receive(
        conversation_id=conversation.id, text=text, client_id=text[:60]
    )
    assert received.turn is not None
    decision = Decision("answer", "An answer.", rule)
    analysis = {"rule": rule, "action": "answer", "intents": [{"label": "a_b", "score": 0.9}]}
    message = services.turn_close(turn=received.turn, decision=decision, analysis=analysis).answer
    assert message is not None
    return message.seq


def test_the_widget_knows_its_visitor_again(client: Client) -> None:
    client.get("/support/widget/")
    token = client.cookies[COOKIE].value
    assert visitor_from_token(token) is not None
    assert client.cookies[COOKIE]["httponly"]
    assert COOKIE not in client.get("/support/widget/").cookies


def test_the_inspector_explains_the_last_answer_or_the_one_asked_for(
    conversation: Conversation, olivia: User
) -> None:
    first = answered(conversation, "first question", "rule one")
    answered(conversation, "second question", "rule two")
    client, url = client_of(olivia), f"/support/c/{conversation.id}/inspector/"
    assert "rule two" in client.get(url).content.decode()
    page = client.get(f"{url}?answer={first}").content.decode()
    assert "rule one" in page
    assert "first question" in page
    assert "a b" in page
    for odd in ("x", "999", "-1", "1"):
        assert client.get(f"{url}?answer={odd}").status_code == 200


def test_what_customers_write_is_shown_as_text(conversation: Conversation, olivia: User) -> None:
    answered(conversation, "<script>alert(1)</script>", "rule")
    for path in ("", "inspector/"):
        url = f"/support/c/{conversation.id}/{path}"
        assert "<script>alert" not in client_of(olivia).get(url).content.decode()


def test_the_help_centre_groups_by_topic_and_searches(articles: None, client: Client) -> None:
    Article.objects.filter(slug="change-pin").update(tags=["intent:change_pin", "cards"])
    page = client.get("/support/help/").content.decode()
    assert "<h2>Cards</h2>" in page
    found = client.get("/support/help/", {"q": "change the PIN"}).content.decode()
    assert found.index("How do I change my PIN?") > 0
    assert "Why was I charged" not in found
    assert "No article fits" in client.get("/support/help/", {"q": "zzzz"}).content.decode()


def test_the_help_centre_searches_by_words_without_models(articles: None, client: Client) -> None:
    gateway.engine().close()
    found = client.get("/support/help/", {"q": "PIN"}).content.decode()
    assert "How do I change my PIN?" in found


def test_an_unknown_article_is_a_page_that_says_so(client: Client) -> None:
    answer = client.get("/support/help/nothing/")
    assert answer.status_code == 404
    assert "There is no such article" in answer.content.decode()
