"""What the graph that serves a new version reaches on its held-out rows, told in its card.

The measures of a run are those of the weights as trained, in 32 bits. What answers is mostly a
graph of 8-bit integers, which agrees with them on probe texts (:mod:`ml.export.build`) and may yet
do a little better or worse on others.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from ml.artifacts import (
    MANIFEST,
    MODEL,
    MODEL_CARD,
    SERVED,
    TOKENIZER,
    Artifact,
    read_artifact,
    write_artifact,
)
from ml.data.encoding import encode_texts, encode_words, load_tokenizer
from ml.data.long_texts import mean_by_text
from ml.evaluation.on_rows import rows_report
from ml.export.build import Step, build_model, encoder_of, restore_model
from ml.export.graph import compare_answers, feed_of, outputs_of
from ml.export.joint import build_joint
from ml.joint import TASKS, declared_tasks
from ml.outputs import scratch_folder, staged_folder
from ml.serving.registry import ModelStore
from ml.training.card import SHOWN, with_served
from ml.training.storing import refitted

_BATCH = 64


def tell_served(
    folder: Path,
    target: Path,
    models_dir: Path,
    held_out: Mapping[str, Sequence[Any]],
    progress: Step | None = None,
) -> Artifact:
    """Build the trained artifact in ``folder`` and measure its graph on held-out rows.

    The artifact is written to ``target`` (``folder`` itself, or another one beside it) with what
    was measured in its declaration and its card, which gives it another version; its graph goes to
    ``models_dir/<task>/<version>``, where no version becomes the active one. ``held_out`` are the
    rows (:func:`ml.training.held_out.held_out_rows`) of the artifact's task, or of each task of a
    joint one.

    ``settings["served"]`` holds the ``precision``, the number of ``rows`` and their ``metrics``.
    Weights that learned from the held-out rows too (``refit``) are not measured by them: told is
    which share of the answers (to texts; to words, of a tagger) is ``alike`` as that of the weights
    in 32 bits; of a joint artifact nothing is.

    Returns the declaration as written; raises what :func:`ml.export.build.build_model` raises.
    """
    artifact = read_artifact(folder)
    with scratch_folder("trefoil-served-") as scratch:
        build = build_joint if artifact.kind == "joint" else build_model
        built = build(folder, scratch, progress)
        store = ModelStore(scratch)
        told = {
            task: _told(store, built, folder, declared, held_out[task])
            for task, declared in _told_of(artifact).items()
        }
        artifact = _rewritten(folder, target, artifact, told)
        place = models_dir / artifact.task / artifact.version
        if not place.is_dir():
            with staged_folder(place) as staging:
                graph = scratch / built.task / built.version
                for file in graph.iterdir():
                    if file.name != MANIFEST:
                        shutil.copyfile(file, staging / file.name)
                write_artifact(staging, replace(artifact, build=built.build))
    return artifact


def _told_of(artifact: Artifact) -> dict[str, Artifact]:
    """The declarations by task. A joint artifact's vectors are only to stay as they were, and what
    of it learned from the held-out rows is not compared with its weights."""
    if artifact.kind != "joint":
        return {artifact.task: artifact}
    tasks = {} if refitted(artifact) else declared_tasks(artifact)
    return {name: task for name, task in tasks.items() if task.kind != "embedding"}


def _rewritten(
    folder: Path, target: Path, artifact: Artifact, told: Mapping[str, dict[str, Any]]
) -> Artifact:
    """Write the artifact to ``target`` with what is told of its tasks; returns its declaration."""
    settings = dict(artifact.settings)
    if artifact.kind == "joint":
        tables = {name: dict(table) for name, table in settings[TASKS].items()}
        for name, one in told.items():
            tables[name]["settings"] = tables[name]["settings"] | {SERVED: one}
        settings[TASKS] = tables
    else:
        settings |= {SERVED: told[artifact.task]}
    card = with_served((folder / MODEL_CARD).read_text(encoding="utf-8"), artifact, told)
    with staged_folder(target) as staging:
        for name in artifact.files:
            shutil.copyfile(folder / name, staging / name)
        (staging / MODEL_CARD).write_text(card, encoding="utf-8")
        return write_artifact(staging, replace(artifact, settings=settings, files={}))


def _told(
    store: ModelStore, built: Artifact, folder: Path, task: Artifact, rows: Sequence[Any]
) -> dict[str, Any]:
    """What is told of one task."""
    assert built.build is not None
    told: dict[str, Any] = {"precision": built.build.precision, "rows": len(rows)}
    if refitted(built):
        return told | {"alike": _alike(store, built, folder, rows)}
    assert task.kind != "joint"
    report = rows_report(store.load(task.task), task.kind, task.labels, rows)
    types = {f"f1_{name}": row["f1"] for name, row in report.get("per_type", {}).items()}
    labels = {f"f1_{row['label']}": row["f1"] for row in report.get("per_label", ())}
    numbers = {name: report[name] for name in SHOWN if name in report}
    return told | {"metrics": {k: float(v) for k, v in (numbers | types | labels).items()}}


def _alike(store: ModelStore, built: Artifact, folder: Path, rows: Sequence[Any]) -> float:
    """The share of answers on the rows that the graph gives as the stored weights do."""
    source = encoder_of(built, folder)
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    model = restore_model(read_artifact(folder), source, folder).eval()
    graph = store.root / built.task / built.version / MODEL
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    name = outputs_of(built)[0]
    same: list[bool] = []
    for start in range(0, len(rows), _BATCH):
        chunk = rows[start : start + _BATCH]
        if built.kind == "ner":
            words = [row.tokens for row in chunk]
            batch = encode_words(tokenizer, words, max_length=built.max_length)
        else:
            batch = encode_texts(
                tokenizer,
                [row.text for row in chunk],
                max_length=built.max_length,
                long_texts=built.settings.get("long_texts", "cut"),
            )
        feed = feed_of(batch)
        with torch.inference_mode():
            tensors = {key: torch.from_numpy(array) for key, array in feed.items()}
            wanted = model(**tensors)[name].float().numpy()
        found = session.run([name], feed)[0]
        if batch.owners is not None:
            wanted, found = (
                mean_by_text(rows, batch.owners, len(chunk)) for rows in (wanted, found)
            )
        same += compare_answers(built, batch, wanted, found)[0].tolist()
    return sum(same) / len(same)
