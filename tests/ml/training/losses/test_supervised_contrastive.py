"""The supervised contrastive term: its formula, lonely rows, length of the vectors."""

from __future__ import annotations

import math

import pytest
import torch

from ml.training.losses.supervised_contrastive import SupervisedContrastiveLoss


def test_it_is_the_papers_formula() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    labels = torch.tensor([0, 0, 1])
    t = 0.5
    similar = {(0, 1): 0.6, (0, 2): 0.0, (1, 2): 0.8}
    first = -math.log(math.exp(0.6 / t) / (math.exp(0.6 / t) + math.exp(similar[0, 2] / t)))
    second = -math.log(math.exp(0.6 / t) / (math.exp(0.6 / t) + math.exp(similar[1, 2] / t)))
    found = SupervisedContrastiveLoss(t)(vectors, labels)
    assert found.item() == pytest.approx((first + second) / 2, rel=1e-5)


def test_the_length_of_vectors_is_no_matter() -> None:
    vectors, labels = torch.randn(6, 4), torch.tensor([0, 1, 0, 1, 2, 2])
    loss = SupervisedContrastiveLoss()
    scaled = vectors * torch.rand(6, 1).add(0.5)
    assert loss(scaled, labels).item() == pytest.approx(loss(vectors, labels).item(), rel=1e-4)


def test_classes_apart_cost_less_than_classes_mixed() -> None:
    apart = torch.eye(2).repeat_interleave(3, dim=0)
    loss = SupervisedContrastiveLoss()
    together, mixed = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 1, 0, 1, 0, 1])
    assert loss(apart, together) < loss(apart, mixed)


def test_a_batch_of_lonely_rows_costs_nothing_and_can_be_derived() -> None:
    vectors = torch.randn(3, 4, requires_grad=True)
    loss = SupervisedContrastiveLoss()(vectors, torch.tensor([0, 1, 2]))
    loss.backward()
    assert loss.item() == 0.0
    assert vectors.grad is not None
    assert not vectors.grad.any()


def test_gradients_are_finite_beside_lonely_rows() -> None:
    vectors = torch.randn(3, 4, requires_grad=True)
    SupervisedContrastiveLoss()(vectors, torch.tensor([0, 0, 1])).backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()
    assert vectors.grad.any()
