"""What customers asked about, as the intent model took it, and what operators say of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.modelhub.models import LabelledExample
from apps.support.models import Conversation, Message
from apps.support.promises import TASK

NONE = "no known matter"
_SUBJECT = "support.message."
_ACTIONS = ("answer", "clarify", "unsure", "hand_over", "ask")
_COLUMNS = (
    *("conversation", "pk", "created_at", "analysis__intents__0__label"),
    *("analysis__in_scope", "analysis__action", "analysis__rule"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A message with a question of its own: the matter that it was taken for, whether the bot
    answered it, and whether that was the matter (``None``: nobody has said)."""

    matter: str
    at: datetime
    answered: bool
    right: bool | None


def asked_in(found: QuerySet[Conversation]) -> Iterator[tuple[UUID, Asked]]:
    """The questions of these conversations, each with its conversation.

    What answers a question of a flow asks nothing. Where operators disagree, the verdict of a team
    lead counts, without one the last word.
    """
    rows = Message.objects.filter(
        conversation__in=found,
        author=Message.Author.VISITOR,
        analysis__action__in=_ACTIONS,
        analysis__intents__0__label__isnull=False,
    )
    said = _said()
    for conversation, pk, at, label, in_scope, action, rule in rows.values_list(
        *_COLUMNS
    ).iterator():
        if str(rule).startswith("flow ") and " begins at " not in str(rule):
            continue
        given = said.get(f"{_SUBJECT}{pk}")
        yield (
            conversation,
            Asked(
                matter=str(label) if in_scope else NONE,
                at=at,
                answered=action in ("answer", "ask"),
                right=None if given is None else given == (label if in_scope else "oos"),
            ),
        )


def _said() -> dict[str, str]:
    """By message: the matter that operators say it is about."""
    examples = LabelledExample.objects.filter(task=TASK, subject__startswith=_SUBJECT)
    return dict(examples.order_by("decides", "updated_at").values_list("subject", "new_label"))
