"""Support over HTTP: the desk of an operator, and a customer's chat."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from trefoil_client.connection import Connection, given

Reading = Literal["intent", "entities", "article", "tone"]
"""What of a message operators correct."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message; ``author`` is ``visitor``, ``bot``, ``operator`` or ``system``. ``sources`` maps
    the titles of cited articles to their addresses."""

    seq: int
    author: str
    name: str
    text: str
    sources: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row of the list of conversations."""

    id: str
    name: str
    state: str
    assignee: str
    team: str
    subject: str
    preview: str
    priority: int
    tags: tuple[str, ...]
    at: datetime


class Desk(Connection):
    """Reads and handles conversations with an operator's token; a context manager.

    What the server refuses is raised as ``TrefoilError``; what keeps it from answering as the
    errors of ``httpx``.
    """

    _part = "support"

    def conversations(self, tab: str = "all", **narrowed: str | int) -> Iterator[Conversation]:
        """All conversations of a tab in its order, page by page; ``q``, ``team``, ``tag``,
        ``priority``, ``tone`` and ``score`` narrow them."""
        rows = self._paged("conversations/", tab=tab, page_size=250, **narrowed)
        return map(_conversation, rows)

    def messages(self, conversation: str) -> tuple[Message, ...]:
        """The messages of a conversation, in their order."""
        body = self._asked("GET", f"conversations/{conversation}/")
        return tuple(map(_message, body["messages"]))

    def take(self, conversation: str) -> Conversation:
        """Take a conversation over; the bot falls silent."""
        return self._done(conversation, "take")

    def release(self, conversation: str) -> Conversation:
        """Give a conversation back to the bot."""
        return self._done(conversation, "release")

    def resolve(self, conversation: str) -> Conversation:
        """Close a conversation; the customer's next message opens it again."""
        return self._done(conversation, "resolve")

    def reply(self, conversation: str, text: str, *, id: str | None = None) -> Message:
        """Answer the customer; the same ``id`` again sends nothing and returns what was sent."""
        body = {"text": text, "id": id or uuid.uuid4().hex}
        return _message(self._asked("POST", f"conversations/{conversation}/messages/", json=body))

    def note(self, conversation: str, text: str, *, id: str | None = None) -> None:
        """Leave a private note, which no customer sees."""
        body = {"text": text, "id": id or uuid.uuid4().hex}
        self._asked("POST", f"conversations/{conversation}/notes/", json=body)

    def notes(self, conversation: str) -> list[dict[str, Any]]:
        """The private notes beside a conversation."""
        return self._rows(f"conversations/{conversation}/notes/")

    def assign(self, conversation: str, operator: int, *, expected: int | None) -> Conversation:
        """Give a conversation to a colleague, if ``expected`` (``None``: nobody) has it now."""
        return self._done(conversation, "assign", assignee=operator, expected=expected)

    def sort(
        self, conversation: str, *, priority: int | None = None, tags: Sequence[str] | None = None
    ) -> Conversation:
        """Set the priority, 1 for urgent to 4 for low, and the tags."""
        return self._done(conversation, "sort", **given({"priority": priority, "tags": tags}))

    def snooze(self, conversation: str, until: datetime | None) -> Conversation:
        """Put a conversation off until a moment with its time zone; ``None`` wakes it."""
        return self._done(conversation, "snooze", until=until.isoformat() if until else None)

    def transfer(
        self,
        conversation: str,
        *,
        team: int | None = None,
        operator: int | None = None,
        note: str = "",
        id: str | None = None,
    ) -> Conversation:
        """Pass a conversation to a team (``None``: everybody's queue) or a person."""
        more = {"team": team, "assignee": operator, "note": note, "id": id or uuid.uuid4().hex}
        return self._done(conversation, "transfer", **more)

    def merge(self, conversation: str, other: str) -> Conversation:
        """Bring the messages of the same customer's ``other`` conversation into this one."""
        return self._done(conversation, "merge", other=other)

    def handle(self, conversations: Sequence[str], action: str, **more: Any) -> dict[str, Any]:
        """One action (``take``, ``release``, ``resolve``, ``assign``, ``sort``, ``snooze``) on
        several; says of each whether it was done."""
        body = {"conversations": list(conversations), "action": action, **more}
        return self._asked("POST", "conversations/bulk/", json=body)

    def counts(self) -> dict[str, int]:
        """How many conversations each tab has."""
        return self._asked("GET", "conversations/counts/")

    def summary(self, conversation: str) -> dict[str, Any]:
        """What was asked, answered and found, and why it was passed on."""
        return self._asked("GET", f"conversations/{conversation}/summary/")

    def suggestions(self, conversation: str) -> dict[str, Any]:
        """Drafts of a reply with their sources, similar conversations, the next article."""
        return self._asked("GET", f"conversations/{conversation}/suggestions/")

    def search(self, words: str) -> dict[str, Any]:
        """Conversations and articles by their words and by meaning."""
        return self._asked("GET", "search/", params={"q": words})

    def said(self, conversation: str, seq: int, what: Reading) -> dict[str, Any]:
        """How a customer's message was read, and what operators say of that."""
        return self._asked("GET", _reading(conversation, seq, what))

    def correct(self, conversation: str, seq: int, what: Reading, **said: Any) -> dict[str, Any]:
        """Say what is right: ``label`` of ``intent`` and ``tone``, ``spans`` of ``entities``,
        ``slug`` of ``article``."""
        return self._asked("PUT", _reading(conversation, seq, what), json=said)

    def take_back(self, conversation: str, seq: int, what: Reading) -> dict[str, Any]:
        """Take back what one has said oneself."""
        return self._asked("DELETE", _reading(conversation, seq, what))

    def _done(self, conversation: str, action: str, **body: Any) -> Conversation:
        path = f"conversations/{conversation}/{action}/"
        return _conversation(self._asked("POST", path, json=body or None))


class Chat(Connection):
    """A customer's own conversation; a context manager. With its ``token`` one goes on later."""

    _part = "support"

    @classmethod
    def open(cls, url: str, **options: Any) -> Self:
        """Begin as a new visitor."""
        with cls(url, "", **options) as stranger:
            token = stranger._asked("POST", "visitor/")["token"]
        return cls(url, token, **options)

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        super().__init__(url, token, timeout=timeout)
        self.token = token
        del self._http.headers["Authorization"]
        self._http.headers["X-Visitor-Token"] = token

    def send(self, text: str, *, id: str | None = None) -> Message:
        """Write a message; the bot's answer comes among ``messages`` a moment later."""
        body = {"text": text, "id": id or uuid.uuid4().hex}
        return _message(self._asked("POST", "visitor/messages/", json=body))

    def messages(self) -> tuple[Message, ...]:
        """What was said so far, in its order."""
        return tuple(map(_message, self._asked("GET", "visitor/messages/")["messages"]))

    def ask_for_person(self) -> str:
        """Ask for a person; returns the conversation's state."""
        return str(self._asked("POST", "visitor/person/")["state"])

    def identify(self, identity: str) -> str:
        """Become the customer whom the site's signed statement names; returns their token, with
        which this chat goes on."""
        body = self._asked("POST", "visitor/identity/", json={"identity": identity})
        self.token = str(body["token"])
        self._http.headers["X-Visitor-Token"] = self.token
        return self.token

    def rate(self, *, good: bool) -> None:
        """Say whether one was helped."""
        self._asked("PUT", "visitor/rating/", json={"good": good})


def _reading(conversation: str, seq: int, what: Reading) -> str:
    return f"conversations/{conversation}/messages/{seq}/{what}/"


def _conversation(body: Mapping[str, Any]) -> Conversation:
    plain = {
        name: body[name]
        for name in ("id", "name", "state", "assignee", "team", "subject", "preview", "priority")
    }
    return Conversation(**plain, tags=tuple(body["tags"]), at=datetime.fromisoformat(body["at"]))


def _message(body: Mapping[str, Any]) -> Message:
    return Message(
        body["seq"],
        body["author"],
        body["name"],
        body["text"],
        {one["title"]: one["url"] for one in body["citations"]},
        datetime.fromisoformat(body["at"]),
    )
