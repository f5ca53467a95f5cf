"""Which flow a message begins, and which one is offered under an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from apps.support.bot import Decision
from apps.support.flows.definition import Flow
from ml.types import Classification

OFFER = "flow_"
"""What the id of a choice begins with that begins a flow; no article's id has an underscore."""

_BETWEEN = 40  # characters that "..." stands for at most


def begun_by(
    text: str, decision: Decision, intent: Classification, flows: Sequence[Flow]
) -> str | None:
    """The flow that the message begins by its words, or by an intent that the bot is sure of.

    Small talk, a wish for a person and messages about several matters begin none.
    """
    if decision.action not in ("answer", "clarify", "unsure") and decision.sure:
        return None
    if len(decision.citations) > 1:
        return None
    for flow in flows:
        if any(_pattern(phrase).search(text) for phrase in flow.phrases):
            return flow.name
    if decision.action != "answer" or not intent.confident or not intent.scores:
        return None
    label = intent.scores[0].label
    return next((flow.name for flow in flows if label in flow.intents), None)


def offered_under(decision: Decision, flows: Sequence[Flow]) -> Flow | None:
    """The flow to offer under the answer from an article."""
    if decision.action != "answer" or len(decision.citations) != 1:
        return None
    slug = decision.citations[0]["slug"]
    return next((flow for flow in flows if slug in flow.offered_on), None)


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """The words of a phrase in their order; ``...`` stands for a few others, or none."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in phrase.split("...")]
    between = rf"\b.{{0,{_BETWEEN}}}?\b"
    return re.compile(rf"(?<!\w){between.join(parts)}(?!\w)", re.IGNORECASE)
