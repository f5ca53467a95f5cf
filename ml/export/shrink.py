"""A smaller encoder as a folder: layers dropped, the heads removed that matter least.

It is worth little until it has learned again: name it as a recipe's ``encoder``, with the model
that it came from as the teacher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ml.artifacts import TOKENIZER, Artifact, read_trained
from ml.data.columns import Columns
from ml.data.encoding import load_tokenizer
from ml.data.long_texts import spread
from ml.data.readers import read_ner
from ml.data.targeting import read_labelled
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import DataError, TrainingError
from ml.evaluation.scoring import OOS_COLUMN
from ml.export.build import encoder_of, restore_model
from ml.export.merge import check_plain, write_encoder
from ml.models.encoder import load_encoder
from ml.models.shrinking import REMOVED_HEADS, head_size, keep_layers, remove_heads
from ml.models.tuning.layers import block_names, layout_of
from ml.training.datasets import (
    EncodedRow,
    EncodedRows,
    collate,
    encode_classification,
    encode_tagging,
)
from ml.types import OUT_OF_SCOPE, FloatArray

MOST_ROWS = 512
"""Rows by which heads are judged; more tell little more."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What was made: the encoder, the layers that it kept, the heads that each of these lost, and
    the parameters before and after."""

    source: EncoderSource
    layers: list[int]
    removed: dict[int, list[int]]
    parameters_before: int
    parameters: int


def shrink(
    target: Path,
    *,
    encoder: str = "",
    artifact: Path | None = None,
    layers: Sequence[int] = (),
    heads: float = 0.0,
    rows: Path | None = None,
    columns: Columns | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Shrunk:
    """Write a smaller encoder, of ``encoder`` or of the trained ``artifact``, to ``target``.

    ``layers`` are those to keep, all by default; ``heads`` is the share of the attention heads to
    remove. Heads are judged by how much the loss on the labelled ``rows`` would change without them
    (Michel, Levy and Neubig 2019, "Are Sixteen Heads Really Better than One?"), for which an
    artifact is needed, or else by the size of their weights; each layer keeps one.

    Raises :class:`ArtifactError`, :class:`DataError` or :class:`TrainingError`.
    """
    if not 0 <= heads < 1:
        raise TrainingError(f"heads is {heads}; a share from 0 to below 1 is needed")
    if not layers and not heads:
        raise TrainingError("nothing is to be left out: give layers to keep or a share of heads")
    if rows is not None and artifact is None:
        raise TrainingError("rows judge the heads of a trained artifact; give one")
    if rows is not None and not heads:
        raise TrainingError("rows judge heads; give the share of them that is to be removed")
    model: Any = None
    if artifact is not None:
        declared = read_trained(artifact)
        source = encoder_of(declared, artifact)
        model = restore_model(declared, source, artifact)
        whole: Any = model.encoder
        check_plain(whole, source, declared.method["name"])
    else:
        source = resolve_encoder(encoder)
        whole = load_encoder(source)
    before = _size(whole)
    lost: dict[int, list[int]] = {}
    if heads:
        if getattr(whole.config, REMOVED_HEADS, {}):
            raise TrainingError(f"{source.name} has lost heads already; shrink what it came from")
        if artifact is not None and rows is not None:
            weights = head_importance(model, _encoded(declared, source, rows, columns), progress)
        else:
            weights = head_norms(whole)
        lost = least(weights, heads)
        remove_heads(whole, lost)
    kept = sorted(layers) if layers else list(range(len(block_names(whole))))
    if layers:
        keep_layers(whole, layers)
    removed = {place: lost[layer] for place, layer in enumerate(kept) if lost.get(layer)}
    data = declared.data if artifact is not None else ()
    made = write_encoder(whole, source, target, made_by="shrink", data=data)
    return Shrunk(made, kept, removed, before, _size(whole))


def least(importance: FloatArray, share: float) -> dict[int, list[int]]:
    """By layer, the ``share`` of all heads that matter least; ``importance`` is (layers, heads).

    The most important head of a layer stays.
    """
    layers, heads = importance.shape
    stays = {(layer, int(importance[layer].argmax())) for layer in range(layers)}
    places = [
        divmod(int(place), heads) for place in np.argsort(importance, axis=None, kind="stable")
    ]
    chosen = [place for place in places if place not in stays][: round(share * layers * heads)]
    found: dict[int, list[int]] = {}
    for layer, head in sorted(chosen):
        found.setdefault(layer, []).append(head)
    return found


def head_importance(
    model: Any,
    rows: Sequence[EncodedRow],
    progress: Callable[[int, int, str], None] | None = None,
) -> FloatArray:
    """The mean size of the loss's gradient by a mask of each head, (layers, heads).

    Of each layer the values have unit length, as Michel et al. have it.
    """
    encoder = model.encoder
    size = head_size(encoder)
    masks: list[Tensor] = []
    hooks = []
    for name in block_names(encoder):
        result: Any = encoder.get_submodule(f"{name}.{layout_of(encoder).attention_output}")
        mask = torch.ones(result.in_features // size, requires_grad=True)
        masks.append(mask)
        hooks.append(result.register_forward_pre_hook(_masked(mask, size)))
    total = [torch.zeros_like(mask) for mask in masks]
    data = EncodedRows(rows)
    model.eval()
    try:
        for place in range(len(data)):  # one at a time: signs of texts must not cancel
            loss = model(**collate([data[place]]))["loss"]
            grads = torch.autograd.grad(loss, masks)
            for sums, gradient in zip(total, grads, strict=True):
                sums += gradient.abs()
            if progress is not None:
                progress(place + 1, len(data), "heads")
    finally:
        for hook in hooks:
            hook.remove()
    return _by_layer(total)


def head_norms(encoder: Any) -> FloatArray:
    """The size of each head's map from what it reads to what it adds, (layers, heads)."""
    size = head_size(encoder)
    layout = layout_of(encoder)
    found = []
    for name in block_names(encoder):
        value: Any = encoder.get_submodule(f"{name}.{layout.value}")
        result: Any = encoder.get_submodule(f"{name}.{layout.attention_output}")
        read = value.weight.detach().unflatten(0, (-1, size))  # (heads, size, hidden)
        added = result.weight.detach().unflatten(1, (-1, size)).transpose(0, 1)
        found.append(torch.linalg.matrix_norm(added @ read))
    return _by_layer(found)


def _by_layer(values: Sequence[Tensor]) -> FloatArray:
    stacked: FloatArray = torch.stack([v / v.norm().clamp(min=1e-12) for v in values]).numpy()
    return stacked


def _masked(mask: Tensor, size: int) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
    def hook(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (inputs[0] * mask.repeat_interleave(size), *inputs[1:])

    return hook


def _encoded(
    artifact: Artifact, source: EncoderSource, file: Path, named: Columns | None
) -> list[EncodedRow]:
    """Rows of ``file`` whose labels the artifact knows, evenly spread over it."""
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    names = [*artifact.labels, *([OUT_OF_SCOPE] if artifact.settings.get(OOS_COLUMN) else [])]
    columns = {name: index for index, name in enumerate(names)}
    encoded: list[EncodedRow]
    if artifact.kind == "classification":
        read = read_labelled(file, artifact.task, columns=named)
        texts = [row for row in read if row.label in columns]
        chosen = spread(texts, MOST_ROWS)
        encoded = encode_classification(chosen, tokenizer, columns, artifact.max_length)
    elif artifact.kind == "ner":
        tagged = [row for row in read_ner(file, columns=named) if set(row.tags) <= set(columns)]
        sentences = spread(tagged, MOST_ROWS)
        encoded = encode_tagging(sentences, tokenizer, columns, artifact.max_length)
    else:
        raise TrainingError("rows judge the heads of classifiers and taggers")
    if not encoded:
        raise DataError(file, None, f"has no rows with labels of {artifact.task}")
    return encoded


def _size(encoder: nn.Module) -> int:
    return sum(parameter.numel() for parameter in encoder.parameters())
