"""What a classifier remembers of the rows that it learned from, beside what its weights hold.

After Khandelwal et al. 2020, "Generalization through Memorization: Nearest Neighbor Language
Models": the probabilities of the head and those of the nearest rows are mixed,

    p(label) = (1 - share) * softmax(logits)(label) + share * near(label)
    near(label) = sum of w_i over the rows of the label,  w = softmax(cosines / temperature)

The rows are all of them and not the nearest few, so that the sum is a kernel regression (Nadaraya
1964, Watson 1964) and one product of matrices. A row that is unlike others of its label, which the
head has to give up for theirs, answers for texts like it all the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.artifacts import Artifact

MEMORY = "memory"
"""Setting of an artifact: the table that :meth:`RowMemory.declare` gives."""

_LEAST = 1e-12


class RowMemory(nn.Module):
    """Rows by their vectors, mixed into the first ``labels`` columns of a classifier's logits.

    ``vectors`` (rows, hidden) are of length 1, in 16 bits; ``labels_of_rows`` (rows,) are their
    columns, ``weights`` (rows,) how many rows each counts as, and ``bias`` (labels,) is added to
    what comes out.
    """

    vectors: Tensor
    labels_of_rows: Tensor
    weights: Tensor
    bias: Tensor

    def __init__(
        self, *, rows: int, hidden_size: int, labels: int, share: float, temperature: float
    ) -> None:
        super().__init__()
        self.share, self.temperature = share, temperature
        self.register_buffer("vectors", torch.zeros(rows, hidden_size, dtype=torch.float16))
        self.register_buffer("labels_of_rows", torch.zeros(rows, dtype=torch.int64))
        self.register_buffer("weights", torch.ones(rows))
        self.register_buffer("bias", torch.zeros(labels))

    @classmethod
    def of(
        cls,
        vectors: Tensor,
        labels_of_rows: Tensor,
        weights: Tensor,
        *,
        labels: int,
        share: float,
        temperature: float,
    ) -> RowMemory:
        """The memory of rows with such vectors (rows, hidden), of any length, and columns."""
        rows, hidden_size = vectors.shape
        memory = cls(
            rows=rows, hidden_size=hidden_size, labels=labels, share=share, temperature=temperature
        )
        memory.vectors.copy_(functional.normalize(vectors.float(), dim=-1))
        memory.labels_of_rows.copy_(labels_of_rows)
        memory.weights.copy_(weights)
        return memory

    def declare(self) -> dict[str, Any]:
        """What an artifact's settings hold of it."""
        return {"rows": len(self.vectors), "share": self.share, "temperature": self.temperature}

    def forward(self, logits: Tensor, pooled: Tensor) -> Tensor:
        """``logits`` (batch, columns) with the rows' answers mixed in, for ``pooled`` (batch,
        hidden).

        The labels' logits keep their free energy, so that signs of texts of no label, which read
        it, stay what they are; further columns are as they were.
        """
        labels = len(self.bias)
        known = logits[:, :labels]
        cosines = functional.normalize(pooled, dim=-1) @ self.vectors.float().T
        nearness = (cosines / self.temperature).softmax(dim=-1) * self.weights
        columns = self.labels_of_rows.expand(nearness.shape[0], -1)
        near = torch.zeros_like(known).scatter_add(1, columns, nearness)
        near = near / near.sum(dim=-1, keepdim=True).clamp(min=_LEAST)
        mixed = (1.0 - self.share) * known.softmax(dim=-1) + self.share * near
        energy = known.logsumexp(dim=-1, keepdim=True)
        found = energy + mixed.clamp(min=_LEAST).log() + self.bias
        return torch.cat([found, logits[:, labels:]], dim=-1)


def empty_memory(artifact: Artifact, hidden_size: int) -> RowMemory | None:
    """One of the shapes that an artifact declares, to be filled; ``None`` if it has none."""
    declared = artifact.settings.get(MEMORY)
    if declared is None:
        return None
    return RowMemory(
        rows=int(declared["rows"]),
        hidden_size=hidden_size,
        labels=len(artifact.labels),
        share=float(declared["share"]),
        temperature=float(declared["temperature"]),
    )
