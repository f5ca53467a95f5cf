"""What a run's weights know before it begins must be allowed to be shipped, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from ml.artifacts import DataSource
from ml.encoders import resolve_encoder
from ml.provenance import joined, write_provenance
from ml.training.finetune import finetune
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config
from tests.modelhub.commands import run

REFUSED = r"trained on Research news \(CC-BY-NC-4\.0\)"


@pytest.fixture
def target(tmp_path: Path, settings: Any) -> Path:
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    return tmp_path / "pretrained" / "mine"


def read_encoder(folder: Path) -> Path:
    """An encoder that has read texts of no use for others."""
    made = make_encoder(folder)
    news = DataSource("news.txt", "0" * 64, 9, "Research news: CC-BY-NC-4.0")
    write_provenance(made, resolve_encoder(str(made)), "test", [news])
    return made


@pytest.mark.parametrize("by", ["teacher", "start", "encoder"])
def test_what_a_run_builds_on_is_refused_before_it_trains(
    tmp_path: Path, target: Path, by: str
) -> None:
    kind: Any = "ner" if by == "start" else "classification"
    encoder = (read_encoder if by == "encoder" else make_encoder)(tmp_path / "encoder")
    config = tiny_config(encoder, epochs=0.1, licences={"Research news": "CC-BY-NC-4.0"})
    first = request(tmp_path / "first", kind, config)
    if by != "encoder":
        finetune(first)
    lines = {
        "teacher": f'distil.teachers = ["{first.output}"]',
        "start": f'start = "{first.output}"',
    }
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'encoder = "{encoder}"\n{lines.get(by, "")}\nlicences.Rows = "CC-BY-4.0"\n')
    with pytest.raises(CommandError, match=REFUSED):
        run(
            *("finetune", "--kind", kind, "--name", "mine", "--train", str(first.train_file)),
            *("--config", str(recipe), "--output", str(target)),
        )
    assert not target.exists()


def test_what_a_joint_run_builds_on_is_refused_before_it_trains(
    tmp_path: Path, target: Path
) -> None:
    encoder = read_encoder(tmp_path / "encoder")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'name = "mine"\nencoder = "{encoder}"\nlicences.Rows = "CC-BY-4.0"\n'
        '[tasks.matter]\nkind = "classification"\ntrain = "a.jsonl"\n'
        '[tasks.names]\nkind = "ner"\ntrain = "b.jsonl"\n'
    )
    with pytest.raises(CommandError, match=f"matter cannot be shipped: {REFUSED}"):
        run("finetune_together", "--config", str(recipe), "--output", str(target))


@pytest.mark.parametrize(
    ("command", "of"),
    [
        ("pretrain", "texts"),
        ("merge_encoder", "artifact"),
        ("export", "artifact"),
        ("shrink", "artifact"),
        ("shrink", "encoder"),
    ],
)
def test_weights_that_learned_from_other_data_are_not_shipped(
    tmp_path: Path, target: Path, command: str, of: str
) -> None:
    encoder = (read_encoder if of == "encoder" else make_encoder)(tmp_path / "encoder")
    config = tiny_config(encoder, epochs=0.1, licences={"Research news": "CC-BY-NC-4.0"})
    tuned = request(tmp_path / "tuned", "classification", config)
    if of == "artifact":
        finetune(tuned)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[licences]\n"Research news" = "CC-BY-NC-4.0"\n')
    source = {"texts": tuned.train_file, "artifact": tuned.output, "encoder": encoder}[of]
    needed = {
        "pretrain": ("--config", str(recipe)),
        "shrink": ("--layers", "0"),
        "export": ("--precision", "fp16"),
    }
    more = needed.get(command, ())
    with pytest.raises(CommandError, match=REFUSED):
        run(command, f"--{of}", str(source), *more, "--output", str(target))
    assert not target.exists()


def test_another_licence_of_the_same_file_is_kept() -> None:
    own = DataSource("rows.jsonl", "0" * 64, 9, "Rows: MIT")
    other = DataSource("rows.jsonl", "0" * 64, 9, "Rows: CC-BY-NC-4.0")
    silent = DataSource("rows.jsonl", "0" * 64, 9)
    assert joined([own], [other, own, silent]) == (own, other)
