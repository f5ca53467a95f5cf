"""How long the queue is expected to take, measured on those who were taken lately."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.utils import timezone

from apps.support.models import Conversation, Wait
from apps.support.selectors.conversations import queue_position
from apps.support.selectors.deadlines import opens_at
from apps.support.selectors.teams import of_team, on_duty

RECENT = timedelta(hours=24)
MEASURED = 20
FEWEST = 3
"""Waits from which on something is said of the next one."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue. ``minutes`` is ``None`` when it is not known how long it takes;
    ``on_duty`` whether anybody is there to take it, ``opens_at`` when a closed desk opens.
    """

    position: int | None = None
    minutes: int | None = None
    on_duty: bool = False
    opens_at: datetime | None = None


def place_get(*, conversation: Conversation) -> Place:
    """The conversation's place; an empty one when it does not wait."""
    position = queue_position(conversation=conversation)
    return (
        Place() if position is None else place_at(team_id=conversation.team_id, position=position)
    )


def place_at(*, team_id: int | None, position: int) -> Place:
    """What somebody at ``position`` of a team's queue may expect.

    Each recent wait gives the working time that one customer took: its seconds times the people
    on duty, over its place. The median of the last ``MEASURED`` of a day, times the place, over the
    people on duty now, is the expected wait. Nothing is known while nobody is there or fewer than
    ``FEWEST`` were taken.
    """
    people = on_duty(team_id=team_id).count()
    since = timezone.now() - RECENT
    waits = Wait.objects.filter(of_team(team_id), ended_at__gte=since).order_by("-ended_at")
    each = [wait.seconds * max(wait.on_duty, 1) / (wait.ahead + 1) for wait in waits[:MEASURED]]
    if not people or len(each) < FEWEST:
        return Place(position, None, people > 0, opens_at())
    return Place(position, max(1, math.ceil(median(each) * position / people / 60)), True)
