"""Encoders that peft tunes."""

from __future__ import annotations

import warnings

from peft import PeftConfig, get_peft_model
from torch import nn


def tuned_by_peft(encoder: nn.Module, config: PeftConfig) -> nn.Module:
    """The encoder with what ``config`` adds to it.

    peft asks transformers for a property under its former name; the warning about that is no
    business of whoever trains.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        tuned: nn.Module = get_peft_model(encoder, config)
    return tuned
