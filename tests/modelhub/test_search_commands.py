from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from tests.ml.training.failing_trial import PROBLEM, let_second_trial_fail
from tests.ml.training.tiny_encoder import make_encoder, texts
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def common(tmp_path: Path) -> list[str]:
    """The arguments of both commands on tiny rows."""
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    recipe.write_text(
        f'encoder = "{encoder}"\nmethod = "head"\nepochs = 2\nmax_length = 32\nfew_shot = "off"\n'
        "[search]\nlearning_rate = { low = 1e-3, high = 1e-1, log = true }\n"
    )
    rows = written(tmp_path / "train.jsonl", *texts(), *texts(ending="in rome"))
    return ["--kind", "classification", "--train", rows, "--config", str(recipe)]


def test_search_writes_a_recipe_that_finetune_takes(
    common: list[str], tmp_path: Path, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path
    folder = tmp_path / "search"
    found = result("search", *common, "--trials", "2", "--output", str(folder))
    assert [row["number"] for row in found["trials"]] == [1, 2]
    assert found["recipe"] == str(folder / "best.toml")
    again = run("search", *common, "--trials", "2", "--output", str(folder))[0]
    assert "the best: finetune --config" in again
    tuned = ["finetune", "--name", "mine", *common[:4], "--config", found["recipe"]]
    trained = result(*tuned, "--no-build", "--output", str(tmp_path / "artifact"))
    assert trained["metrics"]["accuracy"] > 0


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--minutes", "0"], "--minutes"),
        (["--trials", "0"], "--trials"),
        (["--train", "none.jsonl"], "none.jsonl: no such file"),
    ],
)
def test_search_names_what_is_wrong(
    common: list[str], tmp_path: Path, more: list[str], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem):
        run("search", *common, "--output", str(tmp_path / "search"), *more)


def test_search_names_a_key_that_is_no_setting(common: list[str], tmp_path: Path) -> None:
    recipe = tmp_path / "other.toml"
    recipe.write_text("[search]\nspeed = [1, 2]\n")
    with pytest.raises(CommandError, match=r"search\.speed"):
        run("search", *common, "--config", str(recipe), "--output", str(tmp_path / "search"))


def test_search_tells_why_a_trial_failed(
    common: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_second_trial_fail(monkeypatch)
    told = run("search", *common, "--trials", "2", "--output", str(tmp_path / "search"))[0]
    assert f"trial 2: failed ({PROBLEM}); learning_rate=" in told


def test_find_learning_rate_suggests_and_writes_a_page(common: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page"
    arguments = ["find_learning_rate", *common, "--steps", "40", "--report", str(page)]
    found: dict[str, Any] = result(*arguments)
    assert 1e-6 < found["tenth_of_least"] < 1
    written_page = (page / "report.html").read_text()
    assert "Learning rate" in written_page
    assert ">1e-06</text>" in written_page  # the first rate on the axis
    assert "%</text>" not in written_page  # neither losses nor rates are shares
    with pytest.raises(CommandError, match="is not empty"):
        run(*arguments)
