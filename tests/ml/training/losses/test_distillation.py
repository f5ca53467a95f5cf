"""The share of teachers in a loss: by hand, at its ends, and where nothing is left to learn."""

from __future__ import annotations

import math

import pytest
import torch

from ml.training.losses.distillation import DistillationLoss

HARD = torch.tensor(0.7)


def test_the_divergence_is_the_one_of_the_formula() -> None:
    logits, taught = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.75, 0.25]])
    own = 1 / (1 + math.exp(-1.0))  # softened by 2
    apart = 0.75 * math.log(0.75 / own) + 0.25 * math.log(0.25 / (1 - own))
    found = DistillationLoss(weight=0.3, temperature=2.0)(HARD, logits, taught)
    assert found.item() == pytest.approx(0.7 * 0.7 + 0.3 * 4.0 * apart, abs=1e-6)


def test_a_student_who_says_the_same_has_the_loss_of_its_labels_alone() -> None:
    logits = torch.tensor([[1.0, -1.0, 0.5], [0.0, 3.0, 0.0]])
    taught = torch.softmax(logits / 2.0, dim=-1)
    found = DistillationLoss(weight=0.5, temperature=2.0)(HARD, logits, taught)
    assert found.item() == pytest.approx(0.35, abs=1e-6)


def test_an_answer_that_a_teacher_rules_out_stays_a_number() -> None:
    logits = torch.tensor([[5.0, -5.0]], requires_grad=True)
    found = DistillationLoss(weight=1.0)(HARD, logits, torch.tensor([[0.0, 1.0]]))
    found.backward()
    assert torch.isfinite(found)
    assert logits.grad is not None
    assert logits.grad[0, 0] > 0 > logits.grad[0, 1]
