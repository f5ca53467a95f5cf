from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from ml.artifacts import read_artifact
from tests.ml.training.tiny_encoder import make_encoder, texts
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db


def test_the_mean_of_two_runs_is_stored_built_and_asked(tmp_path: Path, settings: Any) -> None:
    settings.ML_MODELS_DIR = tmp_path / "models"
    settings.VAR_DIR = tmp_path
    settings.ML_ARTIFACTS_DIR = tmp_path / "artifacts"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'encoder = "{make_encoder(tmp_path / "encoder")}"\n'
        'rank = 2\nepochs = 4\nlearning_rate = 1e-2\nmax_length = 32\nfew_shot = "off"\n'
    )
    train = written(tmp_path / "train.jsonl", *texts())
    valid = written(tmp_path / "valid.jsonl", *texts(ending="in"))
    asked = ["--kind", "classification", "--name", "mine", "--train", train, "--valid", valid]
    folders = [
        result("finetune", *asked, "--config", str(recipe), "--seed", seed, "--no-build")["folder"]
        for seed in ("1", "2")
    ]

    shares = ["--valid", valid, "--shares"]
    told = result("average_models", *folders, *shares, "1,2", "--config", str(recipe))
    artifact = read_artifact(Path(told["folder"]))
    assert (artifact.task, artifact.version) == ("mine", told["version"])
    assert [part["share"] for part in artifact.settings["soup"]] == [0.3333, 0.6667]
    assert told["metrics"]["n"] == len(texts())
    (answer,) = result("predict", "--task", "mine", "--text", "card lost")["predictions"]
    assert answer["label"] in ("card", "rate")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ml.runs.served.tell_served", stop)
        with pytest.raises(KeyboardInterrupt):
            run("average_models", *folders, "--valid", valid)
    assert list((tmp_path / "artifacts" / "average_models").iterdir()) == []

    # The runs state no licence of their rows; that a recipe states one for the mean is no help.
    recipe.write_text(f'{recipe.read_text()}[licences]\n"Tiny rows" = "CC0-1.0"\n')
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    shipped = ["--output", str(tmp_path / "pretrained" / "mine"), "--config", str(recipe)]
    with pytest.raises(CommandError, match="mine cannot be shipped"):
        run("average_models", *folders, "--valid", valid, *shipped)

    with pytest.raises(CommandError, match="encoder: is not empty"):
        run("average_models", *folders, *shares, "1,2", "--output", str(tmp_path / "encoder"))
    with pytest.raises(CommandError, match="'1,x' is no list of numbers"):
        run("average_models", *folders, *shares, "1,x")
    with pytest.raises(CommandError, match="a share for each"):
        run("average_models", *folders, *shares, "1")
