"""What has happened in a conversation, for the person who takes it over."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils import timezone

from apps.support.models import Conversation, Message
from apps.support.particulars import Particular, particulars

_QUESTIONS = 4
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """Taken from the conversation word for word; nothing in it is made up.

    ``asked`` are the customer's latest messages that were more than small talk, oldest first;
    ``answered`` the titles of the articles that the bot cited; ``details`` the names, numbers and
    products found, as (kind, value); ``reason`` why the bot passed it on, if it did.
    """

    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    details: list[tuple[str, str]] = field(default_factory=list)
    reason: str = ""


def summary_get(*, conversation: Conversation) -> Summary:
    """The summary of the conversation as it stands."""
    asked: list[str] = []
    answered: dict[str, None] = {}
    details: dict[tuple[str, str], None] = {}
    reason = ""
    for message in conversation.messages.order_by("seq"):
        analysis = message.analysis
        if message.author == Message.Author.VISITOR:
            if analysis.get("action") != "chat":
                asked.append(message.text[:_LONGEST])
            for one in _particulars(message):
                details[one.kind, one.value] = None
            for kind in analysis.get("masked", []):
                details[kind, "masked"] = None
        elif message.author == Message.Author.BOT:
            for citation in message.citations:
                answered[citation["title"]] = None
            if analysis.get("action") == "hand_over":
                reason = analysis.get("rule", "")
    return Summary(asked[-_QUESTIONS:], list(answered), list(details), reason)


def _particulars(message: Message) -> list[Particular]:
    names = [
        (one["start"], one["start"] + len(one["text"]), one["label"])
        for one in message.analysis.get("entities", [])
        if "start" in one
    ]
    day = timezone.localtime(message.created_at).date()
    return particulars(message.text, names, today=day)
