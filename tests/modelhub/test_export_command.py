from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from apps.core import gateway
from ml.artifacts import MANIFEST, TABLES, read_artifact
from ml.export import precision, quantise, tables
from ml.serving.registry import ModelStore
from tests.ml.training.tiny_encoder import texts
from tests.modelhub.commands import result, run, train_tiny, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def trained(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A tiny model, tuned and built by the command."""
    monkeypatch.setattr(precision, "_TIMED_SECONDS", 0.01)
    return train_tiny(tmp_path, settings)


def test_export_of_the_active_version(trained: dict[str, Any], tmp_path: Path) -> None:
    target = tmp_path / "export"
    rows = written(tmp_path / "rows.jsonl", *texts())
    arguments = ["export", "--task", "mine", "--precision", "fp16", "--output", str(target)]
    found = result(*arguments, "--rows", rows, "--max-loss", "1")
    assert found["version"] == trained["version"]
    assert found["export"]["precision"] == "fp16"
    assert found["lost"] == found["source"]["quality"] - found["export"]["quality"]
    build = read_artifact(target).build
    assert build is not None
    assert build.precision == "fp16"
    with pytest.raises(CommandError, match="is not empty"):
        run(*arguments)


def test_a_build_is_not_taken_for_what_was_trained(
    trained: dict[str, Any], tmp_path: Path, settings: Any
) -> None:
    built = str(settings.ML_MODELS_DIR / "mine" / trained["version"])
    output = ["--output", str(tmp_path / "x")]
    recipe = tmp_path / "student.toml"
    recipe.write_text(f'[distil]\nteachers = ["{built}"]\n')
    rows = ["--train", str(tmp_path / "train.jsonl"), "--config", str(recipe)]
    for command in (
        ["export", "--artifact", built, "--precision", "fp16", *output],
        ["shrink", "--artifact", built, "--layers", "0", *output],
        ["merge_encoder", "--artifact", built, *output],
        ["average_models", built, built, "--valid", str(tmp_path / "train.jsonl"), *output],
        ["finetune", "--kind", "classification", "--name", "student", *rows, *output],
    ):
        with pytest.raises(CommandError, match=f"{built}: is built for serving"):
            run(*command)
    assert not (tmp_path / "x").exists()


def test_an_installed_export_is_what_serves(
    trained: dict[str, Any], tmp_path: Path, settings: Any
) -> None:
    (before,) = result("models")
    assert before["served"]
    assert "as served" in run("models")[0]
    artifact = ["--artifact", trained["folder"], "--precision", "fp32", "--install"]
    assert "until it is restarted" in run("export", *artifact)[0]
    folder = settings.ML_MODELS_DIR / "mine" / trained["version"]
    (after,) = result("models")
    assert after["precision"] == "fp32"
    assert after["served"] == {}  # it is the graph before that was measured
    files = [path for path in folder.iterdir() if path.name != MANIFEST]
    assert after["size_bytes"] == sum(path.stat().st_size for path in files)
    (found,) = result("predict", "--task", "mine", "--text", "card lost")["predictions"]
    assert found["label"] in ("card", "rate")


def test_an_export_that_is_installed_keeps_nothing_of_the_build_before(
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """A model of 8 bits is in memory, with the word table of its graph in 16 bits."""
    for module in (tables, quantise):
        monkeypatch.setattr(module, "LARGE", 100)
    trained = request.getfixturevalue("trained")
    texts = ["card lost in the bank", "the euro rate"]
    before = gateway.load_version("mine")
    assert TABLES in gateway.model_store().artifact("mine").files
    artifact = ["--artifact", trained["folder"], "--precision", "fp32", "--install"]
    run("export", *artifact)
    installed = gateway.load_version("mine")
    assert (before.info.precision[:4], installed.info.precision) == ("int8", "fp32")
    wanted = ModelStore(settings.ML_MODELS_DIR).load("mine").predict(texts)
    assert installed.predict(texts) == wanted


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--task", "mine", "--precision", "fp8", "--install"], "no precision 'fp8'"),
        (["--task", "weather", "--precision", "fp16", "--install"], "weather"),
        (["--artifact", "none", "--precision", "fp16", "--install"], "none"),
        (["--task", "mine", "--precision", "fp16", "--install", "--max-loss", "0"], "--rows"),
        (
            ["--task", "mine", "--precision", "fp16", "--install", "--calibrate", "texts.txt"],
            "--calibrate is for int8_static, not for fp16",
        ),
    ],
)
def test_export_names_what_is_wrong(
    trained: dict[str, Any], arguments: list[str], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem):
        run("export", *arguments)


def test_merge_encoder_makes_a_base_of_a_tuned_model(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    target = tmp_path / "merged"
    arguments = ["merge_encoder", "--artifact", trained["folder"], "--output", str(target)]
    assert f'encoder = "{target}"' in run(*arguments)[0]
    assert (target / "model.safetensors").is_file()
    with pytest.raises(CommandError, match="is not empty"):
        run(*arguments)
