"""Archives that a person plays as live news."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from apps.core.errors import NotFound
from apps.market.models import Replay


def replay_list(*, owner: Any) -> QuerySet[Replay]:
    """A person's replays, newest first."""
    return Replay.objects.filter(owner=owner)


def replay_get(*, owner: Any, replay_id: int) -> Replay:
    """One of a person's replays; raises ``NotFound``."""
    replay = replay_list(owner=owner).filter(id=replay_id).first()
    if replay is None:
        raise NotFound("There is no such replay.")
    return replay
