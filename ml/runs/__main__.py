"""The process of one run: reads its order from standard input, tells how it goes on the output."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ml.artifacts import read_artifact
from ml.errors import DataError, MLError
from ml.files import write_whole
from ml.outputs import settle
from ml.runs.clock import Clock
from ml.runs.limits import watch_memory
from ml.runs.order import TRAINED, RunOrder
from ml.training.checkpoints import remove_checkpoints
from ml.wording import Wording

Step = Callable[[int, int, str], None]

_told = sys.stdout
_lock = threading.Lock()


def main() -> int:
    """Run the order; returns the exit status."""
    global _told
    # What libraries print must not get between the messages.
    _told, sys.stdout = sys.stdout, sys.stderr
    order = RunOrder.load(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(order.niceness)
    if order.memory_mb:
        watch_memory(order.memory_mb, _end_failed)
    try:
        _tell({"done": run(order)})
    except DataError as error:  # people know the files of a run by their names
        return _failed(error.words_at(Path(error.source).name))
    except MLError as error:
        return _failed(error.words)
    except Exception as error:
        traceback.print_exc()
        return _failed(Wording("%(kind)s: %(error)s", kind=type(error).__name__, error=error))
    return 0


def run(order: RunOrder) -> dict[str, Any]:
    """Train, build and measure; returns the version and what was measured."""
    import torch

    torch.set_num_threads(order.threads)
    clock = Clock(order.run_folder)

    def step(done: int, total: int, message: str) -> None:
        clock.tick()
        _tell({"step": [done, total, message]})

    version = _trained(order, step)
    clock.trained()
    version = _built(order, version, step)
    remove_checkpoints(order.run_folder)
    from ml.runs.measuring import measured

    _tell({"stage": "measuring"})
    result = measured(order, version, step)
    return {"version": version, **result, "seconds": clock.read()}


def _trained(order: RunOrder, step: Step) -> str:
    """Train, unless an earlier process of this run did; returns the version."""
    note = order.run_folder / TRAINED
    if note.is_file():
        known: str = json.loads(note.read_text(encoding="utf-8"))["version"]
        if (order.artifacts_dir / order.task / known).is_dir():
            return known
    from ml.training.config import load_config
    from ml.training.finetune import finetune
    from ml.training.rows import FinetuneRequest

    _tell({"stage": "training"})
    base = base_of(order)
    request = FinetuneRequest(
        name=order.task,
        kind=order.kind,
        train_file=order.train_file,
        valid_file=order.held_out_file,
        output=order.artifacts_dir / order.task / f".{order.run_folder.name}",
        run_folder=order.run_folder,
        config=load_config(order.recipe, **order.overrides, **base, columns={}),
        observer=_reading,
    )
    artifact = finetune(request, step)
    settle(request.output, order.artifacts_dir / order.task / artifact.version)
    _write(note, {"version": artifact.version})
    return artifact.version


def base_of(order: RunOrder) -> dict[str, str]:
    """The encoder to tune where it is that of a trained artifact: a folder beside what is trained,
    made once, since what is made of it needs it again."""
    if order.start_from is None:
        return {}
    from ml.export.merge import merge_encoder

    version = read_artifact(order.start_from).version
    folder = order.artifacts_dir / order.task / f".encoder-{version}"
    if not folder.is_dir():
        merge_encoder(order.start_from, folder)
    return {"encoder": str(folder)}


def _built(order: RunOrder, version: str, step: Step) -> str:
    """Build the trained artifact beside the other versions, without making it the live one, unless
    an earlier process did; returns the version that it has once its graph is measured."""
    target = order.models_dir / order.task / version
    if target.is_dir():
        read_artifact(target)
        return version
    from ml.runs.served import tell_served
    from ml.training.config import load_config
    from ml.training.held_out import held_out_rows
    from ml.training.rows import FinetuneRequest

    _tell({"stage": "building"})
    folder = order.artifacts_dir / order.task
    trained, staging = folder / version, folder / f".{order.run_folder.name}"
    request = FinetuneRequest(
        name=order.task,
        kind=order.kind,
        train_file=order.train_file,
        valid_file=order.held_out_file,
        output=staging,
        run_folder=order.run_folder,
        config=load_config(order.recipe, **order.overrides, columns={}),
    )
    # Beside its target, since only within one file system is it put there at once.
    scratch = order.models_dir / f".{order.run_folder.name}"
    shutil.rmtree(scratch, ignore_errors=True)
    rows = {order.task: held_out_rows(request)}
    artifact = tell_served(trained, staging, scratch, rows, step)
    settle(staging, folder / artifact.version)
    settle(
        scratch / order.task / artifact.version,
        order.models_dir / order.task / artifact.version,
    )
    shutil.rmtree(scratch)
    _write(order.run_folder / TRAINED, {"version": artifact.version})
    shutil.rmtree(trained)
    return artifact.version


def _reading(phase: str, step: int, numbers: Mapping[str, float]) -> None:
    _tell({"reading": {"phase": phase, "step": step, **numbers}})


def _tell(message: dict[str, Any]) -> None:
    with _lock:
        _told.write(json.dumps(message) + "\n")
        _told.flush()


def _write(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, json.dumps(content))


def _failed(reason: Wording) -> int:
    """Tell why the run failed; returns the exit status."""
    _tell({"failed": reason.parts()})
    return 1


def _end_failed(reason: Wording) -> None:
    os._exit(_failed(reason))


def _end_with_parent() -> None:
    # Unbuffered: a lock held on sys.stdin would abort the interpreter when it shuts down.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    raise SystemExit(main())
