"""How much of a text is hidden when an encoder is pre-trained on raw text."""

from __future__ import annotations

from dataclasses import dataclass

from ml.allowed import WITHIN_ONE, Allowed

OBJECTIVES = ("mlm", "tsdae")
"""Masked language model, denoising auto-encoder."""


ALLOWED: dict[str, Allowed] = {"mask": WITHIN_ONE, "deletion": WITHIN_ONE}


@dataclass(frozen=True)
class PretrainingSettings:
    """The share ``mask`` of the tokens is to be guessed by a masked language model, the share
    ``deletion`` of them is lost before a denoising auto-encoder writes the text again
    (:mod:`ml.training.pretrain`)."""

    mask: float = 0.15
    deletion: float = 0.6
