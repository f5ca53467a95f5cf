"""Sets the deadlines of a conversation by its policy and the hours of the desk."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.support import selectors
from apps.support.models import Conversation

FIRST, NEXT, RESOLUTION = "first", "next", "resolution"
_WITH_PEOPLE = (Conversation.State.QUEUED, Conversation.State.PERSON)


def clocks_set(conversation: Conversation) -> None:
    """Set the deadlines anew, in the caller's transaction and before it stores the conversation.

    They run from when it became a person's matter: the first answer, each next one from the
    customer's first unanswered message, and the resolution. With the bot, or resolved, none runs.
    """
    if conversation.state not in _WITH_PEOPLE:
        conversation.helped_since = conversation.first_reply_at = conversation.due_at = None
        conversation.deadlines, conversation.breached = {}, []
        return
    if conversation.helped_since is None:
        conversation.helped_since = timezone.now()
    due = _deadlines(conversation, conversation.helped_since)
    conversation.deadlines = {kind: at.isoformat() for kind, at in due.items()}
    if NEXT not in due:  # kept or late, it was answered; the next one is another
        conversation.breached = [kind for kind in conversation.breached if kind != NEXT]
    ahead = [at for kind, at in due.items() if kind not in conversation.breached]
    conversation.due_at = min(ahead, default=None)


def _deadlines(conversation: Conversation, since: datetime) -> dict[str, datetime]:
    policy = selectors.policy_for(conversation=conversation)
    if policy is None:
        return {}
    answered, open_since = conversation.first_reply_at, conversation.unanswered_since
    promised = {
        FIRST: (policy.first_minutes, None if answered else since),
        NEXT: (policy.next_minutes, open_since if answered else None),
        RESOLUTION: (policy.resolution_minutes, since),
    }
    calendar = selectors.calendar_get()
    return {
        kind: at
        for kind, (minutes, start) in promised.items()
        if minutes is not None and start is not None
        if (at := calendar.after(start, minutes)) is not None
    }
