"""What a run is to do, as one JSON object that goes to its process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ml.types import Kind

TRAINED = "trained.json"
"""In a run's folder: the version that it has trained, so that it does so once."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """A model to train and to measure.

    ``kind`` says what it learns. ``train_file`` and ``held_out_file`` are JSONL; ``recipe`` is a
    TOML file whose settings ``overrides`` replace. The artifact goes to
    ``artifacts_dir/<task>/<version>`` and what is built of it to ``models_dir/<task>/<version>``,
    where ``live`` is the version to compare with. ``run_folder`` keeps checkpoints, curves and what
    was answered on the held-out rows. ``start_from`` is a trained artifact whose encoder, with what
    it learned, is tuned on. The process computes with ``threads`` and fails when it has more than
    ``memory_mb`` megabytes of memory.
    """

    task: str
    train_file: Path
    held_out_file: Path
    run_folder: Path
    artifacts_dir: Path
    models_dir: Path
    kind: Kind = "classification"
    recipe: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    start_from: Path | None = None
    live: str | None = None
    threads: int = 1
    niceness: int = 10
    memory_mb: int | None = None

    def dump(self) -> str:
        """The order as one line of JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def load(cls, line: str) -> RunOrder:
        """The order that :meth:`dump` wrote."""
        values = json.loads(line)
        paths = {"train_file", "held_out_file", "run_folder", "artifacts_dir", "models_dir"}
        optional = {name for name in ("recipe", "start_from") if values[name]}
        for name in paths | optional:
            values[name] = Path(values[name])
        return cls(**values)
