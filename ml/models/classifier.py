"""A text classifier: encoder, pooling, a linear head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ml.models.encoder import pool
from ml.models.memory import RowMemory
from ml.models.mixup import Mix
from ml.models.r_drop import disagreement
from ml.models.tagger import IGNORED


class ClassifierHead(nn.Module):
    """Logits over ``columns`` classes from an encoder's states, and the loss to train them by.

    The states are pooled as ``pooling`` says (:func:`ml.models.encoder.pool`).
    ``loss`` takes logits (batch, columns), labels (batch,) and, where rows do not weigh the same,
    their weights (batch,), as the other terms do; plain cross-entropy of equal rows by default.
    Where a text may have several labels they are floats (batch, columns), 1 for each that it has.
    While training, ``r_drop`` weighs the disagreement of two passes (:mod:`ml.models.r_drop`),
    ``mixup`` is the alpha of mixing the pooled vectors (:mod:`ml.models.mixup`), and ``contrast``
    takes the pooled vectors (batch or, with two passes, twice the batch; hidden) and their labels,
    and makes up ``contrast_share`` of the loss. ``distillation`` makes one loss of that of a pass,
    its logits, and the probabilities that teachers gave; it alone learns of texts whose label is
    ``IGNORED``.
    Once trained, a classifier may have a ``memory`` of its rows, which counts in what it answers
    and not in what it learns.
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        columns: int,
        pooling: str = "mean",
        dropout: float = 0.1,
        loss: nn.Module | None = None,
        contrast: nn.Module | None = None,
        contrast_share: float = 0.0,
        r_drop: float = 0.0,
        mixup: float = 0.0,
        distillation: nn.Module | None = None,
        memory: RowMemory | None = None,
    ) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden_size, columns))
        self.pooling = pooling
        self.loss = loss or nn.CrossEntropyLoss()
        self.contrast = contrast
        self.contrast_share = contrast_share
        self.r_drop = r_drop
        self.mixup = mixup
        self.distillation = distillation
        self.memory = memory

    def of_states(
        self,
        states: Tensor,
        attention_mask: Tensor,
        shape_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """``states``: (batch, tokens, hidden); the rest as of :meth:`TextClassifier.forward`.

        The words' shapes are not read; heads that share a trunk are called alike.
        """
        pooled = pool(states.float(), attention_mask, self.pooling)
        logits = self.head(pooled).float()
        if self.memory is not None:
            logits = self.memory(logits, pooled)
        output = {"logits": logits, "pooled": pooled}
        if labels is not None:
            output["loss"] = self.loss(output["logits"], labels)
        return output

    def learn(
        self,
        states: Callable[[], Tensor],
        attention_mask: Tensor,
        labels: Tensor,
        taught: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """``logits`` and ``pooled`` of the first pass, ``loss`` of all, to train by.

        ``states`` makes a pass: the encoder's (batch, tokens, hidden), with dropout of its own.
        """
        mix = Mix.draw(self.mixup, labels) if self.mixup else None
        pooled, logits, losses = [], [], []
        for _ in range(2 if self.r_drop else 1):
            pooled.append(pool(states().float(), attention_mask, self.pooling))
            logits.append(self.head(mix.of(pooled[-1]) if mix else pooled[-1]).float())
            loss = (
                mix.loss(self.loss, logits[-1], labels, sample_weight)
                if mix
                else self._of_known(logits[-1], labels, sample_weight)
            )
            if self.distillation is not None and taught is not None:
                loss = self.distillation(loss, logits[-1], taught, sample_weight)
            losses.append(loss)
        loss = torch.stack(losses).mean()
        if self.r_drop:
            loss = loss + self.r_drop * disagreement(logits[0], logits[1], sample_weight)
        if self.contrast is not None:
            known = (labels != IGNORED).repeat(len(pooled))
            weights = None if sample_weight is None else sample_weight.repeat(len(pooled))[known]
            contrast = self.contrast(
                torch.cat(pooled)[known], labels.repeat(len(pooled))[known], weights
            )
            loss = (1.0 - self.contrast_share) * loss + self.contrast_share * contrast
        return {"logits": logits[0], "pooled": pooled[0], "loss": loss}

    def _of_known(self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None) -> Tensor:
        """The mean over all rows of the loss of those that have a label; a scalar."""
        if labels.is_floating_point():
            found: Tensor = self.loss(logits, labels)
            return found
        known = labels != IGNORED
        if not known.any():
            return logits.sum() * 0.0
        of_rows = (
            [labels[known]] if sample_weight is None else [labels[known], sample_weight[known]]
        )
        return self.loss(logits[known], *of_rows) * known.float().mean()


class TextClassifier(ClassifierHead):
    """An encoder with a :class:`ClassifierHead`, whose ``settings`` it takes."""

    def __init__(self, encoder: nn.Module, **settings: Any) -> None:
        super().__init__(**settings)
        self.encoder = encoder

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor | None = None,
        taught: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask``: (batch, tokens); ``labels``: (batch,); ``taught``,
        the teachers' probabilities: (batch, columns); ``sample_weight``, how many rows each counts
        as while training: (batch,).

        Returns ``logits`` (batch, columns), ``pooled`` (batch, hidden) and, with labels, ``loss``.
        """

        def states() -> Tensor:
            answer = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
            found: Tensor = answer.last_hidden_state
            return found

        if self.training and labels is not None:
            return self.learn(states, attention_mask, labels, taught, sample_weight)
        return self.of_states(states(), attention_mask, labels=labels)
