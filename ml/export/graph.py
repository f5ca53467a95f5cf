"""A model as an ONNX graph: exporting it, feeding it, comparing its answers with the model's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from ml.artifacts import TOKENIZER, Artifact
from ml.data.encoding import EncodedBatch, encode_texts, encode_words, load_tokenizer
from ml.data.text import split_words
from ml.encoders import EncoderSource
from ml.evaluation.decoding import decode_tags, word_scores
from ml.evaluation.multi_label import label_scores, threshold_array
from ml.evaluation.scoring import softmax
from ml.export.attention import written_out
from ml.export.plain_shapes import fixed_shapes, plain_masks
from ml.export.probes import PROBES
from ml.types import FloatArray

MIN_AGREEMENT = 0.97
TOOL = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
_OPSET = 17


def probe_batch(artifact: Artifact, source: EncoderSource) -> EncodedBatch:
    """The probe texts as the model takes them."""
    return encoded(artifact, load_tokenizer(source.path / TOKENIZER), PROBES)


def encoded(artifact: Artifact, tokenizer: Tokenizer, texts: Sequence[str]) -> EncodedBatch:
    """Texts as the model takes them."""
    if artifact.kind == "ner":
        words = [[word.text for word in split_words(text)] for text in texts]
        return encode_words(tokenizer, words, max_length=artifact.max_length)
    return encode_texts(tokenizer, texts, max_length=artifact.max_length)


def feed_of(batch: EncodedBatch) -> dict[str, np.ndarray[Any, Any]]:
    """The inputs of a graph, by name."""
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


def outputs_of(artifact: Artifact) -> tuple[str, ...]:
    """The names of a graph's outputs; the first is what its answers are read from."""
    return {
        "classification": ("logits", "pooled"),
        "multi_label": ("logits", "pooled"),
        "ner": ("logits",),
        "embedding": ("vector",),
    }[artifact.kind]


def export_graph(model: nn.Module, artifact: Artifact, batch: EncodedBatch, path: Path) -> None:
    """Write the model as a float32 graph for batches of any size and length."""
    tagged = {"logits"} if artifact.kind == "ner" else set()
    export_outputs(model, outputs_of(artifact), batch, path, by_token=tagged)


def export_outputs(
    model: nn.Module,
    outputs: tuple[str, ...],
    batch: EncodedBatch,
    path: Path,
    *,
    by_token: Set[str],
) -> None:
    """Write the graph of the ``outputs`` of a model; those ``by_token`` have a value for each."""
    feed = {name: torch.from_numpy(array[:4]) for name, array in feed_of(batch).items()}
    axes: dict[str, dict[int, str]] = {name: {0: "batch", 1: "tokens"} for name in feed}
    axes |= {name: {0: "batch"} for name in outputs}
    axes |= {name: {0: "batch", 1: "tokens"} for name in by_token}
    with plain_masks(model), written_out(model), warnings.catch_warnings():
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
    onnx.save(fixed_shapes(onnx.load(str(path))), str(path))
    model.eval()  # the exporter leaves it in training mode, with dropout


def compare_answers(
    artifact: Artifact, batch: EncodedBatch, wanted: FloatArray, found: FloatArray
) -> tuple[NDArray[np.bool_], FloatArray]:
    """For each answer, if it is the same, and its largest difference of a probability or cosine.

    There is an answer for each text, or each word of it for token tagging; one of several labels is
    the same if all of them are. An embedding is the same when its cosine with the source's is at
    least 0.97. Answers and probabilities are those that serving makes of the graph's outputs.
    """
    if artifact.kind == "embedding":
        cosines = (wanted * found).sum(axis=1)
        return cosines >= MIN_AGREEMENT, 1.0 - cosines
    if artifact.kind == "multi_label":
        before, after = label_scores(wanted, artifact), label_scores(found, artifact)
        thresholds = threshold_array(artifact)
        same = ((before >= thresholds) == (after >= thresholds)).all(axis=1)
        return same, np.abs(before - after).max(axis=1)
    if artifact.kind == "ner":
        return _compare_words(artifact, batch, wanted, found)
    before, after = (softmax(logits / artifact.temperature) for logits in (wanted, found))
    same = before.argmax(axis=-1) == after.argmax(axis=-1)
    return same, np.abs(before - after).max(axis=-1)


def _compare_words(
    artifact: Artifact, batch: EncodedBatch, wanted: FloatArray, found: FloatArray
) -> tuple[NDArray[np.bool_], FloatArray]:
    """:func:`compare_answers` of the words of each row, whose tags are decoded together."""
    assert batch.word_index is not None
    same: list[bool] = []
    gaps: list[FloatArray] = []
    for index, *rows in zip(batch.word_index, wanted, found, strict=True):
        words = [row[index >= 0] for row in rows]
        tags = [decode_tags(logits, artifact) for logits in words]
        same += [one == other for one, other in zip(*tags, strict=True)]
        before, after = (
            softmax(word_scores(logits, artifact) / artifact.temperature) for logits in words
        )
        gaps.append(np.abs(before - after).max(axis=-1))
    return np.array(same, dtype=np.bool_), np.concatenate(gaps)
