"""One trunk that feeds the heads of several tasks in a single pass.

Source: Caruana 1997, "Multitask Learning" (hard parameter sharing); Liu et al. 2019, "Multi-Task
Deep Neural Networks for Natural Language Understanding" (a shared transformer, a batch of one task
at a time).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ml.models.classifier import ClassifierHead
from ml.models.tagger import shape_embeddings

SHAPES_AT = ("input", "head")
"""Where the words' shapes are read: by all layers and so by all tasks, or by tag heads alone."""


class JointModel(nn.Module):
    """An encoder and a head for each task (``ClassifierHead``, ``TagHead``, ``VectorHead``).

    ``weights`` are those of the tasks' losses, 1 unless given. With ``shapes`` "input" a learned
    embedding of each word's shape is added to the token embeddings.
    """

    def __init__(
        self,
        encoder: nn.Module,
        heads: Mapping[str, nn.Module],
        *,
        hidden_size: int,
        shapes: str = "input",
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)
        self.input_shapes = shape_embeddings(hidden_size) if shapes == "input" else None
        self.weights = dict(weights or {})

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        shape_ids: Tensor,
        labels: Tensor | None = None,
        taught: Tensor | None = None,
        task: str | None = None,
        sample_weight: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The inputs: (batch, tokens); ``labels`` as the task's head has them; ``taught``, the
        vectors (batch, hidden) that a vector head is to keep, stand for its labels;
        ``sample_weight`` (batch,) is of texts with one label.

        Returns what the head of ``task`` gives, its loss weighted; without a task what all heads
        give, as ``<task>.<output>``.
        """

        def states() -> Tensor:
            return self._states(input_ids, attention_mask, shape_ids)

        if task is None:
            read = states()
            return {
                f"{name}.{output}": value
                for name, head in self.heads.items()
                for output, value in _read(head, read, attention_mask, shape_ids, None).items()
            }
        head = self.heads[task]
        if self.training and labels is not None and isinstance(head, ClassifierHead):
            output = head.learn(states, attention_mask, labels, sample_weight=sample_weight)
        else:
            wanted = labels if taught is None else taught
            output = _read(head, states(), attention_mask, shape_ids, wanted)
        if "loss" in output:
            output["loss"] = output["loss"] * self.weights.get(task, 1.0)
        return output

    def _states(self, input_ids: Tensor, attention_mask: Tensor, shape_ids: Tensor) -> Tensor:
        encoder: Any = self.encoder
        if self.input_shapes is None:
            answer = encoder(input_ids=input_ids, attention_mask=attention_mask)
        else:
            words = encoder.get_input_embeddings()(input_ids) + self.input_shapes(shape_ids)
            answer = encoder(inputs_embeds=words, attention_mask=attention_mask)
        states: Tensor = answer.last_hidden_state
        return states


class OneTask(nn.Module):
    """A joint model as the model of one of its tasks."""

    def __init__(self, model: JointModel, task: str) -> None:
        super().__init__()
        self.model = model
        self.task = task

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        """As :meth:`JointModel.forward` for the task."""
        found: dict[str, Tensor] = self.model(**inputs, task=self.task)
        return found


def _read(
    head: Any, states: Tensor, attention_mask: Tensor, shape_ids: Tensor, labels: Tensor | None
) -> dict[str, Tensor]:
    found: dict[str, Tensor] = head.of_states(states, attention_mask, shape_ids, labels)
    return found
