"""What readers did, fitted as links between items: made in a worker, read by every server process.

The file holds positions of the snapshot. They are the items' order by key, which never changes, as
items are never removed from the table; an item that came after the fit has no links until the next.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import structlog
from django.conf import settings

from apps.recommend.index import Snapshot, snapshot
from apps.recommend.models import Interaction
from apps.recommend.place_bias import bias_fit, bias_path
from apps.recommend.weights import refresh, strength_of
from ml.errors import ArtifactError
from ml.ranking.behaviour import MAX_ITEMS, RIDGE, Behaviour, fit_behaviour
from ml.ranking.interactions import Log, is_positive
from ml.ranking.tags import TagTable
from ml.ranking.tuning import tune
from ml.ranking.weighing import centred

logger = structlog.get_logger(__name__)

LEAST_POSITIVES = 200
"""Fewer likes than these say more about chance than about the items."""
_MOST_INTERACTIONS = 1_000_000

_lock = threading.Lock()
_held: tuple[tuple[str, int, int] | None, Behaviour | None] = (None, None)


def behaviour_path(catalogue: Snapshot) -> Path:
    return Path(settings.VAR_DIR) / "recommend" / f"behaviour-{catalogue.key}.npz"


def behaviour_mark() -> int:
    """A number that changes when the links on disk do; 0 while there are none."""
    try:
        return behaviour_path(snapshot()).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def behaviour_of(catalogue: Snapshot) -> Behaviour | None:
    """The fitted links as they are on disk now; ``None`` when there are none for this catalogue."""
    global _held
    path = behaviour_path(catalogue)
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    mark = (str(path), stat.st_mtime_ns, stat.st_size)
    if _held[0] != mark:
        with _lock:
            if _held[0] != mark:
                _held = (mark, _read(path))
    held = _held[1]
    return held if held is not None and len(held) <= len(catalogue) else None


def _read(path: Path) -> Behaviour | None:
    try:
        return Behaviour.load(path)
    except ArtifactError as error:
        # Recommendations go on from texts and tags; the next fit writes the file anew.
        logger.warning("behaviour model unusable", error=str(error))
        return None


def behaviour_fit() -> bool:
    """Fit the links to what readers did and write them; whether there was enough to go by.

    How much is seen at the page's places is estimated as well, whatever there is of the links.
    """
    began = time.time()
    catalogue = snapshot()
    bias_fit(catalogue.key)
    log = _log(catalogue)
    if int(log.positive.sum()) < LEAST_POSITIVES:
        behaviour_path(catalogue).unlink(missing_ok=True)
        return False
    vectors = centred(catalogue.matrix)
    tags = TagTable([entry.tags for entry in catalogue.entries])
    from ml.training.next_item import train_next_item  # torch, which no server may load

    tuned = tune(log, vectors, tags, ridge=RIDGE, max_items=MAX_ITEMS, learn=train_next_item)
    fitted = fit_behaviour(
        log,
        vectors,
        tags=tags,
        ridge=tuned.ridge,
        text_share=tuned.text_share,
        factors=tuned.factors,
        neighbours=tuned.neighbours,
        learn=train_next_item,
    )
    path = behaviour_path(catalogue)
    replace(fitted, settings=tuned.settings, newcomers=tuned.newcomers).save(path)
    # The file is as old as what it was fitted to: whoever was forgotten since is still in it.
    os.utime(path, (began, began))
    return True


def behaviour_older_than(moment: datetime) -> bool:
    """Whether links, or what clicks count, are held that were fitted to what readers did before
    ``moment``."""
    catalogue = snapshot()
    held = (behaviour_path(catalogue), bias_path(catalogue.key))
    return any(path.stat().st_mtime < moment.timestamp() for path in held if path.exists())


def _log(catalogue: Snapshot) -> Log:
    """The newest interactions as arrays, in order of time."""
    refresh()
    counted = Interaction.objects.filter(counts=True)
    newest = counted.order_by("-at", "-id").values_list(
        "reader_id", "item_id", "kind", "value", "at"
    )[:_MOST_INTERACTIONS]
    rows = [row for row in reversed(newest) if row[1] in catalogue.positions]
    readers: dict[int, int] = {}
    return Log(
        users=np.array([readers.setdefault(row[0], len(readers)) for row in rows], dtype=np.int64),
        items=np.array([catalogue.positions[row[1]] for row in rows], dtype=np.int64),
        strengths=np.array([strength_of(row[2], row[3]) for row in rows], dtype=np.float32),
        positive=np.array([is_positive(row[2], row[3]) for row in rows], dtype=bool),
        times=np.array([row[4].timestamp() for row in rows], dtype=np.float64),
    )
