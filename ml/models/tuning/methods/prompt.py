"""Learned vectors before the words (Lester et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ml.allowed import POSITIVE
from ml.models.tuning.method import Method


class PromptedEncoder(nn.Module):
    """Reads ``length`` learned vectors before each text and gives the states of the text alone.

    So pooling, labels and heads see as many positions as there are tokens.
    """

    def __init__(self, base: Any, length: int) -> None:
        super().__init__()
        self.base = base
        self.config = base.config
        words = base.get_input_embeddings().weight
        # Vectors of words start closer to what the encoder knows than random ones.
        chosen = torch.randint(len(words), (length,))
        self.prompt = nn.Parameter(words.detach()[chosen].clone())

    def get_input_embeddings(self) -> nn.Module:
        """The words' embeddings, as an encoder of transformers gives them."""
        found: nn.Module = self.base.get_input_embeddings()
        return found

    def activation_checkpointing_enable(self, settings: dict[str, Any]) -> None:
        """Let the encoder compute its layers again going backward, as one of transformers does."""
        self.base.activation_checkpointing_enable(settings)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> Any:
        """``input_ids`` (batch, tokens) or ``inputs_embeds`` (batch, tokens, hidden).

        Returns the base encoder's output with ``last_hidden_state`` (batch, tokens, hidden).
        """
        words = self.get_input_embeddings()(input_ids) if inputs_embeds is None else inputs_embeds
        if attention_mask is None:
            attention_mask = words.new_ones(words.shape[:2], dtype=torch.long)
        prompt = self.prompt.to(words.dtype).unsqueeze(0).expand(words.shape[0], -1, -1)
        seen = torch.ones_like(prompt[:, :, 0], dtype=attention_mask.dtype)
        output = self.base(
            inputs_embeds=torch.cat([prompt, words], dim=1),
            attention_mask=torch.cat([seen, attention_mask], dim=1),
        )
        output.last_hidden_state = output.last_hidden_state[:, self.prompt.shape[0] :]
        return output


@dataclass(frozen=True)
class Prompt(Method):
    """``length`` learned vectors, which take as many of the encoder's positions."""

    name: ClassVar[str] = "prompt"

    length: int = 20

    def __post_init__(self) -> None:
        self.require(length=POSITIVE)

    @property
    def virtual_tokens(self) -> int:
        return self.length

    def apply(self, encoder: nn.Module) -> nn.Module:
        return PromptedEncoder(encoder.requires_grad_(False), self.length)


METHOD = Prompt
