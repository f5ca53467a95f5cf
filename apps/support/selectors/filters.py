"""What narrows the list of conversations: words, team, tag, priority, tone, how much they press."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.support.models import Message, Note, SavedView
from apps.support.tone import LABELS

_WORDS = 8
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """``words`` stand in the conversation's messages, notes, matter or customer's name: each of
    them somewhere, as written, whatever its case. ``score`` is the least that a conversation that
    waits for a person presses (:mod:`apps.support.urgency`)."""

    words: str = ""
    team: int | None = None
    tag: str = ""
    priority: int | None = None
    tone: str = ""
    score: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Filters:
        """The filters of a query string; raises ``InvalidInput`` that names the wrong one."""
        return cls(
            str(given.get("q", "")).strip()[:_LONGEST],
            _number(given, "team"),
            " ".join(str(given.get("tag", "")).lower().split())[:40],
            _number(given, "priority"),
            _tone(given),
            _number(given, "score"),
        )

    def __bool__(self) -> bool:
        return self != Filters()

    def as_query(self) -> dict[str, Any]:
        """As :meth:`of` reads them, without those that are not set."""
        named = {
            **{"q": self.words, "team": self.team, "tag": self.tag, "priority": self.priority},
            **{"tone": self.tone, "score": self.score},
        }
        return {name: value for name, value in named.items() if value not in ("", None)}

    def wanted(self) -> Q:
        """The conversations that all of it holds for."""
        found = Q()
        for word in self.words.split()[:_WORDS]:
            found &= _holds(word)
        if self.team is not None:
            found &= Q(team=self.team)
        if self.tag:
            # SQLite has no containment in JSON; quotes keep "card" from meaning "cards".
            found &= Q(tags__icontains=f'"{self.tag}"')
        if self.priority is not None:
            found &= Q(priority=self.priority)
        if self.tone:
            found &= Q(tone=self.tone)
        if self.score is not None:
            found &= Q(rank_at__lte=timezone.now() - timedelta(minutes=self.score))
        return found


def view_list(*, operator: User) -> QuerySet[SavedView]:
    """An operator's own views, by name."""
    return SavedView.objects.filter(owner=operator)


def _holds(word: str) -> Q:
    said = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=word)
    noted = Note.objects.filter(conversation=OuterRef("pk"), text__icontains=word)
    return (
        Q(Exists(said))
        | Q(Exists(noted))
        | Q(visitor_name__icontains=word)
        | Q(subject__icontains=word)
    )


def _tone(given: Mapping[str, Any]) -> str:
    tone = str(given.get("tone") or "")
    if tone not in ("", *LABELS):
        raise InvalidInput(
            '"tone" is none of %(labels)s.', fields={"tone": "unknown"}, labels=", ".join(LABELS)
        )
    return tone


def _number(given: Mapping[str, Any], name: str) -> int | None:
    text = str(given.get(name) or "").strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInput(
            '"%(name)s" is not a whole number.', fields={name: "no number"}, name=name
        )
    return int(text)
