"""Keeps what a running flow asks for of the personal numbers that are masked in messages.

Only kinds that an open slot of the running flow waits for are kept, of a card the last four digits,
with the conversation's flow and no longer than that; the message itself is stored masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.conf import settings

from apps.support.flows.values import kept
from apps.support.models import Conversation
from ml.entities.detection import detect
from ml.entities.spans import DetectedKind


def hold(conversation: Conversation, *, text: str, kinds: Sequence[DetectedKind]) -> None:
    """Keep the values of ``kinds``, masked in the message that was just counted in next."""
    wanted = set(kinds) & set(conversation.flow.get("wants", ()))
    if not wanted:
        return
    values = {
        found.kind: kept(found.kind, found.value)
        for found in detect(text, today=date.min, kinds=kinds, region=settings.PHONE_REGION)
        if found.kind in wanted
    }
    held = {**conversation.flow.get("held", {}), str(conversation.last_seq + 1): values}
    conversation.flow = {**conversation.flow, "held": held}


def held_for(flow: dict[str, Any], seq: int) -> dict[str, str]:
    """What was kept of the message ``seq``."""
    values: dict[str, str] = flow.get("held", {}).get(str(seq), {})
    return values


def kept_on(before: dict[str, Any], after_turn: dict[str, Any], *, after: int) -> dict[str, Any]:
    """The flow of a conversation after a turn, with what came in since for the turns to come."""
    if "run" not in after_turn:
        return after_turn
    held = {seq: values for seq, values in before.get("held", {}).items() if int(seq) > after}
    return {**after_turn, "held": held} if held else after_turn
