"""What a joint run asks of each of its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from ml.artifacts import Artifact
from ml.data.row_kinds import Row
from ml.training.calibrate import add_bias, head_rows, with_head
from ml.training.datasets import EncodedRow
from ml.training.joint_recipe import JointTask
from ml.types import FloatArray


@dataclass(frozen=True, slots=True)
class Measured:
    """A task's declaration, calibrated on its held-out rows, the measures on them, and its
    ``answers`` to the ``rows``; a sentence vector answers nothing.

    ``bias`` (columns,) is what they say a classifier's head needs.
    """

    artifact: Artifact
    metrics: dict[str, Any]
    rows: Sequence[Row] = ()
    answers: Sequence[Any] = ()
    bias: FloatArray | None = None

    def settled(self, head: nn.Module) -> Artifact:
        """The declaration as it holds for a trained ``head``, which gets the bias."""
        if self.bias is None:
            return self.artifact
        add_bias(head, self.bias)
        return with_head(self.artifact, head_rows(head, len(self.artifact.labels)))


class Head(Protocol):
    """One task of a joint run."""

    @property
    def recipe(self) -> JointTask: ...

    @property
    def rows(self) -> list[EncodedRow]:
        """What is trained on."""
        ...

    @property
    def all_rows(self) -> list[EncodedRow]:
        """What a run on all rows is trained on: the held-out ones too."""
        ...

    @property
    def texts(self) -> tuple[int, int]:
        """The numbers of texts to train on and, of the held-out ones, of those for all rows."""
        ...

    def make(self) -> nn.Module:
        """A new head, drawn from torch's generator."""
        ...

    def start(self, head: nn.Module, model: nn.Module, rows: Sequence[EncodedRow]) -> None:
        """Set a new ``head``, by which ``model`` answers, to where its training on ``rows``
        begins."""
        ...

    def measured(self, artifact: Artifact, head: nn.Module, model: nn.Module) -> Measured:
        """How ``model``, which answers for the task by ``head``, does on the held-out rows."""
        ...
