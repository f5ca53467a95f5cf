"""What does a joint model's one pass cost beside one model per task, with one thread?

    python -m bench.one_pass --joint market [--models var/models] [--texts 256] [--json]

Both answer for all tasks of the joint model (a sentence vector's single model is ``encoder``) on
the same generated sentences of 5 to 30 words. Rounds alternate, so that what else the machine does
hits both; times are the best of them. Nothing is cached.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.engine import sentences
from ml.joint import declared_tasks, trunk_of
from ml.runtime import RuntimeSettings
from ml.serving.joint import load_joint
from ml.serving.predictors import load_predictor
from ml.serving.protocol import Unit
from ml.serving.registry import ModelStore

ROUNDS = 7
BATCHES = (1, 32)
ONE_THREAD = RuntimeSettings(1, 1)


def measure(models: Path, name: str, texts: Sequence[str]) -> dict[str, Any]:
    """Milliseconds a text, by batch size, of the joint model and of its tasks' single models."""
    store = ModelStore(models)
    artifact = store.artifact(name, store.versions(name)[-1])
    joint = load_joint(models / name / artifact.version, artifact, ONE_THREAD)
    single = {
        task: _single(store, "encoder" if declared.kind == "embedding" else task)
        for task, declared in declared_tasks(artifact).items()
    }
    found: dict[str, Any] = {"joint": f"{name} {artifact.version}", "tasks": list(single)}
    for batch in BATCHES:
        timed: dict[str, list[float]] = {"one pass": [], **{task: [] for task in single}}
        for _ in range(ROUNDS):
            timed["one pass"].append(_milliseconds(joint, texts, batch))
            for task, unit in single.items():
                timed[task].append(_milliseconds(unit, texts, batch))
        best = {what: min(values) for what, values in timed.items()}
        apart = sum(best[task] for task in single)
        found[f"batch {batch}"] = {**best, "apart": apart, "ratio": apart / best["one pass"]}
    return found


def _single(store: ModelStore, task: str) -> Unit:
    """The newest model that answers for the task alone."""
    for version in reversed(store.versions(task)):
        artifact = store.artifact(task, version)
        if trunk_of(artifact) is None:
            return load_predictor(store.root / task / version, artifact, ONE_THREAD)
    raise SystemExit(f"{task} has no model of its own in {store.root}; run manage.py build_models")


def _milliseconds(unit: Unit, texts: Sequence[str], batch: int) -> float:
    start = time.perf_counter()
    for first in range(0, len(texts), batch):
        unit.predict(texts[first : first + batch])
    return (time.perf_counter() - start) * 1000 / len(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joint", required=True, help="the joint model's name")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.models, options.joint, sentences(options.texts))
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        shown = value
        if isinstance(value, dict):
            shown = ", ".join(f"{what} {number:.2f}" for what, number in value.items())
        print(f"{name}: {shown}")


if __name__ == "__main__":
    main()
