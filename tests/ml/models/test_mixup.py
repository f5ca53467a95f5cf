"""Mixup: lines between rows, the loss on them, and when it is off."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from ml.models.mixup import Mix


def test_vectors_lie_between_a_row_and_its_partner() -> None:
    vectors = torch.randn(4, 3)
    mix = Mix(torch.tensor([1, 0, 3, 2]), 0.25)
    torch.testing.assert_close(mix.of(vectors)[0], 0.25 * vectors[0] + 0.75 * vectors[1])


def test_the_loss_is_that_of_mixed_labels() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 2])
    mix = Mix(torch.tensor([1, 2, 3, 0]), 0.4)
    soft = 0.4 * functional.one_hot(labels, 3) + 0.6 * functional.one_hot(labels[mix.partner], 3)
    expected = -(soft * logits.log_softmax(-1)).sum(-1).mean()
    found = mix.loss(functional.cross_entropy, logits, labels)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_draws_follow_the_seed_and_pair_each_row_once() -> None:
    like = torch.zeros(5)
    torch.manual_seed(1)
    first = Mix.draw(0.4, like)
    torch.manual_seed(1)
    again = Mix.draw(0.4, like)
    assert first.share == again.share
    assert torch.equal(first.partner, again.partner)
    assert sorted(first.partner.tolist()) == [0, 1, 2, 3, 4]
    assert 0 <= first.share <= 1
