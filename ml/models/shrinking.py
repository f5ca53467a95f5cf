"""A smaller encoder of a larger one: fewer layers, fewer attention heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import prune_linear_layer

from ml.errors import TrainingError
from ml.models.tuning.layers import block_names, layout_of

REMOVED_HEADS = "removed_heads"
"""The key of an encoder's ``config.json`` that says which heads each layer has lost."""


def keep_layers(encoder: Any, places: Sequence[int]) -> None:
    """Drop all layers but those in ``places``, counted from 0 at the input, in place.

    Sajjad et al. 2023, "On the effect of dropping layers of pre-trained transformer models".

    Raises :class:`TrainingError` for a place that there is not, or none.
    """
    names = block_names(encoder)
    wrong = [place for place in places if not 0 <= place < len(names)]
    if wrong or len(set(places)) != len(places) or not places:
        raise TrainingError(
            f"the layers {', '.join(map(str, places)) or 'none'} cannot be kept; the encoder has "
            f"0 to {len(names) - 1}, each once"
        )
    blocks = [encoder.get_submodule(names[place]) for place in sorted(places)]
    parent, _, name = layout_of(encoder).blocks.rpartition(".")
    holder: Any = encoder.get_submodule(parent)
    setattr(holder, name, nn.ModuleList(blocks))
    encoder.config.num_hidden_layers = len(blocks)
    removed = getattr(encoder.config, REMOVED_HEADS, {})
    if removed:
        left = [removed.get(str(place), []) for place in sorted(places)]
        kept = {str(index): heads for index, heads in enumerate(left) if heads}
        setattr(encoder.config, REMOVED_HEADS, kept)


def remove_heads(encoder: Any, heads: Mapping[int, Sequence[int]]) -> None:
    """Take ``heads`` out of the layers, by layer and as they are counted in it, in place.

    The maps of queries, keys, values and of the result become smaller; what the others compute is
    not changed. The encoder's configuration tells of it, so that :func:`ml.models.encoder.
    load_encoder` makes the same shapes.

    Raises :class:`TrainingError` for an encoder whose heads cannot be told apart, a head that there
    is not, or a layer that would be left without any.
    """
    layout = layout_of(encoder)
    for index, name in enumerate(block_names(encoder)):
        lost = sorted(set(heads.get(index, ())))
        if not lost:
            continue
        block = encoder.get_submodule(name)
        attention: Any = block.get_submodule(layout.attention)
        size = head_size(encoder)
        count = block.get_submodule(layout.query).out_features // size
        if lost[-1] >= count or lost[0] < 0 or len(lost) == count:
            raise TrainingError(f"layer {index} has {count} heads; {lost} cannot all be removed")
        left = [head for head in range(count) if head not in lost]
        rows: Any = torch.cat([torch.arange(head * size, (head + 1) * size) for head in left])
        for path in (layout.query, layout.key, layout.value):
            _put(block, path, prune_linear_layer(block.get_submodule(path), rows))
        result = prune_linear_layer(block.get_submodule(layout.attention_output), rows, dim=1)
        _put(block, layout.attention_output, result)
        attention.num_attention_heads = len(left)
        attention.all_head_size = len(left) * size
    removed = {str(index): sorted(set(lost)) for index, lost in heads.items() if lost}
    setattr(encoder.config, REMOVED_HEADS, removed)


def head_size(encoder: Any) -> int:
    """The width of an attention head.

    Raises :class:`TrainingError` for families whose heads share weights or a shape of their own.
    """
    path = f"{block_names(encoder)[0]}.{layout_of(encoder).attention}"
    attention: Any = encoder.get_submodule(path)
    if not hasattr(attention, "query"):
        raise TrainingError(
            f"heads can be removed from encoders of the BERT, RoBERTa and XLM-R families, not from "
            f"a {type(encoder).__name__}"
        )
    size: int = attention.attention_head_size
    return size


def _put(block: Any, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(block.get_submodule(parent), name, module)
