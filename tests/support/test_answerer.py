from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from apps.support import answerer, services
from apps.support.models import BotTurn, Conversation, Message
from ml.serving.fakes import FakeEngine

pytestmark = pytest.mark.django_db(transaction=True)


async def received(text: str, conversation: Conversation | None = None) -> Conversation:
    if conversation is None:
        conversation = await sync_to_async(services.conversation_start)(visitor=uuid.uuid4())
    await sync_to_async(services.message_receive)(
        conversation_id=conversation.id, text=text, client_id=uuid.uuid4().hex
    )
    return conversation


async def make_due() -> None:
    await BotTurn.objects.aupdate(lease_until=timezone.now() - timedelta(seconds=1))


async def texts(author: str) -> list[str]:
    rows = Message.objects.filter(author=author).order_by("seq")
    return [message.text async for message in rows]


async def test_a_full_queue_leaves_the_turn_open_and_it_is_answered_later(
    articles: Any, engine: FakeEngine
) -> None:
    await received("change my pin")
    with engine.overloaded():
        assert await answerer.sweep() == 1
    turn = await BotTurn.objects.aget()
    assert (turn.status, turn.attempts) == (BotTurn.Status.PENDING, 1)
    assert await texts("bot") == []
    assert await answerer.sweep() == 0
    await make_due()
    assert await answerer.sweep() == 1
    assert len(await texts("bot")) == 1


async def test_a_person_is_called_when_the_models_stay_away(
    articles: Any, engine: FakeEngine
) -> None:
    conversation = await received("change my pin")
    engine.gate.fail_on("pin")
    for age in (timedelta(), timedelta(minutes=2)):
        await Message.objects.aupdate(created_at=timezone.now() - age)
        await make_due()
        await answerer.sweep()
    assert await texts("bot") == [answerer.TEXT_NO_ANSWER]
    await conversation.arefresh_from_db()
    assert conversation.state == Conversation.State.QUEUED


async def test_a_message_that_breaks_the_bot_is_handed_over(
    articles: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(message: Message) -> Any:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(answerer, "think", broken)
    conversation = await received("change my pin")
    for _ in range(3):
        await make_due()
        await answerer.sweep()
    await conversation.arefresh_from_db()
    assert conversation.state == Conversation.State.QUEUED
    assert (await BotTurn.objects.aget()).status == BotTurn.Status.DONE


async def test_messages_sent_in_a_row_are_answered_in_order_at_once(articles: Any) -> None:
    conversation = await received("hello")
    await received("change my pin", conversation)
    await received("thanks", conversation)
    assert await answerer.sweep() == 1
    answers = [m async for m in Message.objects.filter(author="bot").order_by("seq")]
    assert [answer.analysis["answers"] for answer in answers] == [1, 2, 3]


async def test_two_sweeps_at_once_answer_each_turn_once(articles: Any) -> None:
    import asyncio

    for _ in range(5):
        await received("change my pin")
    await asyncio.gather(answerer.sweep(), answerer.sweep())
    assert await Message.objects.filter(author="bot").acount() == 5


async def test_the_analysis_tells_everything_the_inspector_shows(articles: Any) -> None:
    await received("Why did Barclays charge a fee?")
    await answerer.sweep()
    analysis = (await Message.objects.aget(author="visitor")).analysis
    assert analysis["intents"][0]["label"] == "cash_withdrawal_charge"
    assert analysis["entities"][0]["text"] == "Barclays"
    assert analysis["articles"][0]["slug"] == "cash-fees"
    assert analysis["articles"][0]["passage"]
    assert (analysis["action"], analysis["rule"]) == ("answer", "the intent is sure")
    assert set(analysis["milliseconds"]) == {
        *("intent", "entities", "embedding", "retrieval", "decision", "flow")
    }
    assert analysis["thresholds"]["strong_hit"] > 0


async def test_thresholds_follow_the_settings(articles: Any, settings: Any) -> None:
    settings.SUPPORT_THRESHOLDS = {"strong_hit": 0.99, "weak_hit": 0.98}
    await received("the card the card the card")
    await answerer.sweep()
    analysis = (await Message.objects.aget(author="visitor")).analysis
    assert analysis["action"] == "unsure"
    assert analysis["thresholds"]["strong_hit"] == 0.99


async def test_names_may_be_missing_but_not_the_answer(articles: Any, engine: FakeEngine) -> None:
    from apps.core import gateway

    class NoTagger(FakeEngine):
        def submit(self, task: str, *args: Any, **more: Any) -> Any:
            if task == "ner":
                from ml.errors import ModelNotFound

                raise ModelNotFound("no tagger")
            return super().submit(task, *args, **more)

    other = NoTagger({"intent": {"pin": "change_pin"}})
    gateway.use_engine(other)
    await received("change my pin")
    await answerer.sweep()
    assert len(await texts("bot")) == 1
    other.close()
    gateway.use_engine(engine)
