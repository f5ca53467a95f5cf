"""Support over HTTP: the desk of an operator, and a customer's chat."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

from trefoil_client.connection import Connection


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
        """All conversations of a tab in its order, page by page; ``q``, ``team``, ``tag`` and
        ``priority`` narrow them."""
        asked: dict[str, Any] | None = {"tab": tab, "page_size": 250, **narrowed}
        path = "conversations/"
        while path:
            page = self._asked("GET", path, params=asked)
            yield from map(_conversation, page["results"])
            path, asked = _following(page["next"]), None

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

    def _done(self, conversation: str, action: str) -> Conversation:
        return _conversation(self._asked("POST", f"conversations/{conversation}/{action}/"))


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

    def rate(self, *, good: bool) -> None:
        """Say whether one was helped."""
        self._asked("PUT", "visitor/rating/", json={"good": good})


def _following(url: str | None) -> str:
    """The path of the following page below the part; empty at the end."""
    if url is None:
        return ""
    whole = urlsplit(url)
    return f"{whole.path.rpartition('/support/')[2]}?{whole.query}"


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
