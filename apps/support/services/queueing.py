"""The queue: how a conversation comes into it, and out of it to a person."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import events
from apps.support import dealing, selectors
from apps.support.models import BotTurn, Conversation, Duty, Message, Team, Wait
from apps.support.payloads import place_payload
from apps.support.services.records import (
    State,
    append,
    conversation_stream,
    locked,
    move_to,
    publish_message,
)
from apps.support.services.telling import conversation_tell
from apps.support.urgency import pressure, urgency

_TOLD = 50  # of those who wait; the others learn their place when they come nearer
_DEALT = 50  # at once; the sweep goes on with the others


def queue(conversation: Conversation, *, route: bool = True) -> None:
    """Let it wait for its team; with none, for the one that its matter belongs to (``route``).

    Call before its message is published. Where the team deals, who is free gets it. A priority that
    nobody has set follows from the matter.
    """
    if conversation.priority == Conversation.Priority.NORMAL:
        conversation.priority = urgency(matter=conversation.subject)
    if conversation.team is None and route:
        move_to(conversation, selectors.team_for(subject=conversation.subject))
    conversation.state, conversation.queued_at = State.QUEUED, timezone.now()
    conversation.assignee, conversation.flow = None, {}
    pressing = pressure(conversation)
    conversation.rank_at = pressing.rank_at if pressing else None
    conversation.queued_behind = (selectors.queue_position(conversation=conversation) or 1) - 1
    conversation_tell("conversation.handed_over", conversation)
    if conversation.team is not None and conversation.team.assignment != Team.Assignment.HAND:
        transaction.on_commit(partial(deal, team_id=conversation.team.pk), robust=True)


def leave_queue(conversation: Conversation) -> None:
    """Take it out of the queue; those behind it are told of their new place after the commit.

    Apart from the transaction, since it would hold the streams of many conversations at once.
    """
    if conversation.state == State.QUEUED:
        transaction.on_commit(partial(_tell_positions, conversation.team_id), robust=True)
    conversation.queued_at = None


def _tell_positions(team_id: int | None) -> None:
    waiting = selectors.queue_of(team_id=team_id)
    for position, conversation_id in enumerate(waiting.values_list("id", flat=True)[:_TOLD], 1):
        with transaction.atomic():
            stream = conversation_stream(conversation_id)
            place = selectors.place_at(team_id=team_id, position=position)
            events.publish(stream, "queue.moved", place_payload(place))


def hand_to(conversation: Conversation, owner: User, *, actor: User | None, action: str) -> None:
    """Make ``owner`` the one who speaks, in the caller's transaction; the bot falls silent."""
    if conversation.state == State.QUEUED and conversation.queued_at is not None:
        _measure(conversation, conversation.queued_at)
    leave_queue(conversation)
    conversation.state, conversation.assignee = State.PERSON, owner
    conversation.unsure_count, conversation.snoozed_until = 0, None
    conversation.owned_at, conversation.flow = timezone.now(), {}
    message = append(
        conversation,
        author=Message.Author.SYSTEM,
        text=f"{owner.first_name or owner.username} has joined.",
    )
    BotTurn.objects.filter(
        message__conversation=conversation, status=BotTurn.Status.PENDING
    ).update(status=BotTurn.Status.DROPPED)
    audit_record(
        actor=actor,
        action=action,
        object_type="conversation",
        object_id=conversation.id,
        owner=owner.pk,
    )
    publish_message(conversation, message)
    conversation_tell("conversation.assigned", conversation)


def _measure(conversation: Conversation, queued_at: datetime) -> None:
    """Keep how long it waited, for what others are told."""
    now = timezone.now()
    Wait.objects.create(
        team_id=conversation.team_id,
        seconds=max(0.0, (now - queued_at).total_seconds()),
        ahead=conversation.queued_behind,
        on_duty=selectors.on_duty(team_id=conversation.team_id).count(),
        ended_at=now,
    )


def deal(*, team_id: int) -> int:
    """Hand the waiting conversations of a team to those on duty, each in a transaction of its own.

    Returns how many. A team that assigns by hand deals nothing; nobody is given more than their
    capacity, and who has none left waits in the queue.
    """
    waiting = list(selectors.queue_of(team_id=team_id).values_list("id", flat=True)[:_DEALT])
    dealt = 0
    for conversation_id in waiting:
        with transaction.atomic():
            # The team's row is the lock of its dealing: two at once would both see the same room.
            team = Team.objects.select_for_update().filter(pk=team_id).first()
            if team is None or team.assignment == Team.Assignment.HAND:
                break
            conversation = locked(conversation_id)
            if conversation.state != State.QUEUED or conversation.team_id != team_id:
                continue
            chosen = dealing.choose(
                candidates(team),
                by_skill=team.assignment == Team.Assignment.SKILL,
                wanted={*conversation.tags, conversation.subject.lower()},
            )
            if chosen is None:
                continue
            owner = User.objects.get(pk=chosen)
            Duty.objects.filter(operator=owner).update(dealt_at=timezone.now())
            hand_to(conversation, owner, actor=None, action="conversation.dealt")
            dealt += 1
    return dealt


def deal_all() -> int:
    """Deal what waits in every team that does not assign by hand; returns how many."""
    teams = Team.objects.exclude(assignment=Team.Assignment.HAND).values_list("pk", flat=True)
    return sum(deal(team_id=team_id) for team_id in list(teams))


def deal_to_soon(operator: User) -> None:
    """After the commit, deal in the operator's teams: they have room again."""
    teams = operator.teams.exclude(assignment=Team.Assignment.HAND)
    for team_id in teams.values_list("pk", flat=True):
        transaction.on_commit(partial(deal, team_id=team_id), robust=True)


def deal_for(*, operator: User) -> None:
    """Deal in the teams of an operator who has come on duty."""
    with transaction.atomic():
        deal_to_soon(operator)


def candidates(team: Team) -> list[dealing.Candidate]:
    """The members of a team on duty, with what they have to do already."""
    open_now = Q(
        operator__conversation__state=State.PERSON, operator__conversation__snoozed_until=None
    )
    rows = selectors.on_duty(team_id=team.pk).annotate(
        load=Count("operator__conversation", filter=open_now, distinct=True)
    )
    return [
        dealing.Candidate(
            row.operator_id, row.load, row.capacity, frozenset(row.skills), row.dealt_at
        )
        for row in rows
    ]
