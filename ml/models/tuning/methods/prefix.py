"""Learned keys and values in every layer (Li & Liang 2021; without reparametrisation, as P-tuning
v2, Liu et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from ml.allowed import POSITIVE
from ml.errors import TrainingError
from ml.models.tuning.layers import block_names, layout_of, token_positions
from ml.models.tuning.method import Method

_ATTENTION = "sdpa_with_prefix"


class Prefix(nn.Module):
    """The keys and values of one layer, each (length, heads * head size)."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.keys = nn.Parameter(keys)
        self.values = nn.Parameter(values)


def attention_with_prefix(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention in which every token also sees the layer's prefix.

    ``query``, ``key``, ``value``: (batch, heads, tokens, head size); ``attention_mask``, true
    where a token is seen: (batch, 1, tokens, tokens). Tokens keep their positions.
    """
    prefix: Any = module.prefix
    length = prefix.keys.shape[0]
    if attention_mask is not None:
        seen = torch.ones_like(attention_mask[..., :1]).expand(-1, -1, -1, length)
        attention_mask = torch.cat([seen, attention_mask], dim=-1)
    answer: tuple[Tensor, None] = sdpa_attention_forward(
        module,
        query,
        torch.cat([_of_batch(prefix.keys, key), key], dim=2),
        torch.cat([_of_batch(prefix.values, value), value], dim=2),
        attention_mask,
        **settings,
    )
    return answer


def _of_batch(prefix: Tensor, like: Tensor) -> Tensor:
    """(length, heads * size) as (batch, heads, length, size), in the type of ``like``."""
    heads = prefix.view(prefix.shape[0], like.shape[1], like.shape[3]).transpose(0, 1)
    return heads.to(like.dtype).unsqueeze(0).expand(like.shape[0], -1, -1, -1)


AttentionInterface.register(_ATTENTION, attention_with_prefix)
AttentionMaskInterface.register(_ATTENTION, sdpa_mask)


@dataclass(frozen=True)
class PrefixTuning(Method):
    """``length`` keys and values in every layer; they start as those of random words."""

    name: ClassVar[str] = "prefix"

    length: int = 20

    def __post_init__(self) -> None:
        self.require(length=POSITIVE)

    def apply(self, encoder: Any) -> nn.Module:
        layout = layout_of(encoder)
        attentions = [
            encoder.get_submodule(f"{block}.{layout.attention}") for block in block_names(encoder)
        ]
        if any(not hasattr(attention, "scaling") for attention in attentions):
            raise TrainingError(
                f"prefix tuning does not reach the attention of a {type(encoder).__name__}"
            )
        encoder.requires_grad_(False)
        keys = [encoder.get_submodule(f"{block}.{layout.key}") for block in block_names(encoder)]
        values = [
            encoder.get_submodule(f"{block}.{layout.value}") for block in block_names(encoder)
        ]
        start = _activations(encoder, [*keys, *values], self.length)
        for index, attention in enumerate(attentions):
            attention.prefix = Prefix(start[index], start[len(keys) + index])
        encoder.set_attn_implementation(_ATTENTION)
        tuned: nn.Module = encoder
        return tuned


@torch.no_grad()
def _activations(encoder: Any, modules: list[nn.Module], length: int) -> list[Tensor]:
    """What ``modules`` give for ``length`` random words, each (length, hidden)."""
    found: dict[nn.Module, list[Tensor]] = {module: [] for module in modules}

    def keep(module: nn.Module, _: Any, output: Tensor) -> None:
        found[module].append(output[0].clone())

    hooks = [module.register_forward_hook(keep) for module in modules]
    training = encoder.training
    vocabulary = len(encoder.get_input_embeddings().weight)
    encoder.eval()
    most = token_positions(encoder) or length
    for begin in range(0, length, most):
        encoder(input_ids=torch.randint(vocabulary, (1, min(most, length - begin))))
    encoder.train(training)
    for hook in hooks:
        hook.remove()
    return [torch.cat(found[module]) for module in modules]


METHOD = PrefixTuning
