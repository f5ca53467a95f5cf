"""Where encoders of the BERT, RoBERTa, XLM-R, MPNet and DistilBERT families keep their layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from ml.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of modules: ``blocks`` from the encoder, the others from one block.

    ``attention`` computes the attention of ``query``, ``key`` and ``value``; ``attention_output``
    and ``feed_forward_output`` are the linear maps before the two residual connections.
    """

    blocks: str
    attention: str
    query: str
    key: str
    value: str
    attention_output: str
    feed_forward_output: str


_LAYOUTS = (
    Layout(
        "encoder.layer",
        "attention.self",
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "output.dense",
    ),
    Layout(
        "encoder.layer",
        "attention.attn",
        "attention.attn.q",
        "attention.attn.k",
        "attention.attn.v",
        "attention.attn.o",
        "output.dense",
    ),
    Layout(
        "transformer.layer",
        "attention",
        "attention.q_lin",
        "attention.k_lin",
        "attention.v_lin",
        "attention.out_lin",
        "ffn.lin2",
    ),
)


def layout_of(encoder: nn.Module) -> Layout:
    """The layout of ``encoder``; raises :class:`TrainingError` for a family that is not known."""
    modules = dict(encoder.named_modules())
    for layout in _LAYOUTS:
        if f"{layout.blocks}.0.{layout.key}" in modules:
            return layout
    raise TrainingError(
        f"the layers of a {type(encoder).__name__} are not known; "
        "encoders of the BERT, RoBERTa, XLM-R, MPNet and DistilBERT families are"
    )


def block_names(encoder: nn.Module) -> list[str]:
    """The names of the encoder's transformer blocks, from the input up."""
    blocks = layout_of(encoder).blocks
    found = encoder.get_submodule(blocks)
    return [f"{blocks}.{index}" for index, _ in enumerate(found.children())]


def token_positions(encoder: Any) -> int | None:
    """How many tokens the encoder can read at once; ``None`` when it does not say.

    The RoBERTa and MPNet families number the tokens from behind their padding's position.
    """
    positions = getattr(encoder.config, "max_position_embeddings", None)
    if positions is None:
        return None
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            first = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(positions) - first
    return int(positions)
