"""One search over conversations and articles: by words, by meaning, of what is in sight."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.support import cases, knowledge, services
from apps.support.models import Conversation, Team
from apps.support.searching import search
from ml.serving.fakes import FakeEngine
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/support/search/"


@pytest.fixture
def past(articles: Any, olivia: User) -> Conversation:
    """A resolved conversation with a past case."""
    knowledge.current()
    conversation = services.conversation_start(visitor=uuid.uuid4(), name="Vera")
    here: Any = {"conversation_id": conversation.pk}
    services.message_receive(text="the parcel with my new card never came", client_id="1", **here)
    services.conversation_take(operator=olivia, **here)
    services.operator_reply(operator=olivia, text="I send another", client_id="2", **here)
    services.conversation_resolve(operator=olivia, **here)
    cases.cases_renew()
    return conversation


def test_words_and_meaning_find_conversations_and_articles(
    past: Conversation, olivia: User, engine: FakeEngine
) -> None:
    by_words = search(words="parcel card", operator=olivia)
    assert [(one.id, one.how) for one in by_words.conversations] == [(str(past.pk), "words")]
    assert by_words.conversations[0].text == "the parcel with my new card never came"
    by_meaning = search(words="my parcel never came with the cardX new", operator=olivia)
    assert [(one.id, one.how) for one in by_meaning.conversations] == [(str(past.pk), "meaning")]
    assert "change-pin" in [one.slug for one in search(words="pin", operator=olivia).articles]
    with engine.overloaded():
        assert search(words="parcel", operator=olivia).conversations
    assert search(words="", operator=olivia).articles == []


def test_what_is_still_open_is_found_by_meaning_too(
    articles: Any, olivia: User, omar: User
) -> None:
    knowledge.current()
    now = timezone.now()
    opened = services.conversation_start(visitor=uuid.uuid4(), name="Wim")
    here: Any = {"conversation_id": opened.pk}
    services.message_receive(text="the parcel with my new card never came", client_id="1", **here)
    assert cases.cases_renew() == 0  # they are talking at this moment
    Conversation.objects.filter(pk=opened.pk).update(active_at=now - timedelta(minutes=1))
    assert cases.cases_renew() == 1
    wanted = "my parcel never came with the cardX new"
    (found,) = search(words=wanted, operator=olivia).conversations
    assert (found.id, found.how, found.name) == (str(opened.pk), "meaning", "Wim")
    later = now + timedelta(hours=1)
    services.conversation_snooze(operator=olivia, until=later, **here)
    assert [one.how for one in search(words="parcel", operator=olivia).conversations] == ["words"]
    team = Team.objects.create(name="Fraud", private=True)
    team.members.add(omar)
    Conversation.objects.filter(pk=opened.pk).update(team=team)
    assert search(words=wanted, operator=olivia).conversations == []
    assert search(words=wanted, operator=omar).conversations != []


def test_nothing_of_a_private_team_is_found_by_others(
    past: Conversation, olivia: User, omar: User, mei: User
) -> None:
    team = Team.objects.create(name="Fraud", private=True)
    team.members.add(omar)
    Conversation.objects.filter(pk=past.pk).update(team=team)
    for words in ("parcel", "my parcel never came with the cardX new"):
        assert client_of(olivia).get(API, {"q": words}).json()["conversations"] == []
        (found,) = client_of(omar).get(API, {"q": words}).json()["conversations"]
        assert found["name"] == "Vera"
    assert client_of(mei).get(API, {"q": "parcel"}).status_code == 403
