"""The turns that the bot owes: claimed by lease, closed once by compare-and-swap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.core import rows
from apps.support import statements
from apps.support.bot import RULE_ABUSE, TEXT_HAND_OVER, Decision
from apps.support.models import BotTurn, Conversation, Message
from apps.support.services import holding
from apps.support.services.queueing import queue
from apps.support.services.records import (
    State,
    append,
    locked,
    mark_abusive,
    publish_message,
    publish_state,
)

LEASE = timedelta(seconds=10)


def turn_claim(*, turn_id: int) -> bool:
    """Take the lease of a turn whose lease has run out; false if somebody else has it."""
    now = timezone.now()
    return bool(
        BotTurn.objects.filter(
            pk=turn_id, status=BotTurn.Status.PENDING, lease_until__lte=now
        ).update(lease_until=now + LEASE)
    )


def turn_claim_next(*, conversation_id: UUID) -> int | None:
    """Take the lease of the conversation's next open turn, if it has one that nobody works on."""
    turn_id = statements.turn_open(conversation_id)
    return turn_id if turn_id is not None and turn_claim(turn_id=turn_id) else None


@dataclass(frozen=True, slots=True)
class Closed:
    """A turn that is over; ``following`` is the conversation's next one, whose lease was taken."""

    answer: Message | None
    following: int | None


def turn_close(*, turn: BotTurn, decision: Decision, analysis: dict[str, Any]) -> Closed:
    """Store the bot's answer, close its turn, once, and claim the conversation's next one.

    There is no answer, and no message stored, when the turn is closed already or a person has taken
    over in the meantime.
    """
    with transaction.atomic():
        answer = _answer(turn, decision, analysis)
        following = turn_claim_next(conversation_id=turn.message.conversation_id)
    return Closed(answer, following)


def _answer(turn: BotTurn, decision: Decision, analysis: dict[str, Any]) -> Message | None:
    """Store the answer, in the caller's transaction."""
    conversation = locked(turn.message.conversation_id)
    speaks = conversation.state == State.BOT
    status = BotTurn.Status.DONE if speaks else BotTurn.Status.DROPPED
    if not statements.turn_end(turn.pk, status):
        return None
    asked = turn.message
    asked.analysis = asked.analysis | analysis
    rows.update(asked, ("analysis",))
    if not speaks:
        return None
    if decision.action in ("answer", "clarify") and (intents := analysis.get("intents")):
        conversation.subject = str(intents[0]["label"]).replace("_", " ")[:120]
    if flow := analysis.get("flow"):
        conversation.subject = str(flow["title"])
    conversation.flow = holding.kept_on(conversation.flow, decision.flow, after=asked.seq)
    unsure = decision.action in ("unsure", "hand_over")
    conversation.unsure_count = conversation.unsure_count + 1 if unsure else 0
    answer = append(
        conversation,
        author=Message.Author.BOT,
        text=decision.text,
        citations=decision.citations,
        choices=decision.choices,
        analysis={"answers": asked.seq, "rule": decision.rule, "action": decision.action},
    )
    handed_over = decision.action == "hand_over"
    if handed_over:
        queue(conversation)
    publish_message(conversation, answer, state_changed=handed_over)
    return answer


def abuse_note(*, message: Message, labels: Sequence[str]) -> None:
    """Tell the operators that a customer's message is abuse, by those of its labels that the policy
    names; once there were as many such messages as it allows the bot passes the conversation on."""
    wanted = settings.SUPPORT_ABUSE_TOLD
    told = [label for label in labels if not wanted or label in wanted]
    if not told:
        return
    with transaction.atomic():
        conversation = locked(message.conversation_id)
        kept = Message.objects.select_for_update().get(pk=message.pk)
        kept.analysis["abuse"] = told
        kept.save(update_fields=["analysis"])
        mark_abusive(conversation)
        if conversation.state != State.BOT or not _too_much(conversation):
            publish_state(conversation, changed=False)
            return
        notice = append(
            conversation,
            author=Message.Author.BOT,
            text=TEXT_HAND_OVER,
            analysis={"answers": kept.seq, "rule": RULE_ABUSE, "action": "hand_over"},
        )
        queue(conversation)
        publish_message(conversation, notice, state_changed=True)


def _too_much(conversation: Conversation) -> bool:
    """Whether there were as many abusive messages as the policy allows."""
    most = settings.SUPPORT_ABUSE_HAND_OVER
    abusive = conversation.messages.filter(analysis__has_key="abuse")
    return most > 0 and abusive.count() >= most


def turn_postpone(*, turn_id: int, seconds: float) -> None:
    """Give a turn back for later, because this attempt failed."""
    until = timezone.now() + timedelta(seconds=seconds)
    BotTurn.objects.filter(pk=turn_id, status=BotTurn.Status.PENDING).update(
        lease_until=until, attempts=F("attempts") + 1
    )
