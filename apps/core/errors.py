"""Problems that a person or a program caused or can act on, each with a stable code.

One exception serves every door: the API answers with a problem detail (RFC 9457), a socket with
an error frame, a page with a message, a command with one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.wording import said
from ml.wording import Wording


class FieldNames(str):
    """Fields that a message is about, with what is wrong with each where it says so: by the names
    that the API has for them, so that a page can call them by its labels."""

    __slots__ = ("names", "problems")
    names: tuple[str, ...]
    problems: Mapping[str, str]

    def __new__(cls, names: Iterable[str], problems: Mapping[str, str] | None = None) -> FieldNames:
        names, problems = tuple(names), problems or {}
        made = super().__new__(cls, _listed({name: name for name in names}, problems))
        made.names, made.problems = names, problems
        return made

    def labelled(self, labels: Mapping[str, str]) -> str:
        """The same with the label of each field that has one, in quotation marks."""
        called = {name: f"“{labels[name]}”" if name in labels else name for name in self.names}
        return _listed(called, self.problems)


def _listed(called: Mapping[str, str], problems: Mapping[str, str]) -> str:
    if problems:
        return "; ".join(f"{words}: {problems[name]}" for name, words in called.items())
    return ", ".join(called.values())


class Problem(Exception):
    """An expected failure.

    ``code`` is stable and machine-readable, ``status`` the HTTP status, the message is for a
    person and names what is wrong and where, in the language of the request when it is a literal
    (``make words`` finds it by the class); what it says of the case at hand stands in it as
    ``%(name)s`` and comes by keyword. ``words`` say it in another language later. ``fields`` maps a
    field's name to its problem.
    """

    code = "problem"
    status = 400

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        fields: dict[str, str] | None = None,
        **named: object,
    ) -> None:
        self.words = message if isinstance(message, Wording) else Wording(message, **named)
        self.message = said(self.words)
        super().__init__(self.message)
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.fields = fields or {}

    def message_with(self, labels: Mapping[str, str]) -> str:
        """The message for a page on which the fields of these names have these labels."""
        named = {
            name: value.labelled(labels) if isinstance(value, FieldNames) else value
            for name, value in self.words.named.items()
        }
        return said(Wording(self.words.literal, **named))

    def detail(self) -> dict[str, Any]:
        """The problem as JSON for the API and the sockets."""
        body: dict[str, Any] = {"code": self.code, "detail": self.message}
        if self.fields:
            body["fields"] = self.fields
        return body


class InvalidInput(Problem):
    """The content of a request, a frame or a file is not usable."""

    code = "invalid_input"
    status = 422


class NotAllowed(Problem):
    """The person may not do this, or not to this object."""

    code = "not_allowed"
    status = 403


class NotFound(Problem):
    """There is no such object, or the person may not know that there is."""

    code = "not_found"
    status = 404


class Conflict(Problem):
    """The object has changed since it was read, or belongs to somebody else now."""

    code = "conflict"
    status = 409


class RateLimited(Problem):
    """Too many requests in a short time."""

    code = "rate_limited"
    status = 429


class Busy(Problem):
    """The language layer has no room at this moment; the request may be sent again."""

    code = "overloaded"
    status = 503


class ModelUnavailable(Problem):
    """The model that a request needs is missing or broken."""

    code = "model_unavailable"
    status = 503


def unusable(problems: Mapping[str, bool], why: str) -> dict[str, str]:
    """The fields of which there is a problem, with why: the ``fields`` of an :class:`InvalidInput`
    that names them all."""
    return {name: why for name, is_bad in problems.items() if is_bad}
