"""Flows in conversations: begun, kept with the conversation, left, ended by a person."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.accounts.models import User
from apps.support import answerer, flow_store, services
from apps.support.flows.actions import in_caller_thread
from apps.support.models import BotTurn, Conversation, FlowVersion, Message, ServiceCase
from apps.support.services.cases import case_open
from apps.support.thinking import think
from tests.support.conftest import client_of
from tests.support.flows.conftest import PIN, Ship

pytestmark = pytest.mark.usefixtures("articles")


@pytest.fixture(autouse=True)
def here() -> Any:
    token = in_caller_thread.set(True)
    yield
    in_caller_thread.reset(token)


def say(conversation: Conversation, text: str, chosen: str | None = None) -> Message | None:
    """The bot's answer, by the same way as in a process that has just started."""
    received = services.message_receive(
        conversation_id=conversation.id, text=text, client_id=uuid.uuid4().hex, chosen=chosen
    )
    if received.turn is None:
        return None
    async_to_sync(answerer.sweep)()
    conversation.refresh_from_db()
    return conversation.messages.last()


def text_of(answer: Message | None) -> str:
    assert answer is not None
    return answer.text


def test_a_flow_goes_from_its_first_question_to_its_end(
    conversation: Conversation, ship: Ship
) -> None:
    ship()
    assert "Which card" in text_of(say(conversation, "please order a pin"))
    assert conversation.flow["run"]["step"] == "which"
    assert "From which day" in text_of(say(conversation, "4242"))
    answer = say(conversation, "tomorrow")
    assert "A new PIN for 4242" in text_of(answer)
    assert [choice["label"] for choice in answer.choices] == ["Yes", "No"]  # type: ignore[union-attr]
    assert text_of(say(conversation, "Yes", chosen="option_yes")) == "It comes for 4242."
    assert (conversation.flow, conversation.subject) == ({}, "Order a new PIN")


def test_a_slot_may_be_called_items(conversation: Conversation, ship: Ship, olivia: User) -> None:
    ship(
        PIN.replace("card:", "items:")
        .replace("ask: card", "ask: items")
        .replace("{card}", "{items}")
    )
    say(conversation, "order a pin")
    say(conversation, "4242")
    page = client_of(olivia).get(f"/support/c/{conversation.pk}/inspector/").content.decode()
    assert "<dt>items</dt><dd>4242</dd>" in page


def test_an_intent_begins_a_flow_and_an_article_offers_one(
    conversation: Conversation, ship: Ship
) -> None:
    ship()
    answer = say(conversation, "a fee for my cash withdrawal")
    assert answer is not None
    assert answer.citations[0]["slug"] == "cash-fees"
    assert answer.choices == [{"slug": "flow_new-pin", "label": "Order a new PIN"}]
    assert "Which card" in text_of(say(conversation, "yes please"))
    say(conversation, "cancel")
    assert "Which card" in text_of(say(conversation, "my pin, my pin"))


def test_an_offer_that_is_not_taken_up_is_gone(conversation: Conversation, ship: Ship) -> None:
    ship()
    say(conversation, "a fee for my cash withdrawal")
    say(conversation, "thanks")
    assert conversation.flow == {}
    assert "Which card" not in text_of(say(conversation, "yes"))


def test_a_question_is_answered_and_the_flow_goes_on(
    conversation: Conversation, ship: Ship
) -> None:
    ship()
    say(conversation, "order a pin")
    answer = say(conversation, "when does my card arrive?")
    assert answer is not None
    assert answer.citations[0]["slug"] == "card-arrival"
    assert answer.text.endswith("Back to “Order a new PIN”: Which card is it?")
    assert conversation.flow["run"]["tries"] == 0
    assert "From which day" in text_of(say(conversation, "4242"))


def test_three_replies_that_do_not_fit_hand_over(conversation: Conversation, ship: Ship) -> None:
    ship()
    say(conversation, "order a pin")
    assert text_of(say(conversation, "the blue one")).startswith("Sorry. I need the last four")
    say(conversation, "blue")
    say(conversation, "really blue")
    assert (conversation.state, conversation.flow) == (Conversation.State.QUEUED, {})
    assert say(conversation, "4242") is None


def test_a_card_number_is_masked_and_its_last_digits_fill_the_slot(
    conversation: Conversation, ship: Ship
) -> None:
    ship()
    say(conversation, "order a pin")
    say(conversation, "it is 4242 4242 4242 4242")
    stored = conversation.messages.filter(author="visitor").last()
    assert stored is not None
    assert stored.text == "it is [card]"
    assert conversation.flow["run"]["slots"] == {"card": "4242"}
    assert "4242 4242" not in str(Conversation.objects.filter().values())


def test_a_day_beside_a_card_number_loses_no_message(
    conversation: Conversation, ship: Ship
) -> None:
    ship()
    say(conversation, "order a pin")
    say(conversation, "4242 4242 4242 4242 was charged twice yesterday, write to a@b.example")
    stored = conversation.messages.filter(author="visitor").last()
    assert stored is not None
    assert stored.text == "[card] was charged twice yesterday, write to [email]"
    assert conversation.flow["run"]["slots"]["card"] == "4242"


def test_outside_of_a_flow_nothing_masked_is_kept(conversation: Conversation, ship: Ship) -> None:
    ship()
    say(conversation, "my pin for 4242 4242 4242 4242")
    say(conversation, "never mind")
    services.message_receive(
        conversation_id=conversation.id, text="4242 4242 4242 4242", client_id="x"
    )
    conversation.refresh_from_db()
    assert "4242" not in str(conversation.flow)


def test_a_person_ends_the_flow_and_the_bot_is_silent(
    conversation: Conversation, ship: Ship, olivia: User
) -> None:
    ship()
    say(conversation, "order a pin")
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    conversation.refresh_from_db()
    assert conversation.flow == {}
    assert say(conversation, "4242") is None
    services.conversation_release(conversation_id=conversation.id, operator=olivia)
    assert "From which day" not in text_of(say(conversation, "4242"))


def test_who_takes_over_while_the_flow_thinks_has_the_last_word(
    conversation: Conversation, ship: Ship, olivia: User
) -> None:
    ship()
    say(conversation, "order a pin")
    received = services.message_receive(
        conversation_id=conversation.id, text="4242", client_id="a", answer_here=True
    )
    turn = BotTurn.objects.select_related("message__conversation").get(pk=received.turn_id)
    decision, analysis = async_to_sync(think)(turn.message)
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    assert services.turn_close(turn=turn, decision=decision, analysis=analysis).answer is None
    conversation.refresh_from_db()
    assert conversation.flow == {}


def test_a_new_version_does_not_change_a_conversation_that_runs(
    conversation: Conversation, ship: Ship, lena: User
) -> None:
    ship()
    say(conversation, "order a pin")
    draft = services.flow_save(source=PIN.replace("From which day", "WHEN"), author=lena)
    services.flow_test(version_id=draft.pk, actor=lena)
    services.flow_publish(version_id=draft.pk, actor=lena)
    assert "From which day" in text_of(say(conversation, "4242"))
    other = services.conversation_start(visitor=uuid.uuid4())
    say(other, "order a pin")
    assert "WHEN" in text_of(say(other, "4242"))


def test_a_flow_that_is_gone_or_switched_off(
    conversation: Conversation, ship: Ship, lena: User
) -> None:
    ship()
    say(conversation, "order a pin")
    services.flow_switch(name="new-pin", enabled=False, actor=lena)
    assert flow_store.published() == {}
    assert "From which day" in text_of(say(conversation, "4242"))
    FlowVersion.objects.all().delete()
    assert "colleague" in text_of(say(conversation, "tomorrow"))
    assert conversation.state == Conversation.State.QUEUED


def test_two_replies_in_a_row_are_both_read(conversation: Conversation, ship: Ship) -> None:
    ship()
    say(conversation, "order a pin")
    for number, text in enumerate(("the blue one", "no: 4242 4242 4242 4242")):
        services.message_receive(conversation_id=conversation.id, text=text, client_id=str(number))
    while async_to_sync(answerer.sweep)():
        continue
    conversation.refresh_from_db()
    assert conversation.flow["run"]["slots"] == {"card": "4242"}


def test_a_flow_that_goes_round_and_round_hands_over(
    conversation: Conversation, ship: Ship
) -> None:
    ship(PIN.replace("no: kept}", "no: sure}").replace("  - {id: kept, end: It stays.}\n", ""))
    for text in ("order a pin", "4242", "tomorrow", *["no"] * 5):
        say(conversation, text)
    assert conversation.state == Conversation.State.QUEUED


def test_an_action_happens_once_however_often_its_turn_is_taken(
    conversation: Conversation, ship: Ship
) -> None:
    step = (
        "{id: finished, do: ledger.block_card, with: {card: '{card}'}, into: it, on_error: kept, "
    )
    step += "preview: {reference: C-4242}}\n  - {id: told, end: 'It is {it.reference}.'}\n"
    ship(PIN.replace('{id: finished, end: "It comes for {card}."}\n', step))
    for text in ("order a pin", "4242", "tomorrow"):
        say(conversation, text)
    received = services.message_receive(
        conversation_id=conversation.id, text="yes", client_id="y", answer_here=True
    )
    turn = BotTurn.objects.select_related("message__conversation").get(pk=received.turn_id)
    (first, _), (second, _) = async_to_sync(think)(turn.message), async_to_sync(think)(turn.message)
    case = ServiceCase.objects.get()
    assert first.text == second.text == f"It is {case.reference}."
    assert case.details == {"card": "4242"}
    assert case_open(kind="x", key=case.key, conversation_id=None, details={}) == case


def test_a_failed_action_takes_the_error_branch(conversation: Conversation, ship: Ship) -> None:
    step = "{id: finished, do: ledger.rate, with: {amount: '1.00 GBP', to: QQQ}, on_error: bad}\n"
    step += "  - {id: fine, end: fine}\n  - {id: bad, hand_over: It did not work.}\n"
    source = PIN.replace('{id: finished, end: "It comes for {card}."}\n', step)
    ship(source.replace('ends: done, contains: "4242"', "ends: hand_over"))
    for text in ("order a pin", "4242", "tomorrow"):
        say(conversation, text)
    assert text_of(say(conversation, "yes")) == "It did not work."
    assert conversation.state == Conversation.State.QUEUED
