"""Suggested replies, similar conversations, the next article: what an operator is offered."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.core import gateway
from apps.core.errors import ModelUnavailable
from apps.support import assist, cases, selectors, services
from apps.support.models import Conversation, PastCase
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/support"
QUESTION = "my card was swallowed by a machine in Porto"
REPLY = "I am sorry, Vera. I have ordered a new one for you, card 4111 1111 1111 1111."


def resolved(olivia: User, *, name: str = "Vera", question: str = QUESTION) -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name=name)
    for number, text in enumerate(("hello", question)):
        services.message_receive(conversation_id=conversation.id, text=text, client_id=str(number))
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    for number, text in enumerate(("Hi!", REPLY)):
        services.operator_reply(
            conversation_id=conversation.id, operator=olivia, text=text, client_id=f"r{number}"
        )
    return services.conversation_resolve(conversation_id=conversation.id, operator=olivia)


def asking(text: str) -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name="Wim")
    services.message_receive(conversation_id=conversation.id, text=text, client_id="q")
    return conversation


def test_articles_and_past_replies_are_suggested_with_their_source(
    articles: Any, olivia: User
) -> None:
    past = resolved(olivia)
    assert cases.cases_renew() == 1
    assert cases.cases_renew() == 0
    found = assist.assist(conversation=asking(QUESTION), operator=olivia)
    assert found.question == QUESTION
    best = found.replies[0]
    assert (best.kind, best.url) == ("conversation", f"/support/c/{past.id}/")
    assert best.text == "I am sorry, {customer}. I have ordered a new one for you, card [card]."
    assert [one.case.conversation_id for one in found.similar] == [past.id]
    about_pin = assist.assist(conversation=asking("How do I change my PIN?"), operator=olivia)
    assert about_pin.replies[0].url == "/support/help/change-pin/"
    assert "any cash machine" in about_pin.replies[0].text
    assert len({one.text for one in about_pin.replies}) == len(about_pin.replies) <= 3
    assert about_pin.next_article is None  # the other articles are about something else


def test_cases_of_a_private_team_help_its_members_alone(
    articles: Any, olivia: User, omar: User
) -> None:
    lead = user("lena-lead", Role.LEAD)
    fraud = services.team_save(
        team_id=None, actor=lead, name="Fraud", private=True, member_ids=[olivia.pk]
    )
    past = resolved(olivia)
    cases.cases_renew()
    Conversation.objects.filter(id=past.id).update(team=fraud)
    conversation = asking(QUESTION)
    assert assist.assist(conversation=conversation, operator=olivia).similar
    assert not assist.assist(conversation=conversation, operator=omar).similar
    page = client_of(omar).get(f"/support/c/{conversation.id}/assist/").content.decode()
    assert "ordered a new one" not in page


def test_a_case_follows_its_conversation(articles: Any, olivia: User) -> None:
    past = resolved(olivia)
    cases.cases_renew()
    conversation = asking(QUESTION)
    services.message_receive(conversation_id=past.id, text="still not here", client_id="x")
    assert not assist.assist(conversation=conversation, operator=olivia).similar  # open again
    services.conversation_resolve(conversation_id=past.id, operator=olivia)
    assert cases.cases_renew() == 1
    assert "still not here" in PastCase.objects.get().question


def test_small_talk_asks_for_nothing(articles: Any, olivia: User) -> None:
    conversation = asking("hello there")
    assert assist.assist(conversation=conversation, operator=olivia) == assist.Assist("")
    page = client_of(olivia).get(f"/support/c/{conversation.id}/assist/")
    assert "once the customer has asked" in page.content.decode()


def test_the_open_question_is_all_since_the_last_answer(articles: Any, olivia: User) -> None:
    conversation = asking("my card was stolen")
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    services.operator_reply(
        conversation_id=conversation.id, operator=olivia, text="I see.", client_id="1"
    )
    for number, text in enumerate(("it was in Lima", "thanks", "and my phone too")):
        services.message_receive(conversation_id=conversation.id, text=text, client_id=f"m{number}")
    messages = selectors.message_list(conversation=conversation)
    assert assist.open_question(messages) == "it was in Lima and my phone too"


def test_suggestions_change_nothing(articles: Any, olivia: User, mei: User) -> None:
    conversation = asking("How do I change my PIN?")
    before = Conversation.objects.values().get(id=conversation.id)
    url = f"{API}/conversations/{conversation.id}/suggestions/"
    body = client_of(olivia).get(url).json()
    assert body["replies"][0]["title"] == "How do I change my PIN?"
    assert client_of(mei).get(url).status_code == 403
    page = client_of(olivia).get(f"/support/c/{conversation.id}/assist/").content.decode()
    assert "data-insert" in page
    assert Conversation.objects.values().get(id=conversation.id) == before


def test_without_models_the_panel_says_so(
    articles: Any, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise ModelUnavailable("The sentence encoder is not built.")

    conversation = asking("How do I change my PIN?")
    monkeypatch.setattr(gateway, "encode", away)
    page = client_of(olivia).get(f"/support/c/{conversation.id}/assist/")
    assert page.status_code == 200
    assert "is not built" in page.content.decode()
    answer = client_of(olivia).get(f"{API}/conversations/{conversation.id}/suggestions/")
    assert answer.status_code == 503
