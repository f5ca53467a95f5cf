"""The profile of the texts that a version was trained on: shipped, or made of its data set."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import structlog
from django.conf import settings
from django.utils.functional import Promise as StrPromise
from django.utils.translation import gettext_lazy

from apps.core import gateway
from apps.core.errors import Problem
from apps.modelhub import files, selectors
from apps.modelhub.models import DataKind, Run
from ml.data.row_kinds import Row as LabelledRow
from ml.data.row_kinds import names_of, text_of
from ml.data.targeting import TARGETED_TASK
from ml.errors import DataError
from ml.monitoring.profile import Profile, make_profile
from ml.types import OUT_OF_SCOPE

logger = structlog.get_logger(__name__)
ENCODER = "encoder"
_MOST = 3000  # texts of which a profile is made; more tell hardly more
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Unprofiled:
    """Why the shipped version of a task has no profile, and the task that reads the same texts and
    has one, which tells of their drift."""

    reason: StrPromise
    watched: str


_UNPROFILED = {
    "toxicity": Unprofiled(
        gettext_lazy(
            "It learned from a mixture that no traffic looks like: composed abuse, and civil texts "
            "from several fields so that it flags none of them. An alarm against that rings "
            "without a shift."
        ),
        "intent",
    ),
    TARGETED_TASK: Unprofiled(
        gettext_lazy(
            "It learned mostly from composed sentences, which are shorter and plainer than those "
            "of the news: an alarm against them rings without a shift. Of others too few are known."
        ),
        "sentiment",
    ),
}


def unprofiled(*, task: str, version: str) -> Unprofiled | None:
    """Why a version has no profile, where that is known and it is not of a run of here."""
    if selectors.run_of_version(task=task, version=version) is not None:
        return None
    return _UNPROFILED.get(task)


@dataclass(frozen=True, slots=True)
class Row:
    """A training text with the labels that the model should give it, as monitoring counts them."""

    text: str
    labels: Sequence[str]


def profile_of(*, task: str, version: str) -> Profile | None:
    """What the training texts of a version looked like; ``None`` when that is not known (yet)."""
    run = selectors.run_of_version(task=task, version=version)
    path = _path(run) if run is not None else settings.ML_PROFILES_DIR / f"{task}.json"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return None
    except DataError as error:
        logger.warning("profile not read", task=task, error=str(error))
        return None


@lru_cache(maxsize=32)
def _read(path: Path, changed: int) -> Profile:
    return Profile.load(path)


def read_as(profile: Profile) -> str | None:
    """The version of the encoder that texts have to be read by to be compared with a profile;
    ``None`` where it is the one that serves."""
    serves = {info.version for info in gateway.models() if info.task == ENCODER}
    return None if profile.encoder in serves else profile.encoder


def profiles_make() -> int:
    """Make the profiles of live versions that came of runs and have none; returns how many."""
    made = 0
    for info in gateway.models():
        run = selectors.run_of_version(task=info.task, version=info.version)
        # What an encoder reads is what it indexes and what is asked of that: like no pairs.
        if run is None or run.kind == DataKind.EMBEDDING or _path(run).exists():
            continue
        data = run.dataset_version
        try:
            rows = files.rows_read(data.sha256, str(data), run.kind)
            profile_make(name=data.sha256[:16], rows=labelled(rows, run.kind)).save(_path(run))
        except (DataError, Problem) as error:
            logger.warning("profile not made", task=info.task, error=str(error))
        else:
            made += 1
    return made


def labelled(rows: Iterable[LabelledRow], kind: str = "classification") -> list[Row]:
    """The rows as they are asked in traffic, but for those out of scope, which no label's traffic
    looks like. A text without any of several labels is counted as such, by an empty one."""
    none = ("",) if kind == "multi_label" else ()
    named = ((text_of(row), names_of(row) or none) for row in rows)
    return [Row(text, names) for text, names in named if names != (OUT_OF_SCOPE,)]


def profile_make(*, name: str, rows: Sequence[Row]) -> Profile:
    """The profile of rows, or of some of very many; raises ``DataError``, ``Problem``."""
    known = list(rows)
    if len(known) > _MOST:
        known = random.Random(7).sample(known, _MOST)  # noqa: S311 - a sample, no secret
    texts = [row.text for row in known]
    found = [
        one
        for at in range(0, len(texts), _CHUNK)
        for one in gateway.encode(texts[at : at + _CHUNK], task=ENCODER)
    ]
    return make_profile(
        name,
        texts,
        np.stack([one.vector for one in found]) if found else np.empty((0, 1), np.float32),
        labels=[label for row in known for label in row.labels],
        encoder=found[0].version if found else "",
    )


def _path(run: Run) -> Path:
    folder: Path = settings.VAR_DIR / "profiles"
    return folder / f"{run.dataset_version.sha256}.json"
