"""Writes of teams, and a conversation's way from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import events
from apps.core.errors import Conflict, InvalidInput
from apps.support import selectors
from apps.support.models import Conversation, Message, Team
from apps.support.services.conversations import require_owner
from apps.support.services.desk import note_in
from apps.support.services.presence import words
from apps.support.services.queueing import deal, deal_to_soon, hand_to, leave_queue, queue
from apps.support.services.records import State, append, locked_for, move_to, publish_message
from apps.support.streams import DESK

MAX_MATTERS = 200


def team_save(
    *,
    team_id: int | None,
    actor: User,
    name: str,
    private: bool = False,
    assignment: str = Team.Assignment.HAND,
    matters: Sequence[str] = (),
    takes_rest: bool = False,
    member_ids: Sequence[int] = (),
) -> Team:
    """Store a new team (``team_id`` is ``None``) or change one.

    Sockets of those who may not see its conversations any more are cut off with the commit. Raises
    ``Conflict`` when the name is taken, ``InvalidInput`` when a member is no operator.
    """
    answering = {person.pk for person in selectors.colleagues()}
    if not set(member_ids) <= answering:
        raise InvalidInput("Only operators can be in a team.", fields={"members": "no operator"})
    if assignment not in Team.Assignment.values:
        raise InvalidInput("There is no such assignment.", fields={"assignment": "unknown"})
    cleaned = words(matters)
    title = " ".join(name.split())
    if not 0 < len(title) <= 60 or len(cleaned) > MAX_MATTERS:
        raise InvalidInput(
            "A team has a name of at most 60 characters and at most %(max_matters)s matters.",
            fields={"name" if not 0 < len(title) <= 60 else "matters": "empty or too long"},
            max_matters=MAX_MATTERS,
        )
    try:
        with transaction.atomic():
            team = Team() if team_id is None else selectors.team_get(team_id=team_id)
            team.name, team.private, team.assignment = title, private, assignment
            team.matters, team.takes_rest = cleaned, takes_rest
            team.save()
            team.members.set(member_ids)
            if takes_rest:  # there is one rest
                Team.objects.exclude(pk=team.pk).update(takes_rest=False)
            _record(actor, "team.saved", team)
            _changed(team)
    except IntegrityError as error:
        raise Conflict(
            "There is a team called %(title)r.",
            code="team_exists",
            fields={"name": "taken"},
            title=title,
        ) from error
    return team


def team_delete(*, team_id: int, actor: User) -> None:
    """Delete a team without conversations; raises ``Conflict`` while it has some, which would be
    everybody's to see without it."""
    with transaction.atomic():
        team = selectors.team_get(team_id=team_id)
        _record(actor, "team.deleted", team)
        try:
            team.delete()
        except ProtectedError as error:
            number = Conversation.objects.filter(team_id=team_id).count()
            raise Conflict(
                "%(name)s has conversations (%(number)s); pass them to another team first.",
                code="team_in_use",
                name=team.name,
                number=number,
            ) from error
        events.publish(DESK, "teams.changed", {})


def conversation_transfer(
    *,
    conversation_id: UUID,
    operator: User,
    team_id: int | None,
    assignee_id: int | None = None,
    note: str = "",
    client_id: str,
) -> Conversation:
    """Pass the conversation to a team's queue, or to a person of that team, with a private note.

    ``team_id`` ``None`` is the queue that every operator sees. Whoever may not see the new team's
    conversations, the operator who passes it on included, is cut off from this one.
    Raises ``Conflict`` unless the operator has it or nobody does, ``NotFound`` for a team that is
    not there, ``InvalidInput`` for a person who may not see it.
    """
    team = None if team_id is None else selectors.team_get(team_id=team_id)
    person = _person(assignee_id, team)
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        if conversation.state == State.RESOLVED:
            raise Conflict("It is resolved; there is nothing to pass on.", code="is_resolved")
        if conversation.state == State.PERSON:
            require_owner(conversation, operator)
            deal_to_soon(operator)
        if note:
            note_in(conversation, operator=operator, text=note, client_id=client_id)
        leave_queue(conversation)
        move_to(conversation, team)
        audit_record(
            actor=operator,
            action="conversation.transferred",
            object_type="conversation",
            object_id=conversation.id,
            team=team_id,
            owner=assignee_id,
        )
        if person is not None:
            hand_to(conversation, person, actor=operator, action="conversation.assigned")
            return conversation
        conversation.snoozed_until = None
        queue(conversation, route=False)
        message = append(conversation, author=Message.Author.SYSTEM, text=_told(team))
        publish_message(conversation, message)
    return conversation


def _person(assignee_id: int | None, team: Team | None) -> User | None:
    if assignee_id is None:
        return None
    known = {person.pk: person for person in selectors.colleagues(team=team)}
    if assignee_id not in known:
        raise InvalidInput(
            "Only an operator who may see the team can be given it.", code="assignee_invalid"
        )
    return known[assignee_id]


def _told(team: Team | None) -> str:
    if team is None or team.private:
        return "You are being passed to another team. A colleague will join as soon as one is free."
    return f"You are being passed to {team.name}. A colleague will join as soon as one is free."


def _changed(team: Team) -> None:
    events.publish(DESK, "access.changed", {})
    events.publish(DESK, "teams.changed", {})
    transaction.on_commit(partial(deal, team_id=team.pk), robust=True)


def _record(actor: User, action: str, team: Team) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="team",
        object_id=team.pk,
        name=team.name,
        private=team.private,
        members=sorted(team.members.values_list("pk", flat=True)),
    )
