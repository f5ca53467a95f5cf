"""From a trained artifact to the quantised ONNX graph that serves it.

The adapter is merged into the encoder, the graph exported, its weights quantised to 8-bit
integers, and the result compared with the torch model on probe texts. A graph that disagrees is
not served: the next more exact precision is tried, and float32 that disagrees is an error.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnxruntime
import torch
from torch import nn

from ml.artifacts import (
    ADAPTER,
    HEAD,
    TOKENIZER,
    Artifact,
    Build,
    read_artifact,
    write_artifact,
)
from ml.data.encoding import EncodedBatch
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import ArtifactError, ExportMismatch, MLError
from ml.evaluation.chain import TRANSITIONS
from ml.export.declare import encoder_artifact
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
from ml.export.quantise import PRECISIONS, quantise
from ml.export.tables import store_graph
from ml.joint import check_no_joint
from ml.models.classifier import TextClassifier
from ml.models.encoder import load_delta, load_encoder, load_tuned, merged, tune
from ml.models.memory import empty_memory
from ml.models.sentence_encoder import SentenceEncoder
from ml.models.tagger import TokenTagger
from ml.outputs import scratch_folder, staged_folder
from ml.processor import weight_bits
from ml.serving.registry import ModelStore
from ml.wording import Wording

MAX_MEAN_DIFFERENCE = 0.01
"""Of a probe text's probabilities (largest per text), or of 1 - cosine, averaged over the texts."""

Step = Callable[[int, int, str], None]
_STEPS = ("load", "export", "quantise", "store")


def build_model(
    folder: Path, models_dir: Path, progress: Step | None = None, *, activate: bool = True
) -> Artifact:
    """Build the trained artifact in ``folder`` into ``models_dir/<task>/<version>``.

    With ``activate`` it becomes the active version if the task has none. Returns the built
    declaration; an existing build of the same version is returned as it is, or replaced where it
    cannot be served here.

    Raises :class:`ArtifactError` for a corrupt artifact or one whose encoder is not the installed
    one, :class:`ExportMismatch` when no exported graph agrees with the model.
    """
    artifact = read_artifact(folder)
    source = encoder_of(artifact, folder)
    built = _build(
        artifact, source, lambda: restore_model(artifact, source, folder), models_dir, progress
    )
    if activate:
        activate_if_none(models_dir, built)
    return built


def encoder_of(artifact: Artifact, folder: Path) -> EncoderSource:
    """The installed encoder that the artifact in ``folder`` was tuned on.

    Raises :class:`ArtifactError` when another one is installed.
    """
    source = resolve_encoder(artifact.encoder.name)
    if source.sha256 != artifact.encoder.sha256:
        raise ArtifactError(
            folder,
            Wording("was tuned on another encoder than the installed %(name)s", name=source.name),
        )
    return source


def build_encoder(encoder: str, models_dir: Path, progress: Step | None = None) -> Artifact:
    """Build the plain sentence encoder as the task ``encoder``; see :func:`build_model`."""
    source = resolve_encoder(encoder)
    artifact = encoder_artifact(source)
    built = _build(
        artifact, source, lambda: SentenceEncoder(load_encoder(source)), models_dir, progress
    )
    activate_if_none(models_dir, built)
    return built


def store_build(folder: Path, graph: Path, source: EncoderSource, built: Artifact) -> Artifact:
    """Write a graph, its tokenizer and its declaration to ``folder``; returns the declaration."""
    store_graph(graph, folder)
    shutil.copyfile(source.path / TOKENIZER, folder / TOKENIZER)
    return write_artifact(folder, built)


def usable_build(models_dir: Path, artifact: Artifact) -> Artifact | None:
    """The declaration of the version's build in ``models_dir``; ``None`` where there is none that
    can be served here: it is altered, say, or made for another processor."""
    try:
        return ModelStore(models_dir).artifact(artifact.task, artifact.version)
    except MLError:
        return None


def activate_if_none(models_dir: Path, artifact: Artifact) -> None:
    """Make the built ``artifact`` the active version if its task has none."""
    store = ModelStore(models_dir)
    if artifact.task not in store.tasks():
        store.activate(artifact.task, artifact.version)


def _build(
    artifact: Artifact,
    source: EncoderSource,
    restore: Callable[[], nn.Module],
    models_dir: Path,
    progress: Step | None,
) -> Artifact:
    if (ready := usable_build(models_dir, artifact)) is not None:
        return ready

    def step(name: str) -> None:
        if progress is not None:
            progress(_STEPS.index(name), len(_STEPS), f"{artifact.task}: {name}")

    step("load")
    model = restore().eval()
    batch = probe_batch(artifact, source)
    with scratch_folder("trefoil-export-") as scratch:
        step("export")
        plain = scratch / "plain.onnx"
        export_graph(model, artifact, batch, plain)
        step("quantise")
        chosen, build = _choose(model, artifact, batch, plain)
        step("store")
        with staged_folder(models_dir / artifact.task / artifact.version) as folder:
            built = store_build(folder, chosen, source, replace(artifact, build=build))
    if progress is not None:
        progress(len(_STEPS), len(_STEPS), f"{artifact.task}: done")
    return built


def restore_model(
    artifact: Artifact, source: EncoderSource, folder: Path, *, merge: bool = True
) -> nn.Module:
    """The trained model in ``folder``, whose checked declaration is ``artifact``.

    With ``merge`` the method's weights become part of the encoder's, where that is defined.

    Raises :class:`ArtifactError` when its weights do not fit, or are those of several tasks.
    """
    check_no_joint(artifact, folder)
    encoder = tune(load_encoder(source), artifact.method)
    load_delta(encoder, artifact.method, folder / ADAPTER)
    if merge:
        encoder = merged(encoder, artifact.method)
    if artifact.kind == "embedding":
        return SentenceEncoder(encoder)
    columns = len(artifact.labels) + int(bool(artifact.settings.get("oos_column")))
    model: nn.Module
    if artifact.kind == "ner":
        model = TokenTagger(
            encoder,
            hidden_size=source.hidden_size,
            columns=columns,
            chain=TRANSITIONS in artifact.settings,
        )
    else:
        model = TextClassifier(
            encoder,
            hidden_size=source.hidden_size,
            columns=columns,
            pooling=artifact.pooling,
            memory=empty_memory(artifact, source.hidden_size),
        )
    load_tuned(model, folder / HEAD, needed=lambda name: not name.startswith("encoder."))
    return model


def _choose(
    model: nn.Module, artifact: Artifact, batch: EncodedBatch, plain: Path
) -> tuple[Path, Build]:
    """The fastest graph that agrees with the model, made beside the float32 graph ``plain``."""
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(array) for name, array in feed_of(batch).items()}
        wanted = model(**tensors)[outputs_of(artifact)[0]].float().numpy()
    agreement = 0.0
    for precision in (*PRECISIONS, "fp32"):
        path = plain
        if precision != "fp32":
            path = plain.with_name("quantised.onnx")
            quantise(plain, path, precision)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        found = session.run([outputs_of(artifact)[0]], feed_of(batch))[0]
        same, gaps = compare_answers(artifact, batch, wanted, found)
        agreement = float(same.mean())
        if agreement >= MIN_AGREEMENT and gaps.mean() <= MAX_MEAN_DIFFERENCE:
            largest, bits = float(gaps.max()), weight_bits(precision)
            return path, Build(precision, len(PROBES), agreement, largest, TOOL, bits)
    raise ExportMismatch(
        Wording(
            "%(task)s: the exported graph agrees with its source on %(agreement)s of the "
            "probe texts; %(needed)s are needed",
            task=artifact.task,
            agreement=f"{agreement:.1%}",
            needed=f"{MIN_AGREEMENT:.0%}",
        )
    )
