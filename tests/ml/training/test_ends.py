"""How runs end that cannot go on: killed for good, or on a disk that takes no more."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ml.artifacts import ADAPTER, HEAD, read_artifact
from ml.training.checkpoints import last_checkpoint
from ml.training.finetune import finetune
from ml.training.rows import FinetuneRequest
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows

PROJECT = Path(__file__).parents[3]
RUN = """
import os, resource, signal, sys
from dataclasses import replace
from pathlib import Path
import ml.training.storing as module
from ml.outputs import staged_folder
from ml.errors import MLError
from ml.training.finetune import finetune
from tests.ml.training.test_ends import asked
step, most, at_the_end = (int(part) for part in sys.argv[3:])
def at_step(done, total, message):
    if done == step:
        os.kill(os.getpid(), signal.SIGKILL)
wanted = asked(Path(sys.argv[1]), Path(sys.argv[2]))
def bounded():
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
def store(target):
    bounded()
    return staged_folder(target)
if at_the_end:
    wanted = replace(wanted, config=replace(wanted.config, epochs=0.2))
    module.staged_folder = store
elif most:
    bounded()
try:
    finetune(wanted, at_step)
except MLError as error:
    sys.exit(f"told: {error}")
"""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def asked(folder: Path, encoder: Path) -> FinetuneRequest:
    """A run of forty steps, eight an epoch, with a checkpoint every third."""
    config = tiny_config(
        encoder, epochs=5.0, batch_size=4, save_every=3, dropout=0.2, adapter_dropout=0.1
    )
    return request(folder, "classification", config)


def apart(
    folder: Path, encoder: Path, *, step: int = 0, most: int = 0, at_the_end: bool = False
) -> subprocess.CompletedProcess[str]:
    """The run in a process of its own, which is killed at ``step``, or writes files of at most
    ``most`` bytes; ``at_the_end``: of at most so many only when it stores what it has learned."""
    command = [sys.executable, "-c", RUN, str(folder), str(encoder), str(step), str(most)]
    return subprocess.run(
        [*command, str(int(at_the_end))],
        cwd=PROJECT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_a_process_killed_within_an_epoch_goes_on_to_the_bit(tmp_path: Path, encoder: Path) -> None:
    ended = apart(tmp_path / "broken", encoder, step=22)
    assert ended.returncode == -signal.SIGKILL, ended.stderr[-2000:]
    broken = asked(tmp_path / "broken", encoder)
    assert not broken.output.exists()
    last = last_checkpoint(broken.run_folder)
    assert last is not None
    assert last.name == "checkpoint-21"
    ended = apart(tmp_path / "broken", encoder)
    assert ended.returncode == 0, ended.stderr[-2000:]
    ended = apart(tmp_path / "whole", encoder)
    assert ended.returncode == 0, ended.stderr[-2000:]
    whole = asked(tmp_path / "whole", encoder)
    assert read_artifact(broken.output).task == "small"
    for file in (ADAPTER, HEAD):
        assert (whole.output / file).read_bytes() == (broken.output / file).read_bytes()


@pytest.mark.parametrize(
    ("most", "at_the_end", "problem"),
    [
        (30_000, False, r"told: the checkpoint .*checkpoint-3 cannot be written"),
        (9_000, True, r"told: .*artifact: cannot be written \(File too large"),
    ],
    ids=["checkpoint", "artifact"],
)
def test_a_disk_that_takes_no_more_is_told_and_nothing_is_left(
    tmp_path: Path, encoder: Path, most: int, at_the_end: bool, problem: str
) -> None:
    ended = apart(tmp_path, encoder, most=most, at_the_end=at_the_end)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert re.search(problem, last), ended.stderr[-2000:]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"train.jsonl", "valid.jsonl", "run"}
    assert at_the_end or not list((tmp_path / "run").glob("checkpoint-*"))


def test_five_hundred_labels_of_two_rows_each(tmp_path: Path, encoder: Path) -> None:
    labels = [f"label {number:03}" for number in range(500)]
    wanted = asked(tmp_path, encoder)
    wanted = replace(wanted, config=replace(wanted.config, epochs=0.1, save_every=0))
    rows = [{"text": f"{text} {n}", "label": n} for n in labels for text in ("card", "rate of")]
    write_rows(wanted.train_file, rows)
    assert wanted.valid_file is not None
    write_rows(wanted.valid_file, [{"text": f"the euro {n}", "label": n} for n in labels[::5]])
    artifact = finetune(wanted)
    assert read_artifact(wanted.output).labels == tuple(labels)
    assert artifact.metrics["n"] == 100


def test_letters_of_other_directions_and_pictures_are_learned(
    tmp_path: Path, encoder: Path
) -> None:
    odd = [
        "\u0645\u0631\u062d\u0628\u0627 card",
        "\u202ecard\u202c",
        "\U0001f600 card \U0001f3f3\ufe0f\u200d\U0001f308",
    ]
    wanted = asked(tmp_path, encoder)
    write_rows(wanted.train_file, [*texts(), *({"text": text, "label": "card"} for text in odd)])
    assert finetune(wanted).data[0].rows == len(texts()) + len(odd)
