from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from ml.errors import DataError, TrainingError
from ml.training.few_rows import fitted_to_few
from ml.training.learning_rate import find_learning_rate, range_test, smoothed
from ml.types import Kind
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def valley(least: float) -> list[tuple[float, float]]:
    """Losses that fall towards the rate ``least`` and then leave."""
    rates = [10 ** (-6 + step / 15) for step in range(90)]
    return [
        (
            rate,
            1
            + 2 / (1 + (rate / least) ** 2)
            + (50 * rate / least - 100 if rate > 2 * least else 0),
        )
        for rate in rates
    ]


@pytest.mark.parametrize("least", [1e-4, 1e-3, 1e-2])
def test_the_suggestions_lie_below_the_least_loss(least: float) -> None:
    found = range_test(valley(least))
    assert least / 100 < found.tenth_of_least < least
    assert least / 100 < found.steepest < 5 * least
    assert found.readings[-1].rate < 1
    places = [place for place, _ in found.curve()]
    assert places[0] == 0
    assert places[-1] == pytest.approx(1)


def test_the_first_batches_do_not_pass_for_a_fall() -> None:
    losses = [
        (rate, loss + (1.5 if place == 0 else 0)) for place, (rate, loss) in enumerate(valley(1e-3))
    ]
    found = range_test(losses)
    assert 1e-5 < found.steepest < 5e-3


def test_a_fall_beyond_the_least_loss_is_none_to_begin_from() -> None:
    """At rates that are too large the loss leaps, and falls back more steeply than it ever fell."""
    fall = [(10 ** (-6 + step / 15), 3.0 - 2.0 * min(1.0, step / 60)) for step in range(62)]
    leap = [(fall[-1][0] * 1.2**step, 20.0 if step < 2 else 1.2) for step in range(1, 30)]
    found = range_test(fall + leap)
    assert len(found.readings) > 80
    assert found.steepest < 10 * found.tenth_of_least


def test_smoothing_ends_where_the_loss_leaves() -> None:
    losses = [(1e-3 * step, 1.0) for step in range(1, 20)] + [(0.1, 500.0), (0.2, 1.0)]
    assert len(smoothed(losses)) == 20
    assert len(smoothed([(1e-3, 1.0), (2e-3, math.nan), (3e-3, 1.0)])) == 1


@pytest.mark.parametrize(
    ("losses", "problem"),
    [
        ([(1e-3, math.nan)] * 20, "no number"),
        ([(10 ** (step / 10 - 5), 1.0 + step) for step in range(30)], "at no rate"),
    ],
)
def test_losses_that_say_nothing_are_told(losses: list[tuple[float, float]], problem: str) -> None:
    with pytest.raises(TrainingError, match=problem):
        range_test(losses)


@pytest.mark.parametrize("kind", ["classification", "ner"])
def test_a_rate_is_found_for_rows(tmp_path: Path, encoder: Path, kind: Kind) -> None:
    asked = request(tmp_path, kind, tiny_config(encoder, method="full"))
    steps: list[str] = []
    found = find_learning_rate(asked, steps=60, progress=lambda *step: steps.append(step[2]))
    assert 1e-6 < found.tenth_of_least < 1
    assert found.readings[0].rate == pytest.approx(1e-6)
    assert [one.rate for one in found.readings] == sorted(one.rate for one in found.readings)
    assert "rate" in steps[0]
    assert not asked.run_folder.exists()
    assert not asked.output.exists()


def test_a_rate_is_found_for_the_recipe_that_few_rows_get(tmp_path: Path, encoder: Path) -> None:
    said = tiny_config(encoder, few_shot="on")
    asked = request(tmp_path, "classification", said)
    few = fitted_to_few(said, rows=len(texts()), classes=2)
    aloud = replace(asked, config=replace(few, few_shot="off"))
    assert few.class_rows
    assert find_learning_rate(asked, steps=10) == find_learning_rate(aloud, steps=10)


def test_layers_that_wait_for_their_epoch_wait_here_too(tmp_path: Path, encoder: Path) -> None:
    at_once = request(tmp_path, "classification", tiny_config(encoder, method="full"))
    later = tiny_config(encoder, method="full", methods={"full": {"unfreeze_every": 1.0}})
    losses = [
        [one.loss for one in find_learning_rate(asked, steps=60).readings]
        for asked in (at_once, replace(at_once, config=later))
    ]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1:] != losses[1][1:]


@pytest.mark.parametrize(
    "bounds",
    [{"lowest": 0.0}, {"lowest": math.nan}, {"highest": 1e-7}, {"highest": math.inf}, {"steps": 5}],
)
def test_bounds_that_are_none_are_refused(
    tmp_path: Path, encoder: Path, bounds: dict[str, float]
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder))
    with pytest.raises(TrainingError, match=r"lowest < highest|highest = inf is not allowed"):
        find_learning_rate(asked, **bounds)  # type: ignore[arg-type]


def test_what_a_run_would_refuse_is_refused(tmp_path: Path, encoder: Path) -> None:
    mixed = request(tmp_path / "ner", "ner", tiny_config(encoder, mixup=0.2))
    with pytest.raises(TrainingError, match="mixup: of no meaning for the kind ner"):
        find_learning_rate(mixed)
    taught = tiny_config(encoder, distil={"ensemble": 1})
    with pytest.raises(TrainingError, match=r"leave \[distil\] out"):
        find_learning_rate(request(tmp_path / "taught", "classification", taught))


def test_bad_rows_are_named(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder))
    asked.train_file.write_text("{\n")
    with pytest.raises(DataError, match="row 1"):
        find_learning_rate(asked)
