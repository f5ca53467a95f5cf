"""Runs side by side: settings, numbers, and the rows that they answer differently."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from django.utils.translation import gettext

from apps.core.errors import Conflict, InvalidInput
from apps.modelhub import selectors
from apps.modelhub.files import run_folder
from apps.modelhub.models import Run
from apps.modelhub.sight import Reader
from ml.data.row_kinds import Row
from ml.data.splits import text_key
from ml.errors import DataError
from ml.runs.answers import ANSWERS, Answer, answers_read
from ml.runs.comparing import Changed, Shared, changed, compare, shared
from ml.runs.measuring import held_out_rows
from ml.types import Kind

MOST = 4
VERDICTS = ("any", "better", "worse", "other")
_KEPT = 16  # comparisons whose numbers are kept; they hold no text

Stamp = tuple[int, str, str, int]
"""A run's key, task and kind, and when its answers were written."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting with its value in each run, in words."""

    name: str
    values: list[str]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs in the order in which they were asked for.

    ``compared`` are those that answered the same rows, the one that the others are compared with
    first; ``numbers`` is what :func:`ml.runs.comparing.compare` found of them, ``None`` for fewer
    than two. ``notes`` say why others are left out, and of how many rows all is.
    """

    runs: list[Run]
    settings: list[Setting]
    compared: list[Run]
    numbers: dict[str, Any] | None
    notes: list[str]


def runs_compare(*, run_ids: Sequence[int]) -> Comparison:
    """Compare two to four runs with the first of them that can be compared.

    Raises ``InvalidInput`` for another number of runs, ``NotFound`` for an unknown one.
    """
    known = list(dict.fromkeys(run_ids))
    if not 2 <= len(known) <= MOST:
        raise InvalidInput(gettext("Choose two to four runs to compare."), code="runs_number")
    runs = [selectors.run_get(run_id=run_id) for run_id in known]
    compared, notes = _comparable(runs)
    numbers = None
    if len(compared) > 1:
        numbers = _numbers(tuple(_stamp(run) for run in compared))
        notes += _sizes(compared, numbers["rows"])
    return Comparison(runs, _settings(runs), compared, numbers, notes)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changed rows: by what the run ``against`` (one of those compared, ``None``: any) does
    beside the first, by their right label, and by words in the text."""

    verdict: str = "any"
    against: int | None = None
    label: str = ""
    words: str = ""


def rows_changed(person: Any, comparison: Comparison, wanted: Wanted) -> list[Changed]:
    """The rows that the compared runs answer differently and that the person may read.

    Raises ``Conflict`` when that is not known any more.
    """
    if comparison.numbers is None:
        return []
    hidden = _hidden(person, comparison.compared)
    if hidden is None:
        raise Conflict(
            gettext(
                "The file of a data set is gone, so that it is not known who may read its texts."
            ),
            code="file_gone",
        )
    indices = range(1, len(comparison.compared))
    chosen = [
        index
        for index in indices
        if wanted.against is None or comparison.compared[index].pk == wanted.against
    ]
    words = wanted.words.casefold()
    return [
        row
        for row in changed(_shared([_stamp(run) for run in comparison.compared]))
        if text_key(row.text) not in hidden
        and (not wanted.label or row.label == wanted.label)
        and words in row.text.casefold()
        and any(_is_wanted(row.verdict(index), wanted.verdict) for index in chosen)
    ]


def _is_wanted(verdict: str, wanted: str) -> bool:
    return verdict != "same" if wanted == "any" else verdict == wanted


def _hidden(person: Any, runs: Sequence[Run]) -> set[str] | None:
    """The keys of texts that the person may not read; ``None`` when that is not known."""
    reader, found = Reader(person), set()
    for run in runs:
        texts = reader.hidden_texts(run.dataset_version)
        if texts is None:
            return None
        found |= {text_key(text) for text in texts}
    return found


def _comparable(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """The runs that answered rows that the first of them answered too, and why others did not."""
    notes = []
    compared: list[Run] = []
    for run in runs:
        why = _why_not(run, compared)
        if why:
            notes.append(why)
        else:
            compared.append(run)
    return compared, notes


def _why_not(run: Run, compared: Sequence[Run]) -> str:
    """Why a run's answers cannot be compared with those of others; empty when they can."""
    if not run.is_finished:
        return gettext("Run %(run)s has not ended yet.") % {"run": run.pk}
    if not run.result:
        return gettext("Run %(run)s ended without a result.") % {"run": run.pk}
    if not (run_folder(run.pk) / ANSWERS).is_file():
        words = gettext(
            "What run %(run)s answered on each row was not kept: no row can be compared."
        )
        return words % {"run": run.pk}
    return _unlike(run, compared) if compared else ""


def _unlike(run: Run, compared: Sequence[Run]) -> str:
    told = {"run": run.pk, "first": compared[0].pk, "task": run.task, "of": compared[0].task}
    if (run.task, run.kind) != (compared[0].task, compared[0].kind):
        words = gettext(
            "Run %(run)s is of %(task)s, run %(first)s of %(of)s: their rows cannot be compared."
        )
        return words % told
    try:
        if _shared([_stamp(one) for one in (*compared, run)]).rows:
            return ""
    except DataError as error:
        return gettext("Run %(run)s: %(error)s") % {"run": run.pk, "error": error}
    words = gettext(
        "Run %(run)s was measured by other rows than run %(first)s: "
        "none is shared that could be compared."
    )
    return words % told


def _sizes(compared: Sequence[Run], rows: int) -> list[str]:
    """That the runs were not measured by quite the same rows, where that is so."""
    sizes = {run.pk: run.result["candidate"]["n"] for run in compared}
    if set(sizes.values()) == {rows}:
        return []
    told = ", ".join(f"{n:,} ({gettext('run')} {run})" for run, n in sizes.items())
    return [
        gettext("The %(rows)s rows that all were measured by are compared, of %(told)s.")
        % {"rows": f"{rows:,}", "told": told}
    ]


def _stamp(run: Run) -> Stamp:
    path = run_folder(run.pk) / ANSWERS
    return run.pk, run.task, run.kind, path.stat().st_mtime_ns


@lru_cache(maxsize=_KEPT)
def _numbers(stamps: tuple[Stamp, ...]) -> dict[str, Any]:
    return compare(_shared(stamps))


def _shared(stamps: Sequence[Stamp]) -> Shared:
    return shared([_answered(*stamp) for stamp in stamps])


def _answered(run_id: int, task: str, kind: str, _: int) -> tuple[list[Row], list[Answer]]:
    folder = run_folder(run_id)
    rows = held_out_rows(task, cast(Kind, kind), folder / "held_out.jsonl")
    answers = answers_read(folder / ANSWERS)
    if len(rows) != len(answers):
        raise DataError(folder / ANSWERS, None, f"holds {len(answers)} answers to {len(rows)} rows")
    return rows, answers


def _settings(runs: Sequence[Run]) -> list[Setting]:
    """What the runs were told, those that differ first."""
    told = [_told(run) for run in runs]
    names = dict.fromkeys(name for one in told for name in one)
    found = [Setting(name, [one.get(name, "–") for one in told]) for name in names]
    return sorted(found, key=lambda one: not one.differs)


def _told(run: Run) -> dict[str, str]:
    values: dict[str, Any] = {
        "data": str(run.dataset_version),
        "base": run.base,
        "method": run.method,
        "recipe": run.options.get("recipe", "plain"),
        "train_rows": run.result.get("train_rows", "–"),
    }
    path = run_folder(run.pk) / "recipe.toml"
    if path.is_file():
        known = tomllib.loads(path.read_text(encoding="utf-8"))
        values |= {name: value for name, value in known.items() if name not in ("encoder", "refit")}
    else:
        values |= run.options | tomllib.loads(run.advanced)
    return {name: _words(value) for name, value in values.items()}


def _words(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
