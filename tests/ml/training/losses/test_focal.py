"""Focal loss: its formula, its limits, its derivative."""

from __future__ import annotations

import pytest
import torch

from ml.models.tagger import IGNORED
from ml.training.losses.cross_entropy import CrossEntropyLoss
from ml.training.losses.focal import FocalLoss

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [1.0, 1.0, 1.0]])
LABELS = torch.tensor([0, 2, IGNORED])


def test_it_is_the_papers_formula() -> None:
    p = LOGITS.softmax(-1)
    first, second = p[0, 0], p[1, 2]
    weights = torch.tensor([0.5, 1.0, 2.0])
    terms = 0.5 * (1 - first) ** 2 * -first.log() + 2.0 * (1 - second) ** 2 * -second.log()
    assert FocalLoss(2.0, weights=weights)(LOGITS, LABELS).item() == pytest.approx(
        (terms / 2.5).item(), rel=1e-5
    )


def test_without_focus_it_is_the_cross_entropy() -> None:
    assert FocalLoss(0.0)(LOGITS, LABELS).item() == pytest.approx(
        CrossEntropyLoss()(LOGITS, LABELS).item()
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_a_row_that_is_right_beyond_doubt_leaves_a_finite_gradient(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    FocalLoss(gamma)(logits, torch.tensor([0])).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_rows_that_are_all_ignored_cost_nothing() -> None:
    for weights in (None, torch.ones(3)):
        loss = FocalLoss(weights=weights)(LOGITS[:1], torch.tensor([IGNORED]))
        assert loss.item() == 0.0
