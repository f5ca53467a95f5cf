"""How much conversations press: the score, its reasons, the order, the filter."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.support import selectors, services
from apps.support.models import Conversation
from apps.support.payloads import conversation_payload
from apps.support.services import tone_corrections
from apps.support.urgency import LOSES_MONEY, POINTS, UPSET, pressure
from ml.serving.fakes import FakeEngine
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db
Priority, State = Conversation.Priority, Conversation.State


def waits(minutes: float, **more: Any) -> Conversation:
    at = timezone.now() - timedelta(minutes=minutes)
    return Conversation(state=State.QUEUED, queued_at=at, **more)


def score(conversation: Conversation) -> float:
    found = pressure(conversation)
    assert found is not None
    return round((timezone.now() - found.rank_at).total_seconds() / 60)


def asks(text: str, *, minutes: int = 0, **more: Any) -> Conversation:
    """A customer who wrote ``text`` and asked for a person so many minutes ago."""
    row = services.conversation_start(visitor=uuid.uuid4())
    Conversation.objects.filter(pk=row.pk).update(**more)
    services.message_receive(conversation_id=row.pk, text=text, client_id="1")
    queued = services.person_request(conversation_id=row.pk)
    if minutes:
        queued.queued_at = timezone.now() - timedelta(minutes=minutes)
        services.records.publish_state(queued)
    return queued


def test_the_score_is_the_minutes_and_the_points() -> None:
    assert score(waits(12)) == 12 + POINTS[Priority.NORMAL]
    assert score(waits(12, priority=Priority.LOW)) == 12
    assert score(waits(12, priority=Priority.URGENT, tone="negative")) == 12 + 150 + UPSET
    assert score(waits(0, tone="positive")) == POINTS[Priority.NORMAL]
    assert score(waits(0, tags=["abusive"])) == POINTS[Priority.NORMAL] + UPSET


def test_the_reasons_name_the_matter_or_the_priority_and_the_tone() -> None:
    def reasons(**more: Any) -> tuple[str, ...]:
        found = pressure(waits(3, **more))
        assert found is not None
        return found.reasons

    assert reasons() == ()
    lost = sorted(LOSES_MONEY)[0]
    assert reasons(priority=Priority.URGENT, subject=lost, tone="negative") == (lost, "upset")
    assert reasons(priority=Priority.HIGH, subject="exchange rate") == ("high priority",)


def test_only_who_waits_for_a_person_presses() -> None:
    since = timezone.now()
    assert pressure(Conversation(state=State.BOT, unanswered_since=since)) is None
    assert pressure(Conversation(state=State.PERSON)) is None
    assert pressure(Conversation(state=State.PERSON, unanswered_since=since)) is not None


def test_waiting_outweighs_the_rest_in_the_end(engine: FakeEngine, olivia: User) -> None:
    calm = asks("what is the rate", minutes=10)
    upset = asks("this is ridiculous, answer me")
    stolen = asks("it is gone", subject="lost or stolen card")
    ages = asks("what is the rate", minutes=150)
    waiting = selectors.conversation_list(tab="waiting", operator=olivia)
    assert [row.pk for row in waiting] == [ages.pk, stolen.pk, upset.pk, calm.pk]
    assert selectors.queue_position(conversation=Conversation.objects.get(pk=upset.pk)) == 3
    rows = client_of(olivia).get("/api/v1/support/conversations/?tab=waiting&page_size=2").json()
    following = client_of(olivia).get(rows["next"]).json()["results"]
    assert [row["id"] for row in following] == [str(upset.pk), str(calm.pk)]
    assert following[0]["pressing"]["reasons"] == ["upset"]


def test_the_list_is_narrowed_by_tone_and_score(engine: FakeEngine, olivia: User) -> None:
    upset, calm = asks("nobody answers me"), asks("what is the rate", minutes=90)
    client, path = client_of(olivia), "/api/v1/support/conversations/?tab=all&"

    def found(query: str) -> list[str]:
        return [row["id"] for row in client.get(path + query).json()["results"]]

    assert found("tone=negative") == [str(upset.pk)]
    assert found("score=100") == [str(calm.pk)]
    assert client.get(path + "tone=sad").status_code == 422
    assert client.get(path + "score=x").status_code == 422


def test_a_tone_lasts_until_another_and_follows_what_operators_say(
    engine: FakeEngine, olivia: User
) -> None:
    row = asks("this is ridiculous")

    def tone() -> str:
        return Conversation.objects.get(pk=row.pk).tone

    services.message_receive(conversation_id=row.pk, text="my card", client_id="2")
    assert tone() == "negative"
    which: dict[str, Any] = {"conversation_id": row.pk, "seq": 1, "operator": olivia}
    tone_corrections.tone_correct(label="neutral", **which)
    assert tone() == ""
    assert conversation_payload(Conversation.objects.get(pk=row.pk))["pressing"]["reasons"] == []
    tone_corrections.tone_correction_undo(**which)
    assert tone() == "negative"
    services.message_receive(conversation_id=row.pk, text="thank you, that helped", client_id="3")
    assert tone() == "positive"
