"""To whom a waiting conversation is handed. No database in here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An operator on duty: ``load`` conversations of at most ``capacity``, and what they know."""

    operator: int
    load: int
    capacity: int
    skills: frozenset[str]
    dealt_at: datetime | None = None

    @property
    def has_room(self) -> bool:
        return self.load < self.capacity


def choose(
    candidates: Sequence[Candidate], *, by_skill: bool, wanted: Collection[str] = ()
) -> int | None:
    """The operator whose turn it is, or ``None`` if the conversation has to wait.

    In turns: who has room and was given nothing for the longest time. By skill: who knows most of
    ``wanted`` (the conversation's tags and matter), then who is least busy for their capacity; it
    waits for those who know it while one of them is on duty, and goes to anybody otherwise.
    """
    skills = set(wanted) if by_skill else set()
    knowing = [one for one in candidates if one.skills & skills] or candidates
    free = [one for one in knowing if one.has_room]
    if not free:
        return None

    def order(one: Candidate) -> tuple[int, float, datetime, int]:
        busy = one.load / one.capacity if by_skill else 0.0
        return (-len(one.skills & skills), busy, one.dealt_at or _NEVER, one.operator)

    return min(free, key=order).operator
