"""Class weights: proportions, limits, classes without rows."""

from __future__ import annotations

import pytest
import torch

from ml.training.losses.class_weights import effective_number, inverse_frequency


def test_inverse_frequency_makes_classes_equal() -> None:
    counts = (10, 40, 50)
    weights = inverse_frequency(counts)
    shares = weights * torch.tensor(counts)
    assert shares.tolist() == pytest.approx([shares[0].item()] * 3, rel=1e-5)
    assert weights.mean().item() == pytest.approx(1.0)


def test_rows_that_weigh_less_than_one_together_are_a_class() -> None:
    assert inverse_frequency((0.5, 1.0)).tolist() == pytest.approx([4 / 3, 2 / 3])


def test_effective_number_lies_between_equal_weights_and_inverse_frequency() -> None:
    counts = (5, 500)
    plain, inverse = effective_number(counts, 0.0), inverse_frequency(counts)
    assert plain.tolist() == pytest.approx([1.0, 1.0])
    assert effective_number(counts, 0.9999999).tolist() == pytest.approx(inverse.tolist(), rel=1e-3)
    between = effective_number(counts, 0.99)
    assert 1.0 < between[0] < inverse[0]
    ratio = (1 - 0.99**500) / (1 - 0.99**5)
    assert (between[0] / between[1]).item() == pytest.approx(ratio, rel=1e-5)


@pytest.mark.parametrize("weigh", [inverse_frequency, lambda counts: effective_number(counts, 0.9)])
def test_a_class_without_rows_weighs_nothing(weigh) -> None:
    weights = weigh((4, 0, 4))
    assert weights.tolist() == pytest.approx([1.0, 0.0, 1.0])
