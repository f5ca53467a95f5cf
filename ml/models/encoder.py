"""The base encoder as a torch module, and how a task tunes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as transformers_logging

from ml.encoders import EncoderSource
from ml.errors import ArtifactError, TrainingError
from ml.models.attention import with_cheap_attention
from ml.models.dropout import with_cheap_dropout
from ml.models.shrinking import REMOVED_HEADS, remove_heads
from ml.models.tuning.layers import token_positions
from ml.models.tuning.registry import make_method
from ml.wording import Wording


def load_encoder(source: EncoderSource) -> nn.Module:
    """The pre-trained encoder in float32, without its pooling head.

    An encoder that has lost attention heads (:func:`ml.models.shrinking.remove_heads`) gets the
    shapes that it was stored in. Raises :class:`ArtifactError` for one whose file lacks weights.
    """
    transformers_logging.disable_progress_bar()  # of a second's loading, among the bars of commands
    config: Any = AutoConfig.from_pretrained(source.path, trust_remote_code=False)
    if lost := getattr(config, REMOVED_HEADS, {}):
        return _without_heads(source, config, lost)
    model = _loaded(source)
    if getattr(model, "pooler", None) is not None:
        # Unused by mean pooling; it would only be carried along.
        setattr(model, "pooler", None)  # noqa: B010 - a module's attribute is typed Module
    return model


def _loaded(source: EncoderSource) -> nn.Module:
    """The encoder as it is stored; raises :class:`ArtifactError` where weights are missing.

    Those of a pooling head, which encoders that are written here have not, are not missed; a report
    of the library would ask a person to train them.
    """
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        model, told = AutoModel.from_pretrained(
            source.path,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    finally:
        transformers_logging.set_verbosity(verbosity)
    missing = sorted(name for name in told["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise ArtifactError(
            source.path, Wording("does not fit the model: %(problem)s", problem=missing[0])
        )
    found: nn.Module = model
    return found


def _without_heads(source: EncoderSource, config: Any, lost: dict[str, list[int]]) -> nn.Module:
    model: Any = AutoModel.from_config(config, trust_remote_code=False).float()
    remove_heads(model, {int(layer): heads for layer, heads in lost.items()})
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    load_tuned(model, source.path / "model.safetensors", needed=lambda _: True)
    return model.eval()


def tune(encoder: nn.Module, method: dict[str, Any]) -> nn.Module:
    """Make trainable what ``method`` tunes: ``{"name": ..., <setting>: <value>, ...}``.

    Raises ``ValueError`` for an unknown method or setting, :class:`ml.errors.TrainingError` when
    the method does not fit the encoder.
    """
    chosen = make_method(method)
    positions = token_positions(encoder)
    if positions is not None and chosen.virtual_tokens >= positions:
        raise TrainingError(
            Wording(
                "%(name)s takes %(taken)s positions; the encoder has %(positions)s",
                name=chosen.name,
                taken=chosen.virtual_tokens,
                positions=positions,
            )
        )
    return with_cheap_attention(with_cheap_dropout(chosen.apply(encoder)))


def delta_state(encoder: nn.Module, method: dict[str, Any]) -> dict[str, Tensor]:
    """The tuned weights alone, by name; empty for method "head"."""
    return {
        name: tensor.detach().clone().contiguous()
        for name, tensor in make_method(method).delta(encoder).items()
    }


def load_delta(encoder: nn.Module, method: dict[str, Any], path: Path) -> None:
    """Put the tuned weights of ``path`` into an encoder that :func:`tune` has prepared."""
    needed = set(make_method(method).delta(encoder))
    if needed:
        load_tuned(encoder, path, needed=needed.__contains__)


def load_tuned(module: nn.Module, path: Path, *, needed: Callable[[str], bool]) -> None:
    """Put the weights of ``path`` into ``module``, which may have more than those ``needed``.

    Raises :class:`ArtifactError` naming the first weight that is missing, unknown or misshapen.
    """
    weights = load_file(path)
    own = {name: tensor.shape for name, tensor in module.state_dict().items()}
    wrong = [name for name in own if needed(name) and name not in weights]
    wrong += [name for name, tensor in weights.items() if own.get(name) != tensor.shape]
    if wrong:
        raise ArtifactError(path, Wording("does not fit the model: %(problem)s", problem=wrong[0]))
    module.load_state_dict(weights, strict=False)


def merged(encoder: nn.Module, method: dict[str, Any]) -> nn.Module:
    """A plain module that computes the same; the encoder itself where there is none."""
    return make_method(method).merged(encoder)


def trainable_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def mean_pool(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Mean over the real tokens: (batch, tokens, hidden) and (batch, tokens) to (batch, hidden)."""
    mask = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)


def pool(states: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """What a classifier's head reads of the states: (batch, hidden), as of :func:`mean_pool`.

    "mean" has its own length, which differs from text to text, so that the head's biases weigh
    more for short ones. "normalised_mean" has the same length for all, the root of ``hidden``
    (Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", without a gain): only its
    direction counts, as in a search by cosines.
    """
    pooled = mean_pool(states, attention_mask)
    if pooling == "mean":
        return pooled
    return functional.normalize(pooled, dim=-1) * pooled.shape[-1] ** 0.5
