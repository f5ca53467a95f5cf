"""How much a conversation presses: by its matter, the customer's tone, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from apps.support.models import Conversation

Priority = Conversation.Priority
State = Conversation.State

LOSES_MONEY = frozenset(
    {
        "card payment not recognised",
        "cash withdrawal not recognised",
        "compromised card",
        "direct debit payment not recognised",
        "lost or stolen card",
        "lost or stolen phone",
    }
)
"""Matters in which each minute may cost the customer money."""
WITHOUT_CARD = frozenset({"card swallowed", "passcode forgotten", "pin blocked"})
"""Matters in which the customer cannot pay at this moment."""

POINTS = {Priority.URGENT: 150, Priority.HIGH: 60, Priority.NORMAL: 30, Priority.LOW: 0}
UPSET = 15
"""What a priority and an upset customer add to the minutes that somebody waits."""
ABUSIVE = "abusive"
"""The tag of a conversation in which the visitor was abusive."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """Why a conversation presses: ``points`` beside the minutes since ``since``, and reasons."""

    points: int
    since: datetime
    reasons: tuple[str, ...]

    @property
    def rank_at(self) -> datetime:
        """When one who presses for nothing but waiting would have had to come to press as much.

        The minutes since then are the score, and who has the earliest comes first: all wait equally
        fast, so that the order need not be reckoned anew.
        """
        return self.since - timedelta(minutes=self.points)


_PRIORITIES = {
    Priority.URGENT: gettext_noop("urgent priority"),
    Priority.HIGH: gettext_noop("high priority"),
    Priority.LOW: gettext_noop("low priority"),
}


def urgency(*, matter: str) -> Priority:
    """What a conversation deserves by its matter, before an operator has looked at it."""
    if matter in LOSES_MONEY:
        return Priority.URGENT
    return Priority.HIGH if matter in WITHOUT_CARD else Priority.NORMAL


def pressure(conversation: Conversation) -> Pressure | None:
    """What presses; ``None`` while nobody waits for a person."""
    since = None
    if conversation.state == State.QUEUED:
        since = conversation.queued_at
    elif conversation.state == State.PERSON:
        since = conversation.unanswered_since
    if since is None:
        return None
    upset = conversation.tone == "negative" or ABUSIVE in conversation.tags
    priority = Priority(conversation.priority)
    reasons = []
    if priority != Priority.NORMAL:
        pressing = conversation.subject in LOSES_MONEY | WITHOUT_CARD
        reasons.append(conversation.subject if pressing else _PRIORITIES[priority])
    if upset:
        reasons.append(gettext_noop("upset"))
    return Pressure(POINTS[priority] + UPSET * upset, since, tuple(reasons))
