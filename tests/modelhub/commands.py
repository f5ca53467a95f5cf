"""Calling commands, and reading what they write."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests.ml.training.tiny_encoder import make_encoder, texts


def run(*arguments: str) -> tuple[str, str]:
    """What a command writes to its output and to its error output."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def result(*arguments: str) -> Any:
    """The JSON object on the last line of a command."""
    return json.loads(run(*arguments, "--json")[0].splitlines()[-1])


def written(path: Path, *rows: Any) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def train_tiny(tmp_path: Path, settings: Any) -> dict[str, Any]:
    """What ``finetune`` tells of a tiny model ``mine``, trained, built and live below a folder."""
    settings.ML_MODELS_DIR = tmp_path / "models"
    settings.VAR_DIR = tmp_path
    settings.ML_ARTIFACTS_DIR = tmp_path / "artifacts"
    encoder = make_encoder(tmp_path / "encoder")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'encoder = "{encoder}"\nmethod = "head"\nepochs = 2\nmax_length = 32\nfew_shot = "off"\n'
    )
    rows = written(tmp_path / "train.jsonl", *texts())
    arguments = ["--kind", "classification", "--train", rows, "--config", str(recipe)]
    found: dict[str, Any] = result("finetune", "--name", "mine", *arguments, "--promote")
    return found
