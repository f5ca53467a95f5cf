"""``pretrain`` from the command line: raw texts to an encoder that a recipe can name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from ml.encoders import resolve_encoder
from tests.ml.training.test_pretrain import TEXTS, encoder  # noqa: F401 - a fixture
from tests.modelhub.commands import result, run


def test_an_encoder_is_written(encoder: Path, tmp_path: Path, settings: Any) -> None:  # noqa: F811
    settings.VAR_DIR = tmp_path / "var"
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(TEXTS))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('method = "full"\nmax_length = 16\nepochs = 1\nheld_out = 0.1\n')
    arguments = (
        *("pretrain", "--objective", "tsdae", "--texts", str(texts), "--encoder", str(encoder)),
        *("--config", str(recipe), "--output", str(tmp_path / "read")),
    )
    told = result(*arguments)
    assert resolve_encoder(told["encoder"]).sha256 == told["sha256"]
    assert told["metrics"]["loss"] < told["metrics"]["loss_before"]
    assert Path(told["run_folder"], "report.html").is_file()
    assert not list(Path(told["run_folder"]).rglob("checkpoint-*"))
    with pytest.raises(CommandError, match="is not empty"):
        run(*arguments)
    with pytest.raises(CommandError, match=r"nowhere\.txt"):
        run("pretrain", "--texts", str(tmp_path / "nowhere.txt"), "--output", str(tmp_path / "x"))
