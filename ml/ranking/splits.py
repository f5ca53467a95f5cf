"""Which interactions a recommender may learn from and which it should foresee."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import Log

Protocol = Literal["temporal", "global-temporal", "leave-last-out"]
PROTOCOLS: tuple[Protocol, ...] = ("temporal", "global-temporal", "leave-last-out")
HELD_OUT = 0.2


def held_out(log: Log, protocol: Protocol) -> NDArray[np.bool_]:
    """The interactions to be foreseen, shape (interactions,).

    ``temporal``: the last fifth of each user's, by time (at least one of two or more).
    ``global-temporal``: everything from the date on before which four fifths happened, so that
    nothing is learnt from the future. ``leave-last-out``: each user's last one. A user with a
    single interaction is only learnt from, save in ``global-temporal``.
    """
    if protocol == "global-temporal":
        cut = np.quantile(log.times, 1.0 - HELD_OUT) if len(log) else 0.0
        return np.asarray(log.times > cut)
    chosen = np.zeros(len(log), dtype=bool)
    order = np.argsort(log.users, kind="stable")  # a log is in order of time already
    bounds = np.flatnonzero(np.diff(log.users[order])) + 1
    for own in np.split(order, bounds):
        number = 1 if protocol == "leave-last-out" else max(1, int(len(own) * HELD_OUT))
        if len(own) > 1:
            chosen[own[-number:]] = True
    return chosen
