"""What a version answered on its held-out rows: shipped with it, or made of its run's rows.

What can be promised of a version follows from it; see :mod:`ml.evaluation.promises`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

import structlog
from django.conf import settings
from django.db.models import Q

from apps.core import gateway
from apps.modelhub import files, selectors
from ml.data.readers import LabelledText
from ml.data.targeting import read_labelled
from ml.errors import DataError, MLError
from ml.monitoring.held_out import HeldOut, held_out_answers
from ml.types import Classification

logger = structlog.get_logger(__name__)
_CHUNK = 64
_LOOKED_AT = 10
_CLASSES = Q(dataset_version__dataset__kind="classification")


def held_out_of(*, task: str, version: str) -> HeldOut | None:
    """The held-out answers of a version; ``None`` while they are not known. Reads no database."""
    for path in (held_out_path(task, version), settings.ML_HELD_OUT_DIR / f"{task}.json"):
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
    """Make those of versions that runs have made, the last ones first, and that have none; returns
    how many. They are there before a version is promoted."""
    made = 0
    built = {task: gateway.model_store().versions(task) for task in gateway.model_store().tasks()}
    for run in selectors.run_list().filter(_CLASSES).exclude(version="")[:_LOOKED_AT]:
        if run.version not in built.get(run.task, []):
            continue
        if held_out_of(task=run.task, version=run.version) is not None:
            continue
        try:
            rows = list(read_labelled(files.run_folder(run.pk) / "held_out.jsonl", run.task))
            held_out_measure(task=run.task, version=run.version, rows=rows).save(
                held_out_path(run.task, run.version)
            )
        except (MLError, OSError) as error:
            logger.warning("held-out answers not made", task=run.task, error=str(error))
        else:
            made += 1
    return made


def held_out_measure(
    *, task: str, rows: Sequence[LabelledText], version: str | None = None
) -> HeldOut:
    """What a version, the live one if none is named, answers on labelled rows; raises
    ``MLError``."""
    if not rows:
        raise DataError(task, None, "has no held-out rows")
    predictor = gateway.load_version(task, version)
    if predictor.info.kind != "classification":
        raise DataError(task, None, "is no classifier")
    texts = [row.text for row in rows]
    answers = [
        cast(Classification, one)
        for at in range(0, len(texts), _CHUNK)
        for one in predictor.predict(texts[at : at + _CHUNK])
    ]
    return held_out_answers(answers, [row.label for row in rows], predictor.info.labels)


def held_out_path(task: str, version: str) -> Path:
    """Where the answers of a version that is not shipped lie."""
    folder: Path = settings.VAR_DIR / "held_out"
    return folder / f"{task}-{version}.json"
