"""The triplet loss and the negative that it chooses."""

from __future__ import annotations

import pytest
import torch

from ml.training.losses.triplet import TripletLoss


def _at(*cosines: float) -> torch.Tensor:
    return torch.tensor([[cosine, (1 - cosine**2) ** 0.5] for cosine in cosines])


TEXT = torch.tensor([[1.0, 0.0]])


@pytest.mark.parametrize(
    ("cosines", "loss"),
    [
        ((0.8, 0.7), 0.2),  # within the margin
        ((0.8, 0.1), 0.0),  # far enough
        ((0.8, 0.9, 0.6, 0.2), 0.1),  # the semi-hard one, not the hardest
        ((0.5, 0.9, 0.7), 0.5),  # all are too near: the farthest
    ],
)
def test_the_semi_hard_negative_is_held_off(cosines: tuple[float, ...], loss: float) -> None:
    negative = torch.tensor([[False, *(True for _ in cosines[1:])]])
    found = TripletLoss(margin=0.3)(TEXT, _at(*cosines), negative)
    assert found.item() == pytest.approx(loss, abs=1e-6)


def test_a_text_without_a_negative_takes_no_part() -> None:
    texts, candidates = TEXT.repeat(2, 1), _at(0.8, 0.7)
    negative = torch.tensor([[False, True], [False, False]])
    loss = TripletLoss(margin=0.3)
    assert loss(texts, candidates, negative).item() == pytest.approx(0.2, abs=1e-6)
    nothing = candidates.clone().requires_grad_()
    total = loss(texts, nothing, torch.zeros(2, 2, dtype=torch.bool))
    total.backward()
    assert total.item() == 0.0
    assert nothing.grad is not None
    assert nothing.grad.abs().sum() == 0
