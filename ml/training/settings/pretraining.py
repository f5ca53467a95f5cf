"""How much of a text is hidden when an encoder is pre-trained on raw text."""

from __future__ import annotations

from dataclasses import dataclass

OBJECTIVES = ("mlm", "tsdae")
"""Masked language model, denoising auto-encoder."""


@dataclass(frozen=True)
class PretrainingSettings:
    """The share ``mask`` of the tokens is to be guessed by a masked language model, the share
    ``deletion`` of them is lost before a denoising auto-encoder writes the text again
    (:mod:`ml.training.pretrain`)."""

    mask: float = 0.15
    deletion: float = 0.6

    def pretraining_checks(self) -> dict[str, bool]:
        """Whether each setting's value is allowed, by name."""
        return {"mask": 0 < self.mask < 1, "deletion": 0 < self.deletion < 1}
