"""A customer's abuse: the operator is told, the bot stays calm, and nobody waits for the screen."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.accounts.models import User
from apps.core import gateway
from apps.support import answerer, bot, selectors, services
from apps.support.models import Conversation, Message
from apps.support.payloads import conversation_payload
from apps.support.services.records import ABUSIVE
from apps.support.thinking import pieces_of
from ml.serving.fakes import FakeEngine
from tests.support.conftest import RULES, client_of

pytestmark = pytest.mark.django_db(transaction=True)
ABUSE = "You idiot, when will it arrive"


def said(visitor: uuid.UUID, *texts: str) -> list[tuple[Message, Message | None]]:
    """A conversation in which the bot answers each of the texts: the messages and its answers."""
    conversation = services.conversation_start(visitor=visitor)
    for number, text in enumerate(texts):
        services.message_receive(conversation_id=conversation.id, text=text, client_id=f"m{number}")
        async_to_sync(answerer.sweep)()
    told = Message.objects.filter(conversation=conversation).order_by("seq")
    answers = {one.analysis.get("answers"): one for one in told if one.author == "bot"}
    return [(one, answers.get(one.seq)) for one in told if one.author == "visitor"]


def test_abuse_is_told_to_the_operator_and_the_matter_is_answered(
    articles: Any, engine: FakeEngine, olivia: User
) -> None:
    message, answer = said(uuid.uuid4(), ABUSE)[0]
    assert message.analysis["abuse"] == ["insult"]
    conversation = Conversation.objects.get(pk=message.conversation_id)
    assert conversation_payload(conversation)["tags"] == [ABUSIVE]
    page = client_of(olivia).get(f"/support/c/{conversation.id}/inspector/").content.decode()
    assert "may be abusive" in page
    assert "insult" in page
    _, civil = said(uuid.uuid4(), "when will it arrive")[0]
    assert answer is not None
    assert civil is not None
    assert (answer.text, answer.citations) == (civil.text, civil.citations)


class _Dulled:
    """An engine whose screen, like the real one, overlooks a remark among many civil words."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def apredict(self, task: str, texts: Sequence[str], **more: Any) -> Any:
        if task == "toxicity":
            texts = [text if len(text.split()) <= 20 else "civil" for text in texts]
        return await self._engine.apredict(task, texts, **more)


CIVIL = "My order has not come although it was promised for last week"


@pytest.mark.parametrize("mark", [". ", " "])
def test_a_remark_among_many_civil_words_is_found(
    articles: Any, engine: FakeEngine, mark: str
) -> None:
    gateway.use_engine(_Dulled(engine))
    civil, abusive = said(uuid.uuid4(), mark.join([CIVIL] * 4), mark.join([CIVIL, ABUSE, CIVIL]))
    assert "abuse" not in civil[0].analysis
    assert abusive[0].analysis["abuse"] == ["insult"]


def test_no_word_of_a_long_message_is_left_unread() -> None:
    words = [str(number) for number in range(61)]
    for count in (1, 12, 18, 19, 24, 60, 61):
        text = " ".join(words[:count])
        pieces = pieces_of(text)
        assert set(text.split()) == {word for piece in pieces for word in piece.split()}
        assert max(len(piece.split()) for piece in pieces) <= 18
    assert pieces_of("One sentence. Another one!\nA third.") == [
        "One sentence. Another one! A third."
    ]
    assert pieces_of(" ") == []


def test_abuse_without_a_matter_has_the_same_calm_reply_as_any_other_text(
    articles: Any, engine: FakeEngine
) -> None:
    _, answer = said(uuid.uuid4(), "stupid idiot")[0]
    assert answer is not None
    assert answer.text == bot.TEXT_UNSURE


def test_a_civil_message_is_not_marked(articles: Any, engine: FakeEngine, olivia: User) -> None:
    message, _ = said(uuid.uuid4(), "when will it arrive")[0]
    assert "abuse" not in message.analysis
    conversation = Conversation.objects.get(pk=message.conversation_id)
    assert conversation.tags == []
    page = client_of(olivia).get(f"/support/c/{conversation.id}/inspector/").content.decode()
    assert "may be abusive" not in page


def test_the_tag_comes_first_once_and_an_operator_may_take_it_off(
    articles: Any, engine: FakeEngine, olivia: User
) -> None:
    pairs = said(uuid.uuid4(), ABUSE, "a stupid PIN, how do I change it, idiot")
    conversation = Conversation.objects.get(pk=pairs[0][0].conversation_id)
    assert conversation.tags == [ABUSIVE]
    kept = services.conversation_sort(
        conversation_id=conversation.id, operator=olivia, tags=["refund"]
    )
    assert kept.tags == ["refund"]
    Conversation.objects.filter(pk=conversation.pk).update(tags=[str(n) for n in range(12)])
    full = Conversation.objects.get(pk=conversation.pk)
    services.records.mark_abusive(full)
    assert full.tags[0] == ABUSIVE
    assert len(full.tags) == 12


def test_only_the_kinds_that_the_policy_names_are_told(
    articles: Any, engine: FakeEngine, settings: Any
) -> None:
    settings.SUPPORT_ABUSE_TOLD = ["threat"]
    message, _ = said(uuid.uuid4(), ABUSE)[0]
    assert "abuse" not in message.analysis
    assert Conversation.objects.get(pk=message.conversation_id).tags == []
    settings.SUPPORT_ABUSE_TOLD = ["threat", "insult"]
    message, _ = said(uuid.uuid4(), ABUSE)[0]
    assert message.analysis["abuse"] == ["insult"]


def test_the_bot_passes_on_who_is_abusive_more_often_than_allowed(
    articles: Any, engine: FakeEngine, settings: Any
) -> None:
    settings.SUPPORT_ABUSE_HAND_OVER = 2
    once = said(uuid.uuid4(), ABUSE, "when will it arrive")[0][0]
    assert Conversation.objects.get(pk=once.conversation_id).state == "bot"
    twice = said(uuid.uuid4(), ABUSE, ABUSE)[1][0]
    conversation = Conversation.objects.get(pk=twice.conversation_id)
    assert (conversation.state, conversation.tags) == ("queued", [ABUSIVE])
    last = conversation.messages.order_by("seq").last()
    assert last is not None
    assert (last.text, last.analysis["rule"]) == (bot.TEXT_HAND_OVER, bot.RULE_ABUSE)


def test_the_visitor_is_not_told(articles: Any, engine: FakeEngine) -> None:
    from apps.support.payloads import message_payload, visitor_state

    message, _ = said(uuid.uuid4(), ABUSE)[0]
    conversation = Conversation.objects.get(pk=message.conversation_id)
    assert "abus" not in str(message_payload(message)).lower()
    assert "abus" not in str(visitor_state(conversation, selectors.Place())).lower()


def test_an_answer_does_not_wait_for_a_screen_that_is_away(
    articles: Any, engine: FakeEngine
) -> None:
    other = FakeEngine({"intent": RULES})
    del other.models._versions["toxicity"]
    gateway.use_engine(other)
    message, answer = said(uuid.uuid4(), ABUSE)[0]
    assert "abuse" not in message.analysis
    assert answer is not None
    assert Message.objects.filter(author="bot").count() == 1
    gateway.use_engine(engine)
    other.close()
