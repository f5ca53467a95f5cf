"""Goes back part of the way from the tuned weights to the pre-trained ones."""

from __future__ import annotations

import torch
from torch import nn

from ml.encoders import EncoderSource
from ml.models.encoder import load_encoder
from ml.training.config import FinetuneConfig


@torch.no_grad()
def weaken(encoder: nn.Module, source: EncoderSource, config: FinetuneConfig) -> None:
    """Keep the share ``config.strength`` of what tuning changed, in place.

    The weights become ``w0 + strength * (w - w0)`` (Wortsman et al. 2022, equation 1). A LoRA
    delta is the product of two matrices, of which one is scaled.
    """
    if config.method == "lora":
        for name, weight in encoder.named_parameters():
            if "lora_B" in name:
                weight.mul_(config.strength)
        return
    original = dict(load_encoder(source).named_parameters())
    for name, weight in encoder.named_parameters():
        weight.copy_(torch.lerp(original[name], weight, config.strength))
