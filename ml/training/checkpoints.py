"""Which checkpoint a run that was killed goes on from."""

from __future__ import annotations

import json
from pathlib import Path

_STATE = "trainer_state.json"
_PREFIX = "checkpoint-"


def last_checkpoint(run_folder: Path) -> Path | None:
    """The latest whole checkpoint in ``run_folder``, or ``None``.

    The trainer writes its state last, so a checkpoint whose state cannot be read was cut off
    while it was written.
    """
    if not run_folder.is_dir():
        return None
    whole = [folder for folder in run_folder.glob(f"{_PREFIX}*") if _is_whole(folder)]
    return max(whole, key=_step, default=None)


def _is_whole(folder: Path) -> bool:
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        return int(state["global_step"]) == _step(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix(_PREFIX))
