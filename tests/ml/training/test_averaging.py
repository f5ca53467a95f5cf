"""Means of the weights: closed forms, what is swapped, what a checkpoint keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ml.artifacts import ADAPTER
from ml.training.averaging import WeightAverage, average_of
from ml.training.finetune import finetune
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config


def _model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model[1].requires_grad_(False)
    return model


def _walk(model: nn.Module, average: WeightAverage, steps: int) -> list[torch.Tensor]:
    """Move the weights ``steps`` times; returns them as they were, the start first."""
    seen = [model[0].weight.detach().clone()]
    for step in range(1, steps + 1):
        with torch.no_grad():
            model[0].weight.add_(torch.randn_like(model[0].weight))
        average.update(step, steps)
        seen.append(model[0].weight.detach().clone())
    return seen


def test_ema_is_its_closed_form() -> None:
    model, decay = _model(), 0.8
    average = WeightAverage(model, ema=decay)
    seen = _walk(model, average, 7)
    expected = decay**7 * seen[0]
    for step, weight in enumerate(seen[1:], start=1):
        expected = expected + (1 - decay) * decay ** (7 - step) * weight
    average.swap_in()
    torch.testing.assert_close(model[0].weight.detach(), expected)


def test_swa_is_the_mean_over_the_last_share_of_the_steps() -> None:
    model = _model()
    average = WeightAverage(model, swa=0.3)
    seen = _walk(model, average, 10)
    average.swap_in()
    torch.testing.assert_close(model[0].weight.detach(), torch.stack(seen[-3:]).mean(dim=0))


def test_a_run_that_ends_before_its_last_share_keeps_its_weights() -> None:
    model = _model()
    average = WeightAverage(model, swa=0.1)
    average.update(1, 100)
    before = model[0].weight.detach().clone()
    average.swap_in()
    assert torch.equal(model[0].weight, before)


def test_following_leaves_the_weights_alone_and_frozen_ones_out() -> None:
    model = _model()
    average = WeightAverage(model, ema=0.5)
    seen = _walk(model, average, 2)
    assert torch.equal(model[0].weight, seen[-1])
    frozen = model[1].weight.clone()
    with torch.no_grad():
        model[1].weight.add_(1.0)
    average.swap_in()
    assert torch.equal(model[1].weight, frozen + 1.0)


@pytest.mark.parametrize("kind", [{"ema": 0.9}, {"swa": 0.9}])
def test_a_checkpoint_keeps_the_mean_to_the_bit(tmp_path: Path, kind: dict[str, float]) -> None:
    whole = _model()
    average = WeightAverage(whole, **kind)
    _walk(whole, average, 4)
    average.save(tmp_path)
    resumed = _model()
    resumed.load_state_dict(whole.state_dict())
    again = WeightAverage(resumed, **kind)
    again.load(tmp_path)
    for model, mean in ((whole, average), (resumed, again)):
        with torch.no_grad():
            model[0].weight.mul_(2.0)
        mean.update(5, 5)
        mean.swap_in()
    assert torch.equal(whole[0].weight, resumed[0].weight)


def test_no_mean_unless_asked_for() -> None:
    assert average_of(_model(), ema=0.0, swa=0.0) is None


@pytest.mark.parametrize("mean", [{}, {"ema": 0.9}, {"swa": 0.9}])
def test_ranks_that_a_method_gave_up_stay_given_up(tmp_path: Path, mean: dict[str, float]) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    settings = {"rank": 2, "first_rank": 4, "start": 0.3, "every": 1}
    config = tiny_config(
        encoder, method="adalora", methods={"adalora": settings}, epochs=6.0, **mean
    )
    asked = request(tmp_path, "classification", config)
    finetune(asked)
    entries = [
        value for name, value in load_file(asked.output / ADAPTER).items() if "lora_E" in name
    ]
    left = sum(int((value != 0).sum()) for value in entries)
    assert left == 2 * len(entries)
    assert max(len(value) for value in entries) == 4
