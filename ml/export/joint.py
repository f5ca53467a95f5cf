"""From a joint artifact to one ONNX graph with the outputs of all its tasks.

The probe texts are read as the joint model reads them, and each task's answers must agree with the
torch model's as those of a single model must (:mod:`ml.export.build`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from ml.artifacts import (
    ADAPTER,
    HEAD,
    TOKENIZER,
    Artifact,
    Build,
    read_artifact,
    write_artifact,
)
from ml.data.encoding import EncodedBatch, encode_words, load_tokenizer
from ml.data.words import readable_words
from ml.encoders import EncoderSource
from ml.errors import ExportMismatch
from ml.evaluation.scoring import OOS_COLUMN
from ml.export.build import (
    MAX_MEAN_DIFFERENCE,
    Step,
    activate_if_none,
    encoder_of,
    store_build,
    usable_build,
)
from ml.export.graph import (
    MIN_AGREEMENT,
    TOOL,
    compare_answers,
    export_outputs,
    feed_of,
    outputs_of,
)
from ml.export.probes import PROBES
from ml.export.quantise import PRECISIONS, quantise
from ml.joint import SHAPES, declared_tasks
from ml.models.classifier import ClassifierHead
from ml.models.encoder import load_delta, load_encoder, load_tuned, merged, tune
from ml.models.joint import JointModel
from ml.models.sentence_encoder import VectorHead
from ml.models.tagger import TagHead
from ml.outputs import scratch_folder, staged_folder
from ml.processor import weight_bits
from ml.wording import Wording

_STEPS = ("load", "export", "quantise", "store")


def build_joint(
    folder: Path, models_dir: Path, progress: Step | None = None, *, activate: bool = True
) -> Artifact:
    """Build the joint artifact in ``folder`` into ``models_dir/<name>/<version>``, and each of its
    tasks into ``models_dir/<task>/<version>`` (:mod:`ml.joint`).

    With ``activate`` a task that has no active version gets this one. Returns the built
    declaration; an existing build of the same version is kept, or replaced where it cannot be
    served here.

    Raises :class:`ArtifactError` for a corrupt artifact, one that is not joint, or one whose
    encoder is not the installed one, :class:`ExportMismatch` when no exported graph agrees with
    the model in all tasks.
    """
    artifact = read_artifact(folder)
    tasks = declared_tasks(artifact)
    target = models_dir / artifact.task / artifact.version

    def step(done: int) -> None:
        if progress is not None:
            name = _STEPS[done] if done < len(_STEPS) else "done"
            progress(done, len(_STEPS), f"{artifact.task}: {name}")

    built = usable_build(models_dir, artifact)
    if built is None:
        source = encoder_of(artifact, folder)
        built = _build_graph(artifact, tasks, source, folder, target, step)
    assert built.build is not None
    for task in tasks.values():
        _store_task(task, built.build, models_dir)
        if activate:
            activate_if_none(models_dir, task)
    step(len(_STEPS))
    return built


def restore_joint(artifact: Artifact, source: EncoderSource, folder: Path) -> JointModel:
    """The trained joint model in ``folder``, its method merged where that is defined.

    Raises :class:`ArtifactError` when its weights do not fit.
    """
    encoder = tune(load_encoder(source), artifact.method)
    load_delta(encoder, artifact.method, folder / ADAPTER)
    model = JointModel(
        merged(encoder, artifact.method),
        {name: _head(task, source.hidden_size) for name, task in declared_tasks(artifact).items()},
        hidden_size=source.hidden_size,
        shapes=artifact.settings[SHAPES],
    )
    load_tuned(model, folder / HEAD, needed=lambda name: not name.startswith("encoder."))
    return model


def _head(task: Artifact, hidden_size: int) -> torch.nn.Module:
    if task.kind == "embedding":
        return VectorHead()
    columns = len(task.labels) + int(bool(task.settings.get(OOS_COLUMN)))
    if task.kind == "ner":
        return TagHead(hidden_size=hidden_size, columns=columns)
    return ClassifierHead(hidden_size=hidden_size, columns=columns, pooling=task.pooling)


def _build_graph(
    artifact: Artifact,
    tasks: Mapping[str, Artifact],
    source: EncoderSource,
    folder: Path,
    target: Path,
    step: Callable[[int], None],
) -> Artifact:
    step(0)
    model = restore_joint(artifact, source, folder).eval()
    words = [[word.text for word in readable_words(text)] for text in PROBES]
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    batch = encode_words(tokenizer, words, max_length=artifact.max_length)
    with scratch_folder("trefoil-export-") as scratch:
        step(1)
        plain = scratch / "plain.onnx"
        tagged = {f"{name}.logits" for name, task in tasks.items() if task.kind == "ner"}
        export_outputs(model, graph_outputs(tasks), batch, plain, by_token=tagged)
        step(2)
        chosen, build = _choose(artifact, tasks, model, batch, plain)
        step(3)
        with staged_folder(target) as staging:
            return store_build(staging, chosen, source, replace(artifact, build=build))


def graph_outputs(tasks: Mapping[str, Artifact]) -> tuple[str, ...]:
    """The names of a joint graph's outputs, ``<task>.<output>``."""
    return tuple(f"{name}.{output}" for name, task in tasks.items() for output in outputs_of(task))


def _choose(
    artifact: Artifact,
    tasks: Mapping[str, Artifact],
    model: JointModel,
    batch: EncodedBatch,
    plain: Path,
) -> tuple[Path, Build]:
    """The fastest graph that agrees with the model in every task, made beside ``plain``."""
    answers = {name: f"{name}.{outputs_of(task)[0]}" for name, task in tasks.items()}
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(array) for name, array in feed_of(batch).items()}
        wanted = {name: value.float().numpy() for name, value in model(**tensors).items()}
    worst, agreement = "", 0.0
    for precision in (*PRECISIONS, "fp32"):
        path = plain
        if precision != "fp32":
            path = plain.with_name("quantised.onnx")
            quantise(plain, path, precision)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        found = dict(zip(answers, session.run(list(answers.values()), feed_of(batch)), strict=True))
        compared = {
            name: compare_answers(task, batch, wanted[answers[name]], found[name])
            for name, task in tasks.items()
        }
        agreements = {name: float(same.mean()) for name, (same, _) in compared.items()}
        worst = min(agreements, key=lambda name: agreements[name])
        agreement = agreements[worst]
        gaps = [gap for _, gap in compared.values()]
        if agreement >= MIN_AGREEMENT and max(g.mean() for g in gaps) <= MAX_MEAN_DIFFERENCE:
            largest = float(max(np.max(gap) for gap in gaps))
            bits = weight_bits(precision)
            return path, Build(precision, len(PROBES), agreement, largest, TOOL, bits)
    raise ExportMismatch(
        Wording(
            "%(task)s: the exported graph agrees with its source on %(agreement)s of the "
            "answers of %(worst)s; %(needed)s are needed",
            task=artifact.task,
            agreement=f"{agreement:.1%}",
            worst=worst,
            needed=f"{MIN_AGREEMENT:.0%}",
        )
    )


def _store_task(task: Artifact, build: Build, models_dir: Path) -> None:
    """Write the declaration of a task that the joint model answers for."""
    target = models_dir / task.task / task.version
    ready = usable_build(models_dir, task)
    if ready is None or ready.build != build:
        with staged_folder(target) as folder:
            write_artifact(folder, replace(task, build=build))
