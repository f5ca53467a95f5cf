from __future__ import annotations

import math

import pytest
import torch

from ml.training.losses.binary_cross_entropy import BinaryCrossEntropyLoss

LOGITS = torch.tensor([[2.0, -1.0], [0.0, 3.0]])
LABELS = torch.tensor([[1.0, 0.0], [0.0, 1.0]])


def test_it_is_the_mean_of_each_label_s_own_cross_entropy() -> None:
    each = [
        math.log1p(math.exp(-2)),
        math.log1p(math.exp(-1)),
        math.log(2),
        math.log1p(math.exp(-3)),
    ]
    assert BinaryCrossEntropyLoss()(LOGITS, LABELS).item() == pytest.approx(sum(each) / 4)


def test_a_weight_counts_the_rows_that_have_the_label() -> None:
    plain = BinaryCrossEntropyLoss()(LOGITS, LABELS)
    heavy = BinaryCrossEntropyLoss(weights=torch.tensor([5.0, 1.0]))(LOGITS, LABELS)
    assert (heavy - plain).item() == pytest.approx(4 * math.log1p(math.exp(-2)) / 4)


def test_smoothing_makes_certainty_cost() -> None:
    sure = 20 * (2 * LABELS - 1)
    assert BinaryCrossEntropyLoss()(sure, LABELS).item() == pytest.approx(0.0, abs=1e-6)
    assert BinaryCrossEntropyLoss(label_smoothing=0.1)(sure, LABELS).item() == pytest.approx(1.0)


def test_it_adds_nothing_to_the_stored_model() -> None:
    assert BinaryCrossEntropyLoss(weights=torch.ones(2)).state_dict() == {}
