"""A trained model in a chosen precision: made, compared, timed, or refused.

The build (:mod:`ml.export.build`) takes the fastest graph that agrees with its source by itself;
this is for those who want another one (:mod:`ml.export.convert`).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ml.allowed import FROM_ZERO, check_number
from ml.artifacts import Artifact, Build, read_trained
from ml.data.columns import Columns
from ml.data.encoding import EncodedBatch
from ml.data.pairs import make_pairs
from ml.data.row_kinds import read_rows
from ml.errors import DataError, ExportMismatch
from ml.evaluation.on_rows import rows_report
from ml.export.build import MAX_MEAN_DIFFERENCE, encoder_of, restore_model, store_build
from ml.export.convert import calibration_feeds, check_precision, convert, ways
from ml.export.graph import (
    MIN_AGREEMENT,
    TOOL,
    compare_answers,
    export_graph,
    feed_of,
    outputs_of,
    probe_batch,
)
from ml.export.probes import PROBES
from ml.outputs import scratch_folder, staged_folder
from ml.processor import weight_bits
from ml.serving.registry import ModelStore

BATCHES = (1, 32)
_TIMED_SECONDS = 1.0
_METRICS = {
    "classification": "accuracy",
    "multi_label": "macro_f1",
    "ner": "f1",
    "embedding": "recall@1",
}

Step = Callable[[int, int, str], None]
_STEPS = ("load", "export", "convert", "compare", "measure", "store")


@dataclass(frozen=True, slots=True)
class Exported:
    """What one graph is like: its size, texts a second by batch size, and quality on rows."""

    precision: str
    megabytes: float
    texts_per_second: dict[int, float]
    quality: float | None


@dataclass(frozen=True, slots=True)
class ExportReport:
    """An export beside its float32 source.

    ``agreement`` is the share of probe texts (words, for tagging) with the same answer,
    ``mean_difference`` that of a probability or cosine. ``metric`` names the quality on rows.
    """

    task: str
    version: str
    agreement: float
    mean_difference: float
    metric: str
    source: Exported
    export: Exported
    folder: Path

    @property
    def lost(self) -> float | None:
        """What of the quality the export lost; below 0 it gained."""
        if self.source.quality is None or self.export.quality is None:
            return None
        return self.source.quality - self.export.quality


def export_model(
    folder: Path,
    target: Path,
    precision: str,
    *,
    rows: Path | None = None,
    columns: Columns | None = None,
    calibration: Sequence[str] = (),
    max_loss: float = 0.005,
    progress: Step | None = None,
) -> ExportReport:
    """Export the trained artifact in ``folder`` to ``target`` in a precision.

    ``rows`` is a labelled file to measure both graphs by, whose ``columns`` may be called otherwise
    (:mod:`ml.data.columns`); ``calibration`` are texts for ``int8_static`` (the probe texts when
    there are none). ``target`` appears complete or not at all.

    ``int8`` and ``int8_static`` are the fastest of their ways that agrees, as in a build.

    Raises :class:`ArtifactError` for an unusable artifact, :class:`DataError` for unusable rows,
    :class:`TrainingError` for a precision or a ``max_loss`` that cannot be, and
    :class:`ExportMismatch` when fewer than 97% of the probes have the same answer, they differ by
    more than 0.01 in the mean, or the quality on ``rows`` falls by more than ``max_loss``.
    """
    check_precision(precision)
    check_number("max_loss", max_loss, FROM_ZERO)

    def step(name: str) -> None:
        if progress is not None:
            progress(_STEPS.index(name), len(_STEPS), name)

    step("load")
    artifact = read_trained(folder)
    source = encoder_of(artifact, folder)
    model = restore_model(artifact, source, folder).eval()
    labelled = None if rows is None else _labelled(rows, artifact, columns)
    batch = probe_batch(artifact, source)
    with scratch_folder("trefoil-export-") as place:
        step("export")
        plain, chosen = place / "plain.onnx", place / "chosen.onnx"
        export_graph(model, artifact, batch, plain)
        step("convert")
        feeds = calibration_feeds(artifact, source, calibration or PROBES)
        for way in ways(precision):
            convert(plain, chosen, way, feeds)
            step("compare")
            agreement, difference, largest = _difference(artifact, batch, plain, chosen)
            if not (problem := _unlike(agreement, difference)):
                break
        if problem:
            raise ExportMismatch(f"{artifact.task}: in {precision} it {problem}")
        step("measure")
        found = []
        for path, name in ((plain, "fp32"), (chosen, way)):
            build = Build(name, len(PROBES), agreement, largest, TOOL, weight_bits(name))
            place_of = _built(path, artifact)
            place_of.mkdir(parents=True)
            store_build(place_of, path, source, replace(artifact, build=build))
            found.append(_measured(path, artifact, batch, labelled))
        report = ExportReport(
            task=artifact.task,
            version=artifact.version,
            agreement=agreement,
            mean_difference=difference,
            metric=_METRICS[artifact.kind] if rows is not None else "",
            source=found[0],
            export=replace(found[1], precision=way),
            folder=target,
        )
        _refuse(report, max_loss)
        step("store")
        with staged_folder(target) as staging:
            shutil.copytree(_built(chosen, artifact), staging, dirs_exist_ok=True)
    if progress is not None:
        progress(len(_STEPS), len(_STEPS), "done")
    return report


def _unlike(agreement: float, difference: float) -> str:
    """In what an export is not what its source is; empty for one that is as a build has to be."""
    if agreement < MIN_AGREEMENT:
        return (
            f"agrees with its source on {agreement:.1%} of the probe texts; "
            f"{MIN_AGREEMENT:.0%} are needed"
        )
    if difference > MAX_MEAN_DIFFERENCE:
        return (
            f"differs from its source by {difference:.4f} in the mean of the probe texts; "
            f"{MAX_MEAN_DIFFERENCE:g} may be"
        )
    return ""


def _refuse(report: ExportReport, max_loss: float) -> None:
    """Raise :class:`ExportMismatch` for an export that answers worse than its source."""
    if report.lost is not None and report.lost > max_loss:
        raise ExportMismatch(
            f"{report.task}: in {report.export.precision} {report.metric} falls from "
            f"{report.source.quality:.4f} to {report.export.quality:.4f}; "
            f"{max_loss:g} may be lost"
        )


def _built(graph: Path, artifact: Artifact) -> Path:
    """Where a graph's build lies, in a folder of models of its own."""
    return graph.parent / graph.stem / artifact.task / artifact.version


def _difference(
    artifact: Artifact, batch: EncodedBatch, plain: Path, chosen: Path
) -> tuple[float, float, float]:
    """The share of probes with the same answer from both graphs, and their mean and their largest
    difference."""
    name = outputs_of(artifact)[0]
    wanted, found = (
        onnxruntime.InferenceSession(str(path), _quiet(), providers=["CPUExecutionProvider"]).run(
            [name], feed_of(batch)
        )[0]
        for path in (plain, chosen)
    )
    same, gaps = compare_answers(artifact, batch, wanted, found)
    return float(same.mean()), float(gaps.mean()), float(gaps.max())


def _measured(
    graph: Path,
    artifact: Artifact,
    batch: EncodedBatch,
    rows: Sequence[Any] | None,
) -> Exported:
    """The graph as the engine loads it: how large, how fast, and how good on rows."""
    store = ModelStore(graph.parent / graph.stem)
    store.activate(artifact.task, artifact.version)
    quality = None if rows is None else _quality(store.load(artifact.task), artifact, rows)
    files = [path for path in _built(graph, artifact).iterdir() if path.suffix != ".json"]
    size = sum(path.stat().st_size for path in files)
    speeds = {number: round(_speed(graph, batch, number), 1) for number in BATCHES}
    return Exported("fp32", round(size / 1e6, 1), speeds, quality)


def _labelled(rows: Path, artifact: Artifact, columns: Columns | None) -> list[Any]:
    """The rows to measure by, of a sentence encoder as pairs."""
    kind = artifact.kind
    assert kind != "joint"  # of which no model is restored
    found: list[Any] = list(read_rows(rows, kind, columns=columns, task=artifact.task))
    if kind == "embedding":
        found = make_pairs(found, seed=0)
    if not found:
        raise DataError(rows, None, "has no rows to measure by")
    return found


def _quality(predictor: Any, artifact: Artifact, rows: Sequence[Any]) -> float:
    report = rows_report(predictor, artifact.kind, artifact.labels, rows)
    return float(report[_METRICS[artifact.kind]])


def _speed(graph: Path, batch: EncodedBatch, size: int) -> float:
    """Texts a second on one thread, of the probes in batches of ``size``."""
    session = onnxruntime.InferenceSession(str(graph), _quiet(), providers=["CPUExecutionProvider"])
    feed = feed_of(batch)
    texts = len(batch.input_ids)
    lengths = batch.attention_mask.sum(axis=1)
    order = np.argsort(lengths)
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < _TIMED_SECONDS:
        for start in range(0, texts, size):
            rows = order[start : start + size]
            width = int(lengths[rows].max())
            session.run(None, {name: array[rows, :width] for name, array in feed.items()})
            done += len(rows)
    return done / (time.perf_counter() - started)


def _quiet() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options
