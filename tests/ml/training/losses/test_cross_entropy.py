"""Cross-entropy: smoothing, weights, ignored rows."""

from __future__ import annotations

import pytest
import torch

from ml.models.tagger import IGNORED
from ml.training.losses.cross_entropy import CrossEntropyLoss

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
LABELS = torch.tensor([0, 2])


def test_smoothing_gives_each_column_its_share() -> None:
    log_p = LOGITS.log_softmax(-1)
    target = torch.full((2, 3), 0.3 / 3)
    target[0, 0] += 0.7
    target[1, 2] += 0.7
    expected = -(target * log_p).sum(-1).mean()
    assert CrossEntropyLoss(label_smoothing=0.3)(LOGITS, LABELS).item() == pytest.approx(
        expected.item()
    )


def test_a_class_counts_as_much_as_it_weighs() -> None:
    weights = torch.tensor([3.0, 1.0, 1.0])
    each = -LOGITS.log_softmax(-1)[[0, 1], LABELS]
    expected = (3 * each[0] + each[1]) / 4
    assert CrossEntropyLoss(weights=weights)(LOGITS, LABELS).item() == pytest.approx(
        expected.item()
    )


def test_ignored_rows_add_nothing_and_weights_are_not_stored() -> None:
    loss = CrossEntropyLoss(weights=torch.ones(3))
    more = torch.cat([LOGITS, torch.randn(1, 3)])
    labels = torch.cat([LABELS, torch.tensor([IGNORED])])
    assert loss(more, labels).item() == pytest.approx(loss(LOGITS, LABELS).item())
    assert not loss.state_dict()
