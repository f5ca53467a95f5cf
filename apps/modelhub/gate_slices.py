"""The gate on parts of the held-out rows: those of every text, and those that apps define."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, cast

from django.conf import settings

from apps.core import gateway
from apps.core.jobs import ProgressReporter
from apps.modelhub.files import run_folder
from apps.modelhub.models import Run
from ml.data.row_kinds import text_of
from ml.errors import MLError
from ml.runs.answers import ANSWERS, LIVE_ANSWERS, answers_read
from ml.runs.gate import Limits
from ml.runs.measuring import held_out_rows
from ml.runs.slicing import Answered, groups_of, judge_slices
from ml.types import Entity, Tagging
from ml.wording import Wording

Entities = Sequence[Sequence[Entity]]
Slicer = Callable[[Sequence[str], Entities | None], list[str]]
"""Given texts and their entities (``None`` where no tagger is served), the group of each text; ""
for a text that belongs to none."""

_TAGGER = "ner"
_CHUNK = 64
_MOST_ROWS = 5_000
_slicers: dict[str, dict[str, Slicer]] = {}


def register_slice(task: str, name: str, slicer: Slicer) -> None:
    """Let the gate look at parts of the rows of ``task`` that an app tells apart; call from
    ``ready()``."""
    _slicers.setdefault(task, {})[name] = slicer


def judged_by_slices(
    gate: dict[str, Any], *, run: Run, progress: ProgressReporter
) -> dict[str, Any]:
    """The verdict ``gate`` of a run with its slices added; as it is where no live version is.

    Raises ``MLError`` when the files of the run cannot be read.
    """
    if not gate.get("live"):
        return gate
    answered = _answered(run)
    rows = answered.rows
    texts = [text_of(row) for row in rows]
    entities = None if run.task == _TAGGER else _entities(texts, progress)
    limits = Limits(**settings.MODEL_GATE)
    counted = [len(one) for one in entities] if entities is not None else None
    groups = groups_of(rows, counted, least=limits.slice_rows)
    for name, slicer in _slicers.get(run.task, {}).items():
        groups[name] = slicer(texts, entities)
    checks, slices = judge_slices(answered, groups, limits)
    return gate | {
        "checks": gate["checks"] + [asdict(check) for check in checks],
        "passed": gate["passed"] and all(check.passed for check in checks),
        "slices": slices,
    }


def _answered(run: Run) -> Answered:
    """The rows that the run was measured by, with both answers; of very many each n-th."""
    folder = run_folder(run.pk)
    rows = held_out_rows(run.task, run.kind, folder / "held_out.jsonl")
    live, candidate = (answers_read(folder / name) for name in (LIVE_ANSWERS, ANSWERS))
    step = -(-len(rows) // _MOST_ROWS) or 1
    return Answered(rows[::step], live[::step], candidate[::step])


def _entities(texts: Sequence[str], progress: ProgressReporter) -> Entities | None:
    """What the tagger that is served finds in the texts; ``None`` without one."""
    try:
        tagger = gateway.load_version(_TAGGER, threads=settings.MODEL_RUN_THREADS)
    except MLError:
        return None
    found: list[Sequence[Entity]] = []
    for at in range(0, len(texts), _CHUNK):
        tagged = cast(list[Tagging], tagger.predict(texts[at : at + _CHUNK]))
        found += [tagging.entities for tagging in tagged]
        progress.update(len(found), len(texts), Wording("entities"))
    return found
