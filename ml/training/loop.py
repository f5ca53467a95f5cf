"""transformers' Trainer with a tuning method's rates, adversarial steps and a mean of weights."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import Trainer

from ml.errors import TrainingError
from ml.models.tuning.method import Method
from ml.outputs import write_problem
from ml.training.adversarial import make_adversary
from ml.training.averaging import average_of
from ml.training.order import ClassOrder, EpochOrder, RowOrder
from ml.training.settings.regularisation import RegularisationSettings
from ml.wording import Wording


class Loop(Trainer):
    """A training loop; what is regularised, and how, is in ``regularisation``.

    Learning rates and a penalty on the weights are those of the tuning ``method``. The mean of
    the weights is part of each checkpoint; :meth:`finish` puts it in place. With ``class_rows``
    so many texts of a class follow each other in a batch; ``order`` takes their place.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        method: Method,
        regularisation: RegularisationSettings,
        class_rows: int = 0,
        order: RowOrder | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(model=model, **settings)
        self._method = method
        self.encoder: nn.Module = model.encoder  # type: ignore[assignment]
        self._adversary = make_adversary(model, regularisation)
        self._class_rows = class_rows
        self._order = order
        self._average = average_of(model, ema=regularisation.ema, swa=regularisation.swa)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The optimiser, with the rates of the method's parameters."""
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        rates = {
            parameter: self._method.rate(self.encoder, name)
            for name, parameter in self.encoder.named_parameters()
        }
        if set(rates.values()) - {1.0}:
            optimizer.param_groups[:] = split_by_rate(optimizer.param_groups, rates)
        return optimizer

    def compute_loss(self, *positional: Any, **named: Any) -> Any:
        """The loss of a batch and, while training, the method's penalty: held-out rows are not
        judged by it."""
        answer = super().compute_loss(*positional, **named)
        penalty = self._method.penalty(self.encoder) if self.encoder.training else None
        if penalty is None:
            return answer
        return (answer[0] + penalty, answer[1]) if isinstance(answer, tuple) else answer + penalty

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *more: Any) -> Any:
        """The loss of a batch, after the backward pass; with an adversary, that of both passes."""
        if self._adversary is None:
            return super().training_step(model, inputs, *more)
        with self._adversary.watching():
            loss: Any = super().training_step(model, inputs, *more)

            def again() -> Any:
                # Past the wrapper of several processes, which counts backward passes.
                bare = self.accelerator.unwrap_model(model)
                with self.compute_loss_context_manager():
                    found: Any = self.compute_loss(bare, self._prepare_inputs(inputs))
                return found

            self._adversary.aim(again)
            worse: Any = super().training_step(model, inputs, *more)
        return (loss + worse) / 2

    def _get_train_sampler(self, train_dataset: Any = None) -> RowOrder:
        if self._order is not None:
            return self._order
        dataset: Any = self.train_dataset if train_dataset is None else train_dataset
        items = [dataset[row] for row in range(len(dataset))]
        if self._class_rows and all(isinstance(item.get("labels"), int) for item in items):
            labels = [item["labels"] for item in items]
            self._order = ClassOrder(labels, self._class_rows, self.args.seed)
            return self._order
        lengths = [len(item["input_ids"]) for item in items]
        together = self.args.train_batch_size * self.args.gradient_accumulation_steps
        self._order = EpochOrder(lengths, together, self.args.seed)
        return self._order

    def begin_epoch(self, step: int, batches: int) -> None:
        """Order the rows of the epoch that ``step`` is in; an epoch has so many ``batches``."""
        if self._order is not None:
            self._order.epoch = step // math.ceil(batches / self.args.gradient_accumulation_steps)

    def took_step(self, step: int, steps: int) -> None:
        """Take the weights into their mean, after ``step`` of ``steps``."""
        if self._average is not None:
            self._average.update(step, steps)

    def finish(self) -> None:
        """Put the mean of the weights, if there is one, in their place; what the method has set to
        0 for good stays so."""
        if self._average is None:
            return
        pruned = self._method.pruned(self.encoder)
        self._average.swap_in()
        with torch.no_grad():
            for name, weight in self.encoder.named_parameters():
                if name in pruned:
                    weight.masked_fill_(pruned[name], 0.0)

    def _run_epoch(self, *positional: Any, **named: Any) -> None:
        """As transformers' own, but not in a run that had ended at the checkpoint it goes on from:
        it stopped early, or its last epoch is not a whole one."""
        if self._had_ended():
            self.control.should_training_stop = True
        else:
            super()._run_epoch(*positional, **named)

    def _had_ended(self) -> bool:
        known: Any = self.state.stateful_callbacks
        ended: bool = known["TrainerControl"]["args"]["should_training_stop"]
        return ended

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """As transformers' own; a disk that does not take it ends the run, and nothing is left."""
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, SafetensorError, RuntimeError) as error:
            problem = "file write failed" if "PytorchStreamWriter" in str(error) else ""
            if not isinstance(error, RuntimeError):
                problem = write_problem(error)
            if not problem:
                raise
            folder = Path(self.args.output_dir or ".") / f"checkpoint-{self.state.global_step}"
            shutil.rmtree(folder, ignore_errors=True)
            raise TrainingError(
                Wording(
                    "the checkpoint %(folder)s cannot be written (%(problem)s)",
                    folder=folder,
                    problem=problem,
                )
            ) from error

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        super().save_model(output_dir, _internal_call)
        if self._average is not None and output_dir is not None and self.args.should_save:
            self._average.save(Path(output_dir))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self._average is not None:
            self._average.load(Path(resume_from_checkpoint))


def split_by_rate(
    groups: Sequence[dict[str, Any]], rates: dict[nn.Parameter, float]
) -> list[dict[str, Any]]:
    """The optimiser's groups with those parameters apart whose rate is multiplied by another.

    ``rates`` holds the factor of a group's ``lr`` for each parameter; 1 for those not in it.
    """
    found = []
    for group in groups:
        of_factor: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            of_factor.setdefault(rates.get(parameter, 1.0), []).append(parameter)
        found += [
            {**group, "params": parameters, "lr": group["lr"] * factor}
            for factor, parameters in of_factor.items()
        ]
    return found


def accuracy_of(prediction: Any) -> dict[str, float]:
    """The share of right labels; labels below 0 do not count. For transformers' evaluation."""
    gold = torch.as_tensor(prediction.label_ids)
    known = gold >= 0
    right = torch.as_tensor(prediction.predictions)[known] == gold[known]
    return {"accuracy": right.float().mean().item()}


def best_columns(logits: Any, labels: Tensor) -> Tensor:
    """What evaluation keeps of a batch's outputs: the best column of each row or token, or, where
    rows may have several labels, 1 in each column that is likelier than not."""
    first: Tensor = logits[0] if isinstance(logits, tuple | list) else logits
    if labels.is_floating_point():
        return (first > 0).to(labels.dtype)
    return first.argmax(dim=-1)
