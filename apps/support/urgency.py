"""How urgent a matter is by itself, before an operator has looked at it."""

from __future__ import annotations

from collections.abc import Collection

from apps.support.models import Conversation

Priority = Conversation.Priority

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


def urgency(*, matter: str, tags: Collection[str], upset: str) -> Priority:
    """What a conversation deserves by its matter, and by whether the customer is ``upset``, a tag.

    How long somebody waits decides among those of the same priority.
    """
    if matter in LOSES_MONEY:
        return Priority.URGENT
    if matter in WITHOUT_CARD or upset in tags:
        return Priority.HIGH
    return Priority.NORMAL
