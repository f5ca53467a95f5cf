"""The base encoder as a torch module, and how a task tunes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel

from ml.encoders import EncoderSource
from ml.errors import ArtifactError

LORA_TARGETS = "all-linear"


def load_encoder(source: EncoderSource) -> nn.Module:
    """The pre-trained encoder in float32, without its pooling head."""
    model: nn.Module = AutoModel.from_pretrained(
        source.path, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
    )
    if getattr(model, "pooler", None) is not None:
        # Unused by mean pooling; it would only be carried along.
        setattr(model, "pooler", None)  # noqa: B010 - a module's attribute is typed Module
    return model


def tune(encoder: nn.Module, method: dict[str, Any]) -> nn.Module:
    """Make trainable what ``method`` tunes: ``{"name": "lora" | "full" | "head", ...}``.

    LoRA (Hu et al. 2021) takes ``rank``, ``alpha`` and ``dropout``.
    """
    name = method["name"]
    if name == "lora":
        config = LoraConfig(
            r=int(method["rank"]),
            lora_alpha=int(method["alpha"]),
            lora_dropout=float(method.get("dropout", 0.0)),
            target_modules=LORA_TARGETS,
            bias="none",
        )
        return get_peft_model(encoder, config)
    if name not in ("full", "head"):
        raise ValueError(f"unknown method {name!r}; use lora, full or head")
    encoder.requires_grad_(name == "full")
    return encoder


def delta_state(encoder: nn.Module, method: dict[str, Any]) -> dict[str, Tensor]:
    """The tuned weights alone, by name; empty for method "head"."""
    if method["name"] == "head":
        return {}
    return {
        name: tensor.detach().clone().contiguous()
        for name, tensor in encoder.state_dict().items()
        if method["name"] == "full" or "lora_" in name
    }


def load_delta(encoder: nn.Module, method: dict[str, Any], path: Path) -> None:
    """Put the tuned weights of ``path`` into an encoder that :func:`tune` has prepared."""
    if method["name"] == "head":
        return
    load_tuned(encoder, path, needed=lambda name: method["name"] == "full" or "lora_" in name)


def load_tuned(module: nn.Module, path: Path, *, needed: Callable[[str], bool]) -> None:
    """Put the weights of ``path`` into ``module``, which may have more than those ``needed``.

    Raises :class:`ArtifactError` naming the first weight that is missing, unknown or misshapen.
    """
    weights = load_file(path)
    own = {name: tensor.shape for name, tensor in module.state_dict().items()}
    wrong = [name for name in own if needed(name) and name not in weights]
    wrong += [name for name, tensor in weights.items() if own.get(name) != tensor.shape]
    if wrong:
        raise ArtifactError(path, f"does not fit the model: {wrong[0]}")
    module.load_state_dict(weights, strict=False)


def merged(encoder: nn.Module, method: dict[str, Any]) -> nn.Module:
    """The encoder with its LoRA deltas added to its weights, as a plain module."""
    if method["name"] == "lora":
        whole: nn.Module = encoder.merge_and_unload()  # type: ignore[operator]
        return whole
    return encoder


def trainable_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def mean_pool(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Mean over the real tokens: (batch, tokens, hidden) and (batch, tokens) to (batch, hidden)."""
    mask = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
