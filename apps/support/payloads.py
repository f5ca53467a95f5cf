"""JSON shapes of the sockets and the API. No database in here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.utils.text import slugify

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.support.models import Conversation, DeskCalendar, Message, Note, Policy, SavedView, Team
from apps.support.urgency import pressure

if TYPE_CHECKING:
    from apps.support.selectors import Place

MAX_TEXT = 4000
MAX_SLUG = 120
SHOWN_MESSAGES = 200
"""The latest messages that a page comes with; those before them are read on demand."""


def message_payload(message: Message) -> dict[str, Any]:
    """A message as everybody in the conversation may see it."""
    return {
        "id": message.pk,
        "seq": message.seq,
        "author": message.author,
        "name": message.operator.display_name if message.operator else "",
        "client_id": message.client_id,
        "text": message.text,
        "citations": message.citations,
        "choices": message.choices,
        "at": message.created_at.isoformat(),
    }


def conversation_payload(conversation: Conversation) -> dict[str, Any]:
    """A conversation as a row of the operators' list."""
    assignee = conversation.assignee
    return {
        "id": str(conversation.id),
        "name": conversation.visitor_name or f"Visitor {str(conversation.visitor)[:4]}",
        "state": conversation.state,
        "state_label": conversation.get_state_display(),
        "assignee": assignee.display_name if assignee else "",
        "assignee_id": conversation.assignee_id,
        "team": conversation.team.name if conversation.team else "",
        "team_id": conversation.team_id,
        "subject": conversation.subject,
        "preview": conversation.preview,
        "last_seq": conversation.last_seq,
        "is_example": conversation.is_example,
        "priority": conversation.priority,
        "priority_label": conversation.get_priority_display(),
        "tone": conversation.tone,
        "pressing": _pressing(conversation),
        "tags": conversation.tags,
        "snoozed_until": _moment(conversation.snoozed_until),
        "queued_at": _moment(conversation.queued_at),
        "deadlines": conversation.deadlines,
        "breached": conversation.breached,
        "at": conversation.active_at.isoformat(),
    }


def _pressing(conversation: Conversation) -> dict[str, Any] | None:
    """Since when somebody waits for a person, why they press, and since when by the score."""
    found = pressure(conversation)
    if found is None:
        return None
    return {
        "since": found.since.isoformat(),
        "rank_at": found.rank_at.isoformat(),
        "points": found.points,
        "reasons": list(found.reasons),
    }


def note_payload(note: Note) -> dict[str, Any]:
    """A private note, for operators alone."""
    return {
        "id": note.pk,
        "after_seq": note.after_seq,
        "name": note.author.display_name if note.author else "",
        "client_id": note.client_id,
        "text": note.text,
        "at": note.created_at.isoformat(),
    }


def team_payload(team: Team, *, whole: bool = False) -> dict[str, Any]:
    """A team as every operator may know it; ``whole`` for those who may change it."""
    known = {"id": team.pk, "name": team.name, "private": team.private}
    if not whole:
        return known
    return known | {
        "assignment": team.assignment,
        "matters": team.matters,
        "takes_rest": team.takes_rest,
        "member_ids": sorted(member.pk for member in team.members.all()),
    }


def policy_payload(policy: Policy) -> dict[str, Any]:
    """What is promised, in minutes of working time."""
    return {
        "id": policy.pk,
        "name": policy.name,
        "team": policy.team_id,
        "priority": policy.priority,
        "first_minutes": policy.first_minutes,
        "next_minutes": policy.next_minutes,
        "resolution_minutes": policy.resolution_minutes,
    }


def view_payload(view: SavedView) -> dict[str, Any]:
    """An operator's own view, with the query string that opens it."""
    query = urlencode({"tab": view.tab, **view.filters})
    return {
        "id": view.pk,
        "name": view.name,
        "tab": view.tab,
        "filters": view.filters,
        "query": query,
    }


def calendar_payload(calendar: DeskCalendar) -> dict[str, Any]:
    """The hours of the desk."""
    return {"zone": calendar.zone, "week": calendar.week, "holidays": calendar.holidays}


def duty_payload(operator: User, presence: str) -> dict[str, Any]:
    """An operator as colleagues see them; read with their duty."""
    duty = getattr(operator, "duty", None)
    return {
        "id": operator.pk,
        "name": operator.display_name,
        "presence": presence,
        "capacity": duty.capacity if duty else None,
        "skills": duty.skills if duty else [],
    }


def place_payload(place: Place) -> dict[str, Any]:
    """A place in the queue; ``wait_minutes`` is null when it is not known."""
    return {
        "position": place.position,
        "wait_minutes": place.minutes,
        "on_duty": place.on_duty,
        "opens_at": _moment(place.opens_at),
    }


def visitor_state(conversation: Conversation, place: Place) -> dict[str, Any]:
    """What the visitor may know of the conversation's state."""
    assignee = conversation.assignee
    return {
        "state": conversation.state,
        "state_label": conversation.get_state_display(),
        "operator": assignee.first_name if assignee else "",
        **place_payload(place),
    }


def text_of(frame: dict[str, Any]) -> str:
    """The frame's message text; raises ``InvalidInput`` if there is none or it is too long."""
    text = frame.get("text")
    if not isinstance(text, str):
        raise InvalidInput(
            '"text" must be a text.', code="frame_invalid", fields={"text": "not a text"}
        )
    cleaned = "".join(map(_kept, text)).strip()
    if not cleaned:
        raise InvalidInput("The message is empty.", code="message_empty")
    if len(cleaned) > MAX_TEXT:
        raise InvalidInput(
            "The message has %(number)s characters; %(most)s are allowed.",
            code="message_too_long",
            number=f"{len(cleaned):,}",
            most=f"{MAX_TEXT:,}",
        )
    return cleaned


def client_id_of(frame: dict[str, Any]) -> str:
    """The client's id of a command, by which it is done once however often it is sent."""
    client_id = frame.get("id")
    if not isinstance(client_id, str) or not 1 <= len(client_id) <= 64:
        raise InvalidInput('"id" must be a text of 1 to 64 characters.', code="frame_without_id")
    return client_id


def number_of(frame: dict[str, Any], name: str) -> int | None:
    """A whole number of the frame, or ``None`` when it has none there."""
    value = frame.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidInput('"%(name)s" is not a whole number.', code="frame_invalid", name=name)
    return value


def tags_of(frame: dict[str, Any]) -> list[str] | None:
    tags = frame.get("tags")
    if tags is None:
        return None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidInput('"tags" is not a list of texts.', code="frame_invalid")
    return tags


def until_of(frame: dict[str, Any]) -> datetime | None:
    """The moment ``until``, with its time zone; ``None`` when it is null."""
    until = frame.get("until")
    if until is None:
        return None
    try:
        moment = datetime.fromisoformat(until)
    except (TypeError, ValueError) as error:
        raise InvalidInput('"until" is not a time of ISO 8601.', code="frame_invalid") from error
    if moment.tzinfo is None:
        raise InvalidInput('"until" has no time zone.', code="frame_invalid")
    return moment


def chosen_of(frame: dict[str, Any]) -> str | None:
    """The id of the article that the visitor chose from those offered."""
    chosen = frame.get("chosen")
    if chosen is None:
        return None
    if not isinstance(chosen, str) or len(chosen) > MAX_SLUG or slugify(chosen) != chosen:
        raise InvalidInput('"chosen" is not the id of an article.', code="frame_invalid")
    return chosen


def _kept(character: str) -> str:
    """The character, a plain space for another kind of space, nothing for what does not show."""
    if character.isprintable() or character in "\n\t":
        return character
    return " " if character.isspace() else ""


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
