"""Cheap dropout: the right share, unbiased, repeatable."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ml.models.dropout import Dropout, dropout_mask, with_cheap_dropout


@pytest.mark.parametrize("p", [0.05, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(1000, 384), (383, 1001)])
def test_the_right_share_is_dropped_and_the_mean_stays(p: float, shape: tuple[int, int]) -> None:
    torch.manual_seed(3)
    mask = dropout_mask(torch.empty(shape), p)
    assert mask.shape == shape
    deviation = (p * (1 - p) / mask.numel()) ** 0.5
    assert abs(float((mask == 0).double().mean()) - p) < 5 * deviation
    assert mask.unique().tolist() == [0.0, pytest.approx(1 / (1 - p), rel=1e-4)]
    assert float(mask.mean()) == pytest.approx(1.0, abs=5 * deviation / (1 - p))


def test_neighbours_and_lanes_are_independent() -> None:
    torch.manual_seed(4)
    kept = (dropout_mask(torch.empty(400_000), 0.5) > 0).double()
    for lag in (1, 2, 3, 4, 8):
        agreement = float((kept[lag:] == kept[:-lag]).double().mean())
        assert agreement == pytest.approx(0.5, abs=0.005)
    assert kept.view(-1, 4).mean(dim=0).tolist() == pytest.approx([0.5] * 4, abs=0.01)


def test_the_seed_decides() -> None:
    layer, values = Dropout(0.3).train(), torch.ones(50, 7)
    torch.manual_seed(5)
    first = layer(values)
    torch.manual_seed(5)
    assert torch.equal(layer(values), first)
    assert not torch.equal(layer(values), first)


def test_what_is_dropped_has_no_gradient() -> None:
    values = torch.ones(1000, requires_grad=True)
    output = Dropout(0.4).train()(values)
    output.sum().backward()
    assert torch.equal(values.grad, output.detach())


def test_it_does_nothing_outside_of_training_or_at_zero() -> None:
    values = torch.randn(9)
    assert torch.equal(Dropout(0.4).eval()(values), values)
    assert torch.equal(Dropout(0.0).train()(values), values)
    assert torch.equal(Dropout(1.0).train()(values), torch.zeros(9))


def test_layers_are_replaced_with_their_settings() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.2), nn.AlphaDropout(0.1)))
    names = set(model.state_dict())
    with_cheap_dropout(model.eval())
    kinds = [type(module) for module in model.modules()]
    assert Dropout in kinds
    assert nn.Dropout not in kinds
    assert nn.AlphaDropout in kinds
    assert model[1][0].p == 0.2
    assert not model[1][0].training
    assert set(model.state_dict()) == names
