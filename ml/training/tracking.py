"""A run's folder: what was run, on what, with what, how it went, how it ended.

::

    run.json        state, times, data files with their hashes, environment, git commit, metrics,
                    warnings, and what the recipe became where it was fitted to few rows
    config.toml     the whole recipe as it was given; ``finetune --config`` takes it
    curves.jsonl    a line for each reading: phase, step, epoch, loss, learning rate, ...
    report.html     both as a page
    evaluation/     what ``evaluate --report`` writes, of the answers to the held-out rows; of
                    tasks that learn together a folder for each
    tensorboard/    the same numbers for TensorBoard
    checkpoint-*/   what a killed run goes on from, until what it makes is stored

A run ends as "done", "failed" or, at the interrupt key, "stopped"; one that was killed leaves
``state`` at "running". Started again it goes on in the same folder, and readings of steps that are
done again replace those of the first time.
"""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import tomli_w
import torch

from ml.data.dataset_folders import data_sha256
from ml.errors import TrainingError
from ml.models.tuning.registry import method_names
from ml.training.arguments import computes_in_bf16
from ml.training.config import FinetuneConfig
from ml.training.rows import CONFIG, Observer
from ml.training.trackers import Tracker, make_trackers
from ml.wording import Wording

RUN, CURVES, REPORT = "run.json", "curves.jsonl", "report.html"
EVALUATION = "evaluation"
_SHARES = ("held_out_accuracy", "held_out_recall", "held_out_mrr")
_DRAWN = ("loss", "held_out_loss", *_SHARES, "learning_rate", "rows_per_second")
_PACKAGES = (
    *("torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors"),
    *("numpy", "onnxruntime", "sentence-transformers", "scikit-learn"),
)


class RunRecord:
    """Writes the folder of one run, and tells the trackers that the recipe asks for.

    Training never fails because of it once it has begun: what cannot be told is said once, as a
    warning, and left out.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        config: FinetuneConfig,
        files: Mapping[str, Path],
        observer: Observer | None = None,
        *,
        recipe: str | None = None,
    ) -> None:
        """``files`` are the data files by what they are for; ``observer`` is told each reading.
        ``recipe`` is the whole recipe as TOML where ``config`` is a part of it.

        Raises :class:`TrainingError` when the folder cannot be written, or a tracker is not there.
        """
        self.folder = folder
        self._observer = observer
        self._given = config
        self._evaluations: dict[str, str] = {}
        self._told: dict[str, Any] = {
            "name": name,
            "state": "running",
            "started": _now(),
            "ended": None,
            "data": {
                use: {"file": str(path), "sha256": data_sha256(path)} for use, path in files.items()
            },
            "environment": environment(),
            "git": git_state(Path(__file__).resolve().parent),
            "fitted": {},
            "warnings": [],
            "warnings_parts": [],
            "metrics": {},
            "problem": "",
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_text(folder / CONFIG, recipe or as_toml(config))
            self._write_run()
        except OSError as error:
            raise TrainingError(
                Wording(
                    "the run folder %(folder)s cannot be written (%(problem)s)",
                    folder=folder,
                    problem=error.strerror,
                )
            ) from error
        self._readings = read_curves(folder)
        self._trackers: list[Tracker] = []
        try:
            self._trackers = make_trackers(folder, name, config, self._parameters(config))
        except TrainingError as error:
            self.break_off(error)
            raise
        self._entered: set[str] = set()
        self._before = 0

    def fitted(self, config: FinetuneConfig) -> None:
        """The recipe by which the run trains: what its rows decided, of what was given, is told."""
        given, used = asdict(self._given), asdict(config)
        self._told["fitted"] = {name: used[name] for name in given if used[name] != given[name]}
        self._safely(RUN, self._write_run)

    def warned(self, words: Wording) -> None:
        """Something of the run is no failure, but should be known."""
        self._told["warnings"].append(words)
        self._told["warnings_parts"].append(words.parts())
        self._safely(RUN, self._write_run)

    def begin(self, phase: str, step: int) -> None:
        """A phase of the run ("fit", "refit", ...) begins, or goes on behind ``step``."""
        kept = [row for row in self._readings if row["phase"] != phase or row["step"] <= step]
        # A run done again in its folder still has readings of phases that are yet to come.
        self._before = sum(_last_steps(kept, self._entered - {phase}).values())
        if kept != self._readings:
            self._readings = kept
            lines = "".join(f"{json.dumps(row)}\n" for row in kept)
            self._safely(CURVES, lambda: replace_text(self.folder / CURVES, lines))

    def log(self, phase: str, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers at a step of a phase."""
        row = {"phase": phase, "step": step, **numbers}
        self._readings.append(row)
        self._safely(CURVES, lambda: _append(self.folder / CURVES, json.dumps(row) + "\n"))
        named = {name if phase == "fit" else f"{phase}/{name}": v for name, v in numbers.items()}
        for tracker in list(self._trackers):
            self._tell(tracker, partial(tracker.log, self._before + step, named))
        if self._observer is not None:
            self._observer(phase, step, numbers)

    def phase(self, run: str) -> Phase:
        """The part of the run whose checkpoints lie in the folder ``run`` of the run's."""
        name = "fit" if run == "." else run
        self._entered.add(name)
        return Phase(self, name)

    def evaluated(self, write: Callable[[Path], None], task: str = "") -> None:
        """The run's answers were evaluated: ``write`` makes the folder that tells of it; ``task``
        is whose they are, where several learn together."""
        place = f"{EVALUATION}/{task}" if task else EVALUATION

        def anew() -> None:
            shutil.rmtree(self.folder / place, ignore_errors=True)
            write(self.folder / place)

        if self._safely(place, anew):
            self._evaluations[task] = f"{place}/{REPORT}"

    def end(self, metrics: Mapping[str, float]) -> None:
        """The run ended with measures."""
        self._end("done", metrics=dict(metrics))

    def break_off(self, error: BaseException) -> None:
        """The run ended by an error, or because somebody stopped it."""
        if isinstance(error, KeyboardInterrupt):
            self._end("stopped")
        else:
            self._end("failed", problem=str(error) or type(error).__name__)

    def _end(self, state: str, **told: Any) -> None:
        self._told |= {"state": state, "ended": _now(), **told}
        self._safely(RUN, self._write_run)
        self._safely(REPORT, self._write_report)
        metrics, failed = self._told["metrics"], state != "done"
        for tracker in list(self._trackers):
            self._tell(tracker, partial(tracker.finish, metrics, failed=failed))

    def _parameters(self, config: FinetuneConfig) -> dict[str, Any]:
        data = {f"{use}_sha256": file["sha256"][:16] for use, file in self._told["data"].items()}
        return {**asdict(config), **data, "commit": self._told["git"].get("commit", "")}

    def _write_run(self) -> None:
        replace_text(self.folder / RUN, json.dumps(self._told, indent=2, ensure_ascii=False) + "\n")

    def _write_report(self) -> None:
        from ml.reports.pages import render

        recipe = (self.folder / CONFIG).read_text(encoding="utf-8")
        content = {
            **self._told,
            "recipe": recipe,
            "curves": drawn_curves(self._readings),
            "evaluations": self._evaluations,
        }
        replace_text(self.folder / REPORT, render("run", content))

    def _tell(self, tracker: Tracker, action: Callable[[], None]) -> None:
        if not self._safely(tracker.name, action):
            self._trackers.remove(tracker)

    def _safely(self, what: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception as error:  # whatever a tracker raises, training goes on
            warnings.warn(f"{what} of the run could not be written: {error}", stacklevel=3)
            return False
        return True


@dataclass(frozen=True, slots=True)
class Phase:
    """Where one training of a run is told: the first ("fit"), that on all rows ("refit"), ..."""

    record: RunRecord
    name: str

    def begin(self, step: int) -> None:
        """Training begins, or goes on behind ``step``."""
        self.record.begin(self.name, step)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers at a step."""
        self.record.log(self.name, step, numbers)


def read_curves(folder: Path) -> list[dict[str, Any]]:
    """The readings in a run's folder, in order; a line that was cut off by a kill is left out."""
    path = folder / CURVES
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict) and "phase" in row and "step" in row:
            rows.append(row)
    return rows


def drawn_curves(readings: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By phase the numbers that were read more than once, as curves over the share of the steps."""
    found: dict[str, list[dict[str, Any]]] = {}
    for phase in dict.fromkeys(row["phase"] for row in readings):
        rows = [row for row in readings if row["phase"] == phase]
        steps = max(row["step"] for row in rows)
        for name in _DRAWN:
            read = [(row["step"], row[name]) for row in rows if name in row]
            values = [value for _, value in read if math.isfinite(value)]
            if len(values) < 2:
                continue
            most = max(*values, 1e-9)
            curve = {
                "name": name,
                "points": [(step / steps, value) for step, value in read if math.isfinite(value)],
                "most": most,
                "share": name in _SHARES,
                "first": values[0],
                "last": values[-1],
                "steps": steps,
            }
            found.setdefault(phase, []).append(curve)
    return found


def environment() -> dict[str, Any]:
    """What a run runs on: Python, machine, threads, GPUs and the versions of packages."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": gpus,
        "computes_in_bf16": computes_in_bf16(),
        "packages": versions,
        "command": " ".join(sys.argv),
    }


def git_state(folder: Path) -> dict[str, Any]:
    """The commit that ``folder`` is at and whether files differ from it; empty without git."""
    try:
        commit, changes = (
            subprocess.run(  # noqa: S603
                ["git", "-C", str(folder), *arguments],  # noqa: S607
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            ).stdout
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": commit.strip(), "dirty": bool(changes.strip())}


def as_toml(config: FinetuneConfig) -> str:
    """The whole recipe as TOML that :func:`ml.training.config.load_config` reads."""
    values = asdict(config)
    methods = values.pop("methods")
    values |= {name: methods[name] for name in method_names() if name in methods}
    return tomli_w.dumps(values)


def _last_steps(rows: list[dict[str, Any]], phases: set[str]) -> dict[str, int]:
    """The last step of each of the phases."""
    last: dict[str, int] = {}
    for row in rows:
        if row["phase"] in phases:
            last[row["phase"]] = max(last.get(row["phase"], 0), int(row["step"]))
    return last


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as handle:
        handle.write(text)


def replace_text(path: Path, text: str) -> None:
    """Replace a file as a whole, so that a kill leaves the old one or the new one."""
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(text, encoding="utf-8")
    staged.replace(path)
