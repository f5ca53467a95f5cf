"""What a version answered on its held-out rows: shipped with it, or made of its run's rows.

What can be promised of a version follows from it; see :mod:`ml.evaluation.promises`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import structlog
from django.conf import settings

from apps.core import gateway
from apps.core.errors import Problem
from apps.modelhub import files, selectors
from ml.data.readers import LabelledText, read_classification
from ml.errors import DataError
from ml.monitoring.held_out import HeldOut, held_out_answers

logger = structlog.get_logger(__name__)
_CHUNK = 64


def held_out_of(*, task: str, version: str) -> HeldOut | None:
    """The held-out answers of a version; ``None`` while they are not known. Reads no database."""
    for path in (_path(task, version), settings.ML_HELD_OUT_DIR / f"{task}.json"):
        try:
            found = _read(path, path.stat().st_mtime_ns)
        except OSError:
            continue
        except DataError as error:
            logger.warning("held-out answers not read", task=task, error=str(error))
            continue
        if found.version == version:
            return found
    return None


@lru_cache(maxsize=16)
def _read(path: Path, changed: int) -> HeldOut:
    return HeldOut.load(path)


def held_out_make() -> int:
    """Make those of the live classifiers that came of runs and have none; returns how many."""
    made = 0
    for info in gateway.models():
        if info.kind != "classification" or held_out_of(task=info.task, version=info.version):
            continue
        run = selectors.run_of_version(task=info.task, version=info.version)
        if run is None:
            continue
        try:
            rows = list(read_classification(files.run_folder(run.pk) / "held_out.jsonl"))
            found = held_out_measure(task=info.task, rows=rows)
            if found.version == info.version:  # another may have been promoted meanwhile
                found.save(_path(info.task, info.version))
                made += 1
        except (DataError, OSError, Problem) as error:
            logger.warning("held-out answers not made", task=info.task, error=str(error))
    return made


def held_out_measure(*, task: str, rows: Sequence[LabelledText]) -> HeldOut:
    """What the live version answers on labelled rows; raises ``DataError`` or ``Problem``."""
    if not rows:
        raise DataError(task, None, "has no held-out rows")
    info = next((info for info in gateway.models() if info.task == task), None)
    if info is None or info.kind != "classification":
        raise DataError(task, None, "is no classifier that is served")
    texts = [row.text for row in rows]
    answers = [
        one
        for at in range(0, len(texts), _CHUNK)
        for one in gateway.classify(task, texts[at : at + _CHUNK])
    ]
    return held_out_answers(answers, [row.label for row in rows], info.labels)


def _path(task: str, version: str) -> Path:
    folder: Path = settings.VAR_DIR / "held_out"
    return folder / f"{task}-{version}.json"
