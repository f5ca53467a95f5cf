"""From a trained artifact to the quantised ONNX graph that serves it.

The adapter is merged into the encoder, the graph exported, its weights quantised to 8-bit
integers, and the result compared with the torch model on probe texts. A graph that disagrees is
not served: the next more exact precision is tried, and float32 that disagrees is an error.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from ml.artifacts import (
    ADAPTER,
    HEAD,
    TOKENIZER,
    Artifact,
    Build,
    read_artifact,
    staged_folder,
    write_artifact,
)
from ml.data.encoding import EncodedBatch, encode_texts, encode_words, load_tokenizer
from ml.data.text import split_words
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import ArtifactError, ExportMismatch
from ml.evaluation.scoring import softmax
from ml.export.declare import encoder_artifact
from ml.export.probes import PROBES
from ml.export.quantise import PRECISIONS, quantise
from ml.export.tables import store_graph
from ml.models.classifier import TextClassifier
from ml.models.encoder import load_delta, load_encoder, load_tuned, merged, tune
from ml.models.sentence_encoder import SentenceEncoder
from ml.models.tagger import TokenTagger
from ml.serving.registry import ModelStore
from ml.types import FloatArray

MIN_AGREEMENT = 0.97
MAX_MEAN_DIFFERENCE = 0.01
"""Of a probe text's probabilities (largest per text), or of 1 - cosine, averaged over the texts."""
_OPSET = 17

Step = Callable[[int, int, str], None]
_STEPS = ("load", "export", "quantise", "store")


def build_model(folder: Path, models_dir: Path, progress: Step | None = None) -> Artifact:
    """Build the trained artifact in ``folder`` into ``models_dir/<task>/<version>``.

    Makes it the active version if the task has none. Returns the built declaration; an existing
    build of the same version is returned as it is.

    Raises :class:`ArtifactError` for a corrupt artifact or one whose encoder is not the installed
    one, :class:`ExportMismatch` when no exported graph agrees with the model.
    """
    artifact = read_artifact(folder)
    source = resolve_encoder(artifact.encoder.name)
    if source.sha256 != artifact.encoder.sha256:
        raise ArtifactError(
            folder, f"was tuned on another encoder than the installed {source.name}"
        )
    return _build(
        artifact, source, lambda: restore_model(artifact, source, folder), models_dir, progress
    )


def build_encoder(encoder: str, models_dir: Path, progress: Step | None = None) -> Artifact:
    """Build the plain sentence encoder as the task ``encoder``; see :func:`build_model`."""
    source = resolve_encoder(encoder)
    artifact = encoder_artifact(source)
    return _build(
        artifact, source, lambda: SentenceEncoder(load_encoder(source)), models_dir, progress
    )


def _activate_if_none(models_dir: Path, artifact: Artifact) -> None:
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
    target = models_dir / artifact.task / artifact.version
    if target.is_dir():
        built = read_artifact(target)
        _activate_if_none(models_dir, built)
        return built

    def step(name: str) -> None:
        if progress is not None:
            progress(_STEPS.index(name), len(_STEPS), f"{artifact.task}: {name}")

    step("load")
    model = restore().eval()
    batch = _probe_batch(artifact, source)
    with tempfile.TemporaryDirectory(prefix="trefoil-export-") as scratch:
        step("export")
        plain = Path(scratch) / "plain.onnx"
        _export(model, artifact, batch, plain)
        step("quantise")
        chosen, build = _choose(model, artifact, batch, plain)
        step("store")
        with staged_folder(target) as folder:
            store_graph(chosen, folder)
            shutil.copyfile(source.path / TOKENIZER, folder / TOKENIZER)
            built = write_artifact(folder, replace(artifact, build=build))
    _activate_if_none(models_dir, built)
    if progress is not None:
        progress(len(_STEPS), len(_STEPS), f"{artifact.task}: done")
    return built


def restore_model(
    artifact: Artifact, source: EncoderSource, folder: Path, *, merge: bool = True
) -> nn.Module:
    """The trained model in ``folder``, whose checked declaration is ``artifact``.

    With ``merge`` the method's weights become part of the encoder's, where that is defined.

    Raises :class:`ArtifactError` when its weights do not fit.
    """
    encoder = tune(load_encoder(source), artifact.method)
    load_delta(encoder, artifact.method, folder / ADAPTER)
    if merge:
        encoder = merged(encoder, artifact.method)
    if artifact.kind == "embedding":
        return SentenceEncoder(encoder)
    columns = len(artifact.labels) + int(bool(artifact.settings.get("oos_column")))
    model: nn.Module
    if artifact.kind == "ner":
        model = TokenTagger(encoder, hidden_size=source.hidden_size, columns=columns)
    else:
        model = TextClassifier(encoder, hidden_size=source.hidden_size, columns=columns)
    load_tuned(model, folder / HEAD, needed=lambda name: not name.startswith("encoder."))
    return model


def _probe_batch(artifact: Artifact, source: EncoderSource) -> EncodedBatch:
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    if artifact.kind == "ner":
        words = [[word.text for word in split_words(text)] for text in PROBES]
        return encode_words(tokenizer, words, max_length=artifact.max_length)
    return encode_texts(tokenizer, PROBES, max_length=artifact.max_length)


def _feed(batch: EncodedBatch) -> dict[str, np.ndarray[Any, Any]]:
    feed = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    return feed | ({"shape_ids": batch.shape_ids} if batch.shape_ids is not None else {})


class _Positional(nn.Module):
    """Takes inputs by position and gives a tuple, as the exporter needs it."""

    def __init__(self, model: nn.Module, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.outputs = outputs

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        answer = self.model(*inputs)
        return tuple(answer[name] for name in self.outputs)


def _outputs(artifact: Artifact) -> tuple[str, ...]:
    return {
        "classification": ("logits", "pooled"),
        "ner": ("logits",),
        "embedding": ("vector",),
    }[artifact.kind]


def _export(model: nn.Module, artifact: Artifact, batch: EncodedBatch, path: Path) -> None:
    feed = {name: torch.from_numpy(array[:4]) for name, array in _feed(batch).items()}
    outputs = _outputs(artifact)
    axes: dict[str, dict[int, str]] = {name: {0: "batch", 1: "tokens"} for name in feed}
    axes |= {name: {0: "batch"} for name in outputs}
    if artifact.kind == "ner":
        axes["logits"] = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, about shapes; the probes check the result
        torch.onnx.export(
            _Positional(model, outputs),
            tuple(feed.values()),
            str(path),
            input_names=list(feed),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )
    model.eval()  # the exporter leaves it in training mode, with dropout


def _choose(
    model: nn.Module, artifact: Artifact, batch: EncodedBatch, plain: Path
) -> tuple[Path, Build]:
    """The fastest graph that agrees with the model, made beside the float32 graph ``plain``."""
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(array) for name, array in _feed(batch).items()}
        wanted = model(**tensors)[_outputs(artifact)[0]].float().numpy()
    agreement = 0.0
    for precision in (*PRECISIONS, "fp32"):
        path = plain
        if precision != "fp32":
            path = plain.with_name("quantised.onnx")
            quantise(plain, path, precision)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        found = session.run([_outputs(artifact)[0]], _feed(batch))[0]
        same, gaps = _compare(artifact, batch, wanted, found)
        agreement = float(same.mean())
        if agreement >= MIN_AGREEMENT and gaps.mean() <= MAX_MEAN_DIFFERENCE:
            tool = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
            return path, Build(precision, len(PROBES), agreement, float(gaps.max()), tool)
    raise ExportMismatch(
        f"{artifact.task}: the exported graph agrees with its source on {agreement:.1%} of the "
        f"probe texts; {MIN_AGREEMENT:.0%} are needed"
    )


def _compare(
    artifact: Artifact, batch: EncodedBatch, wanted: FloatArray, found: FloatArray
) -> tuple[NDArray[np.bool_], FloatArray]:
    """For each answer, if it is the same, and its largest difference of a probability or cosine.

    There is an answer for each text, or each word of it for token tagging. An embedding is the
    same when its cosine with the source's is at least 0.97.
    """
    if artifact.kind == "embedding":
        cosines = (wanted * found).sum(axis=1)
        return cosines >= MIN_AGREEMENT, 1.0 - cosines
    before, after = softmax(wanted), softmax(found)
    same = before.argmax(axis=-1) == after.argmax(axis=-1)
    gaps = np.abs(before - after).max(axis=-1)
    if artifact.kind == "ner":
        assert batch.word_index is not None
        words = batch.word_index >= 0
        return same[words], gaps[words]
    return same, gaps
