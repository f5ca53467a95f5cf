"""Multiple negatives ranking against the formula, and what it leaves out."""

from __future__ import annotations

import math

import pytest
import torch

from ml.training.losses.multiple_negatives import MultipleNegativesRankingLoss

TEXTS = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
CANDIDATES = torch.tensor([[0.8, 0.6], [0.6, 0.8], [1.0, 0.0]])


def test_it_is_the_cross_entropy_of_the_scaled_cosines() -> None:
    negative = torch.tensor([[False, True, True], [True, False, True]])
    first = -math.log(math.exp(1.6) / (math.exp(1.6) + math.exp(1.2) + math.exp(2.0)))
    second = -math.log(math.exp(1.6) / (math.exp(1.2) + math.exp(1.6) + math.exp(0.0)))
    loss = MultipleNegativesRankingLoss(scale=2.0)(TEXTS, CANDIDATES, negative)
    assert loss.item() == pytest.approx((first + second) / 2, abs=1e-6)


def test_what_belongs_to_a_text_is_no_negative_of_it() -> None:
    negative = torch.tensor([[False, True, False], [False, False, True]])
    moved = CANDIDATES.clone().requires_grad_()
    MultipleNegativesRankingLoss()(TEXTS, moved, negative)[None].sum().backward()
    assert moved.grad is not None
    alone = CANDIDATES.clone().requires_grad_()
    MultipleNegativesRankingLoss()(TEXTS[:1], alone, negative[:1]).backward()
    assert alone.grad is not None
    assert alone.grad[2].abs().sum() == 0  # masked for the first text
    assert alone.grad[1].abs().sum() > 0


def test_a_text_without_negatives_costs_nothing() -> None:
    loss = MultipleNegativesRankingLoss()(TEXTS, CANDIDATES, torch.zeros(2, 3, dtype=torch.bool))
    assert loss.item() == pytest.approx(0.0)
