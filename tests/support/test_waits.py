"""What those who wait are told, and conversations that silence ends."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.support import selectors, services
from apps.support.models import BotTurn, Conversation, Duty, Wait
from apps.support.services.absence import TEXT_ALONE, TEXT_UNANSWERED, TEXT_UNHEARD
from apps.support.services.records import ABUSIVE
from apps.support.visitors import visitor_token

pytestmark = pytest.mark.django_db


def waiting() -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4())
    return services.person_request(conversation_id=conversation.id)


def taken_after(minutes: float, operator: User) -> None:
    conversation = waiting()
    past = timezone.now() - timedelta(minutes=minutes)
    Conversation.objects.filter(id=conversation.id).update(queued_at=past)
    services.conversation_take(conversation_id=conversation.id, operator=operator)


def state_of(conversation: Conversation, client: Client) -> Any:
    headers = {"X-Visitor-Token": visitor_token(conversation.visitor)}
    return client.get("/api/v1/support/visitor/messages/", headers=headers).json()


def test_the_expected_wait_is_that_of_the_last_ones(
    olivia: User, omar: User, client: Client
) -> None:
    services.duty_touch(operator=olivia)
    for minutes in (4, 5, 30):
        taken_after(minutes, olivia)
    assert [round(wait.seconds / 60) for wait in Wait.objects.all()] == [4, 5, 30]
    first, second = waiting(), waiting()
    assert state_of(first, client)["wait_minutes"] in (5, 6)  # rounded up
    assert state_of(second, client)["wait_minutes"] in (10, 11)
    services.duty_touch(operator=omar)
    assert state_of(second, client)["wait_minutes"] in (5, 6)  # two people
    Wait.objects.update(ended_at=timezone.now() - timedelta(days=2))
    assert state_of(first, client)["wait_minutes"] is None


def test_what_is_not_known_is_not_told(olivia: User, client: Client) -> None:
    services.duty_touch(operator=olivia)
    for _ in range(2):
        taken_after(1, olivia)
    conversation = waiting()
    told = state_of(conversation, client)
    assert (told["position"], told["wait_minutes"], told["on_duty"]) == (1, None, True)
    taken_after(1, olivia)
    Duty.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    told = state_of(conversation, client)
    assert (told["position"], told["wait_minutes"], told["on_duty"]) == (1, None, False)


def held(olivia: User, *, asked: timedelta | None, quiet: timedelta) -> Conversation:
    """A conversation with Olivia, quiet for so long, with a question open for so long."""
    conversation = services.conversation_start(visitor=uuid.uuid4())
    services.duty_touch(operator=olivia)
    services.conversation_take(conversation_id=conversation.id, operator=olivia)
    services.message_receive(conversation_id=conversation.id, text="my card?", client_id="1")
    now = timezone.now()
    Conversation.objects.filter(id=conversation.id).update(
        owned_at=now - quiet,
        active_at=now - quiet,
        unanswered_since=now - asked if asked else None,
    )
    return conversation


def last(conversation: Conversation) -> tuple[str, str]:
    conversation.refresh_from_db()
    return conversation.state, selectors.message_list(conversation=conversation)[-1].text


def test_a_silent_customer_is_the_bots_again(olivia: User) -> None:
    recent = held(olivia, asked=None, quiet=timedelta(minutes=90))
    assert services.silence_return() == 0
    Conversation.objects.filter(id=recent.id).update(active_at=timezone.now() - timedelta(hours=3))
    assert services.silence_return() == 1
    assert last(recent) == ("bot", TEXT_UNHEARD)
    assert services.silence_return() == 0


def test_a_silent_operators_customer_goes_to_another_or_to_the_bot(
    olivia: User, omar: User
) -> None:
    long = timedelta(minutes=31)
    services.duty_touch(operator=omar)
    first = held(olivia, asked=long, quiet=long)
    assert services.silence_return() == 1
    assert last(first) == ("queued", TEXT_UNANSWERED)
    services.presence_set(operator=omar, away=True)
    second = held(olivia, asked=long, quiet=long)
    assert services.silence_return() == 1
    assert last(second) == ("bot", TEXT_ALONE)
    assert BotTurn.objects.get(message__conversation=second).status == BotTurn.Status.PENDING


def test_an_answer_in_time_or_a_snooze_keeps_it(olivia: User) -> None:
    long = timedelta(minutes=31)
    answered = held(olivia, asked=long, quiet=long)
    services.operator_reply(
        conversation_id=answered.id, operator=olivia, text="on its way", client_id="r"
    )
    snoozed = held(olivia, asked=long, quiet=long)
    services.conversation_snooze(
        conversation_id=snoozed.id, operator=olivia, until=timezone.now() + timedelta(days=1)
    )
    assert services.silence_return() == 0


def test_what_loses_money_waits_first_unless_somebody_has_decided(db: None, olivia: User) -> None:
    def asks(subject: str, **more: Any) -> Conversation:
        row = services.conversation_start(visitor=uuid.uuid4())
        Conversation.objects.filter(pk=row.pk).update(subject=subject, **more)
        return services.person_request(conversation_id=row.pk)

    usual, upset = asks("exchange rate"), asks("exchange rate", tags=[ABUSIVE])
    stolen = asks("lost or stolen card")
    decided = asks("lost or stolen card", priority=Conversation.Priority.LOW)
    waiting = selectors.conversation_list(tab="waiting", operator=olivia)
    assert [row.pk for row in waiting] == [stolen.pk, upset.pk, usual.pk, decided.pk]
    assert selectors.queue_position(conversation=stolen) == 1
