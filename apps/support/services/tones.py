"""How the customer of a conversation sounded last, by their messages and by what operators say."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from apps.modelhub.services import examples_said
from apps.support.models import Conversation, Message
from apps.support.services.correcting import TONE, subject_of
from apps.support.services.records import locked, publish_state
from apps.support.tone import tone_of

NEUTRAL, NEGATIVE = "neutral", "negative"
_LOOKED_BACK = 20  # messages of the customer


def tone_after(conversation: Conversation, text: str, *, reopened: bool) -> str:
    """How the customer sounds once they have written ``text``: a calm message changes nothing."""
    heard = tone_of(text).label
    if heard != NEUTRAL:
        return heard
    return "" if reopened else conversation.tone


def tone_renew(*, conversation_id: UUID) -> None:
    """Take up what operators say of the tone of its messages."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        rows = conversation.messages.filter(author=Message.Author.VISITOR)
        latest = list(rows.order_by("-seq")[:_LOOKED_BACK])
        said = examples_said(task=TONE, subjects=[subject_of(message) for message in latest])
        labels = (said.get(subject_of(message)) or _heard(message) for message in latest)
        tone = next((label for label in labels if label != NEUTRAL), "")
        if tone != conversation.tone:
            conversation.tone = tone
            publish_state(conversation, changed=False)


def _heard(message: Message) -> str:
    return NEGATIVE if message.analysis.get("abuse") else tone_of(message.text).label
