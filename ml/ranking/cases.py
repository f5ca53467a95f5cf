"""Readers whose next deeds are to be foreseen, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.ranking.history import History
from ml.ranking.interactions import IntArray, Log
from ml.types import FloatArray

MAX_HISTORY = 400
"""The newest deeds of a reader that are scored, as in service."""

OLDER = 0.25
_RECENT = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One reader: what is known, and the items that should come next."""

    known: Log
    wanted: IntArray


def cases_of(train: Log, test: Log) -> list[Case]:
    """Readers with a history and with positives to foresee that are new to them."""
    known_of, wanted_of = _by_user(train), _by_user(test.where(test.positive))
    found = []
    for user, wanted_log in wanted_of.items():
        known = known_of.get(user)
        if known is None:
            continue
        wanted = np.setdiff1d(wanted_log.items, known.items)
        if len(wanted):
            found.append(Case(known, wanted))
    return found


def history_of(log: Log) -> History:
    """One reader's log, oldest first, as a history: each item's newest deed that says anything."""
    newest = {int(item): at for at, item in enumerate(log.items) if log.strengths[at] != 0.0}
    places = np.array(sorted(newest.values())[-MAX_HISTORY:], dtype=np.int64)
    return History(log.items[places], log.strengths[places])


def recent_popularity(log: Log, items: int, *, older: float = OLDER) -> FloatArray:
    """How many liked each item, shape (items,); those before the newest fifth count ``older``."""
    positive = log.where(log.positive)
    if not len(positive):
        return np.zeros(items, dtype=np.float32)
    recent = positive.times > np.quantile(positive.times, 1.0 - _RECENT)
    weights = np.where(recent, 1.0, older)
    return np.bincount(positive.items, weights=weights, minlength=items).astype(np.float32)


def _by_user(log: Log) -> dict[int, Log]:
    """The log of each user, in order of users; each stays in order of time."""
    if not len(log):
        return {}
    order = np.argsort(log.users, kind="stable")
    bounds = np.flatnonzero(np.diff(log.users[order])) + 1
    return {int(log.users[own[0]]): log.where(own) for own in np.split(order, bounds)}
