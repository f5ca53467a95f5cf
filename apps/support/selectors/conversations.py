"""Reads of conversations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.support import statements
from apps.support.models import BotTurn, Conversation, Customer, Message, Note
from apps.support.selectors.filters import Filters
from apps.support.selectors.teams import in_sight, of_team

TABS = ("waiting", "mine", "unassigned", "bot", "snoozed", "all", "resolved")
_LOOKED_BACK = 3
"""Answers of the bot behind which a message may still go on with the matter."""


def conversation_list(
    *, tab: str = "all", operator: User | None = None, filters: Filters | None = None
) -> QuerySet[Conversation]:
    """What ``operator`` may see of a tab of the console, latest first; waiting ones by how
    much they press; ``filters`` narrow it.

    A snoozed conversation is in no other tab until it wakes.
    """
    rows = _rows().filter(in_sight(operator)).order_by("-active_at")
    if filters is not None:
        rows = rows.filter(filters.wanted())
    states = Conversation.State
    if tab == "snoozed":
        return rows.filter(snoozed_until__isnull=False).order_by("snoozed_until")
    rows = rows.filter(snoozed_until=None)
    if tab == "waiting":
        return rows.filter(state=states.QUEUED).order_by("rank_at")
    if tab == "mine":
        return rows.filter(state=states.PERSON, assignee=operator)
    if tab == "unassigned":
        return rows.filter(assignee=None).exclude(state=states.RESOLVED)
    if tab == "bot":
        return rows.filter(state=states.BOT)
    if tab == "resolved":
        return rows.filter(state=states.RESOLVED)
    return rows.exclude(state=states.RESOLVED)


def conversation_get(*, conversation_id: UUID | str) -> Conversation:
    """A conversation, whoever asks: for the visitor's own, and for the system."""
    return _one(Q(id=conversation_id))


def conversation_seen(*, conversation_id: UUID | str, operator: User) -> Conversation:
    """A conversation for an operator; one of a private team of others does not exist."""
    return _one(Q(id=conversation_id) & in_sight(operator))


def conversation_of_visitor(*, visitor: UUID) -> Conversation | None:
    """The visitor's latest conversation."""
    return statements.conversation_of_visitor(visitor)


def verified_name(*, visitor: UUID) -> str:
    """The name that the site has vouched for; empty for a stranger, and where it told none."""
    known = Customer.objects.filter(visitor=visitor).values_list("name", flat=True).first()
    return str(known or "")


def message_list(
    *, conversation: Conversation, before: int | None = None, latest: int | None = None
) -> list[Message]:
    """The messages in order; of those ``before`` a number, and of them the ``latest`` ones."""
    rows = conversation.messages.select_related("operator")
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return list(rows.order_by("-seq")[:latest])[::-1]


def note_list(*, conversation: Conversation) -> list[Note]:
    return list(conversation.notes.select_related("author"))


def snoozed_due() -> list[UUID]:
    """Conversations whose sleep is over."""
    due = Conversation.objects.filter(snoozed_until__lte=timezone.now())
    return list(due.values_list("id", flat=True)[:500])


def queue_position(*, conversation: Conversation) -> int | None:
    """Place in the queue of its team, from 1, as :mod:`apps.support.urgency` orders it.

    ``None`` when the conversation is not waiting. Snoozed ones are passed over until they wake.
    """
    if conversation.state != Conversation.State.QUEUED or conversation.rank_at is None:
        return None
    waiting = queue_of(team_id=conversation.team_id)
    return waiting.filter(rank_at__lt=conversation.rank_at).exclude(pk=conversation.pk).count() + 1


def queue_of(*, team_id: int | None) -> QuerySet[Conversation]:
    """Who waits for a team (``None``: for anybody), in the order in which they are served."""
    waiting = Conversation.objects.filter(
        of_team(team_id), state=Conversation.State.QUEUED, snoozed_until=None
    )
    return waiting.order_by("rank_at", "id")


def turn_get(*, turn_id: int) -> BotTurn | None:
    rows = BotTurn.objects.select_related("message__conversation")
    return rows.filter(pk=turn_id, status=BotTurn.Status.PENDING).first()


def turns_due(*, limit: int = 50) -> list[int]:
    """Turns nobody works on, oldest first. A conversation's turns are answered in order, so each
    waits until those before it are closed."""
    return statements.turns_due(timezone.now(), most=limit)


def question_before(*, message: Message) -> str | None:
    """The customer's question that the bot answered last before ``message``, as it was read.

    ``None`` where the bot was unsure of what came after it; small talk in between does not count.
    """
    earlier = message.conversation.messages.filter(seq__lt=message.seq)
    answers = earlier.filter(author=Message.Author.BOT).order_by("-seq")[:_LOOKED_BACK]
    cited = next((one for one in answers if one.analysis.get("action") != "chat"), None)
    if cited is None or not cited.citations:
        return None
    question = earlier.filter(
        author=Message.Author.VISITOR, seq=cited.analysis.get("answers", 0)
    ).first()
    if question is None:
        return None
    return str(question.analysis.get("read_as") or question.text)


def analysed_message(
    *, conversation: Conversation, answer_seq: int | None = None
) -> Message | None:
    """The visitor's message that the bot's message ``answer_seq`` answers; without it, the latest
    that was analysed."""
    messages = conversation.messages.all()
    if answer_seq is not None:
        answer = messages.filter(seq=answer_seq, author=Message.Author.BOT).first()
        seq = answer.analysis.get("answers") if answer else None
        return messages.filter(seq=seq).first() if seq else None
    rows = messages.filter(author=Message.Author.VISITOR).order_by("-seq")[:20]
    return next((message for message in rows if "rule" in message.analysis), None)


def counts(*, operator: User) -> dict[str, Any]:
    """How many conversations each tab has."""
    return {tab: conversation_list(tab=tab, operator=operator).count() for tab in TABS}


def _rows() -> QuerySet[Conversation]:
    return Conversation.objects.select_related("assignee", "team")


def _one(wanted: Q) -> Conversation:
    found = _rows().filter(wanted).first()
    if found is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    return found
