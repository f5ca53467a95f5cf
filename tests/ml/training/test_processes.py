"""Two processes on CPUs train one model: the shares of the batches, one artifact, one report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml.artifacts import read_artifact
from ml.errors import TrainingError
from ml.training import processes
from ml.training.processes import check_alone, is_alone, is_main_process, wait_for_all
from ml.training.tracking import read_curves
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config

PROJECT = Path(__file__).parents[3]
RECIPE = """
encoder = "{encoder}"
epochs = 8
batch_size = 4
learning_rate = 1e-2
max_length = 16
adapter_dropout = 0.0
bf16 = false
ema = 0.5
adversary = "pgd"
adversary_norm = 0.05
adversary_rate = 0.02
"""


def test_one_process_is_the_main_one_and_waits_for_none() -> None:
    assert is_main_process()
    assert is_alone()
    wait_for_all()


@pytest.mark.parametrize(("place", "main"), [("0", True), ("1", False)])
def test_a_process_of_several_knows_its_place_before_training_begins(
    monkeypatch: pytest.MonkeyPatch, place: str, main: bool
) -> None:
    monkeypatch.setattr(processes, "is_initialized", lambda: False)
    monkeypatch.setenv("RANK", place)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert is_main_process() is main
    assert not is_alone()
    with pytest.raises(TrainingError, match="search runs in one process"):
        check_alone("search")


@pytest.mark.parametrize(
    ("launch", "processes"),
    [
        (("-m", "torch.distributed.run", "--nproc_per_node", "2"), 2),
        (("-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1"), 1),
    ],
    ids=["two", "accelerate"],
)
def test_processes_train_together_and_one_stores(
    tmp_path: Path, launch: tuple[str, ...], processes: int
) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    asked = request(tmp_path, "classification", tiny_config(encoder))
    (tmp_path / "recipe.toml").write_text(RECIPE.format(encoder=encoder), encoding="utf-8")
    command = [
        *(sys.executable, *launch, "manage.py", "finetune", "--kind", "classification"),
        *("--name", "tiny", "--train", str(asked.train_file), "--valid", str(asked.valid_file)),
        *("--config", str(tmp_path / "recipe.toml"), "--output", str(asked.output), "--json"),
    ]
    environment = os.environ | {"TREFOIL_VAR": str(tmp_path / "var"), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr[-2000:]

    told = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert [each["task"] for each in told] == ["tiny"]
    artifact = read_artifact(asked.output)
    assert artifact.version == told[0]["version"]
    assert artifact.metrics["accuracy"] > 0.6
    (run,) = (tmp_path / "var" / "runs").glob("tiny-*")
    batches = -(-len(texts()) // (4 * processes))
    assert max(row["step"] for row in read_curves(run)) == 8 * batches
    assert not list(run.rglob("checkpoint-*"))
    left = [path.name for path in asked.output.parent.iterdir() if path.name.startswith(".")]
    assert not left
