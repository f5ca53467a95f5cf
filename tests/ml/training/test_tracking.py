from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event

from ml.encoders import file_sha256
from ml.errors import TrainingError
from ml.training.config import load_config
from ml.training.finetune import finetune
from ml.training.trackers import TensorBoard
from ml.training.tracking import RunRecord, as_toml, git_state, read_curves
from ml.types import Kind
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config, write_rows


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def record(tmp_path: Path, encoder: Path) -> RunRecord:
    data = tmp_path / "train.jsonl"
    data.write_text("{}\n")
    return RunRecord(tmp_path / "run", "mine", tiny_config(encoder), {"train": data})


def told(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return content


def events(folder: Path) -> list[Event]:
    """The TensorBoard events in a folder: length (8), its check (4), the event, its check (4)."""
    found = []
    for path in sorted((folder / "tensorboard").glob("events*")):
        content, place = path.read_bytes(), 0
        while place < len(content):
            size = int.from_bytes(content[place : place + 8], "little")
            event = Event()
            event.ParseFromString(content[place + 12 : place + 12 + size])
            found.append(event)
            place += size + 16
    return found


def test_tensorboard_is_told_finite_numbers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    board = TensorBoard(tmp_path)
    board.log(1, {"loss": float("nan"), "recall@1": 0.5})
    board.finish({"perplexity": float("inf"), "loss": 2.0}, failed=False)
    tags = {value.tag for event in events(tmp_path) for value in event.summary.value}
    assert tags == {"recall_at_1", "final/loss"}
    assert not caplog.records


@pytest.mark.parametrize("refit", [False, True])
def test_a_run_leaves_a_folder_that_tells_all_of_it(
    tmp_path: Path, encoder: Path, refit: bool
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, method="head", refit=refit))
    artifact = finetune(asked)
    run = told(asked.run_folder)
    assert (run["state"], run["name"], run["problem"]) == ("done", asked.name, "")
    assert run["metrics"] == artifact.metrics
    assert run["data"]["train"]["sha256"] == file_sha256(asked.train_file)
    assert set(run["data"]) == {"train", "valid"}
    assert run["environment"]["packages"]["torch"]
    assert run["started"] <= run["ended"]
    assert load_config(asked.run_folder / "config.toml") == asked.config
    readings = read_curves(asked.run_folder)
    assert {row["phase"] for row in readings} == ({"fit", "refit"} if refit else {"fit"})
    assert {"loss", "learning_rate", "epoch", "rows_per_second"} <= set(readings[0])
    # 8 epochs of 4 batches: one reading in three steps, and one at the end
    assert [row["step"] for row in readings if row["phase"] == "fit"] == [*range(3, 31, 3), 32]
    tags = {value.tag for event in events(asked.run_folder) for value in event.summary.value}
    assert {"loss", "learning_rate", "final/accuracy"} <= tags
    assert ("refit/loss" in tags) == refit
    card = (asked.output / "MODEL_CARD.md").read_text()
    assert f"Reproduce: `{asked.command}`" in card
    assert re.search(r"about [\d.e+-]+ Wh and [\d.e+-]+ g of CO2e", card)
    page = (asked.run_folder / "report.html").read_text()
    assert "accuracy" in page.lower()
    assert run["fitted"] == {}
    assert "fitted to them" not in page
    assert "report.json" not in page
    assert 'href="evaluation/report.html"' in page


@pytest.mark.parametrize(
    ("kind", "measure"),
    [
        ("classification", "accuracy"),
        ("ner", "f1"),
        ("multi_label", "micro_f1"),
        ("embedding", "mrr@10"),
    ],
)
def test_a_run_s_held_out_answers_are_evaluated(
    tmp_path: Path, encoder: Path, kind: Kind, measure: str
) -> None:
    method = "lora" if kind == "embedding" else "head"
    asked = request(tmp_path, kind, tiny_config(encoder, method=method, refit=True))
    if kind == "multi_label":
        for file in asked.files.values():
            rows = [json.loads(line) for line in file.read_text().splitlines()]
            write_rows(file, [{"text": row["text"], "labels": [row["label"]]} for row in rows])
    (asked.run_folder / "evaluation").mkdir(parents=True)
    (asked.run_folder / "evaluation" / "old.txt").write_text("of a run that was killed")
    artifact = finetune(asked)
    folder = asked.run_folder / "evaluation"
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    numbers = json.loads((folder / "report.json").read_text())
    assert numbers[measure] == pytest.approx(artifact.metrics[measure])
    assert (numbers["version"], numbers["n"]) == (artifact.version, artifact.metrics["n"])
    assert {"length", "language"} <= set(numbers["slices"])
    assert numbers["curves"]
    if kind == "embedding":
        untuned = artifact.metrics["mrr@10"] - artifact.metrics["untuned_mrr@10"]
        assert numbers["against"]["mrr@10_difference"]["difference"] == pytest.approx(untuned)
        assert "the encoder before it was tuned" in (folder / "report.html").read_text()


def test_a_failed_run_says_why(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, method="head"))
    asked.train_file.write_text('{"text": "card", "label": "card"}\n')
    with pytest.raises(TrainingError):
        finetune(asked)
    run = told(asked.run_folder)
    assert run["state"] == "failed"
    assert "one class" in run["problem"]


def test_held_out_measures_are_read_where_a_run_takes_them(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, method="head", patience=2))
    finetune(asked)
    measured = [row for row in read_curves(asked.run_folder) if "held_out_accuracy" in row]
    assert measured
    assert all("held_out_loss" in row for row in measured)


def test_steps_done_again_replace_those_before_the_kill(record: RunRecord, tmp_path: Path) -> None:
    phase = record.phase(".")
    phase.begin(0)
    for step in (20, 40, 60):
        phase.log(step, {"loss": float(step)})
    with (tmp_path / "run" / "curves.jsonl").open("a") as handle:
        handle.write('{"phase": "fit", "st')
    again = RunRecord(
        tmp_path / "run", "mine", load_config(tmp_path / "run" / "config.toml"), {}
    ).phase(".")
    again.begin(40)
    again.log(60, {"loss": 1.0})
    assert [(row["step"], row["loss"]) for row in read_curves(tmp_path / "run")] == [
        (20, 20.0),
        (40, 40.0),
        (60, 1.0),
    ]


def test_what_cannot_be_written_does_not_stop_training(record: RunRecord, tmp_path: Path) -> None:
    phase = record.phase(".")
    phase.begin(0)
    curves = tmp_path / "run" / "curves.jsonl"
    curves.mkdir()
    with pytest.warns(UserWarning, match="curves"):
        phase.log(20, {"loss": 1.0})


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(TrainingError, match="run folder"):
        RunRecord(tmp_path / "run", "mine", tiny_config(encoder), {})


@pytest.mark.parametrize(
    ("package", "setting"), [("wandb", "wandb_project"), ("mlflow", "mlflow_uri")]
)
def test_a_tracker_that_is_not_installed_is_named_before_training(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch, package: str, setting: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    asked = request(tmp_path, "classification", tiny_config(encoder, **{setting: "mine"}))
    with pytest.raises(TrainingError, match=f"pip install {package}"):
        finetune(asked)
    assert not asked.output.exists()
    assert told(asked.run_folder)["state"] == "failed"


class Wandb:
    """Stands for the package: keeps what it is told."""

    def __init__(self) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.summary: dict[str, float] = {}
        self.ended: int | None = None

    def init(self, **settings: Any) -> Wandb:
        self.settings = settings
        return self

    def log(self, numbers: dict[str, float], step: int) -> None:
        self.logged.append((step, numbers))

    def finish(self, exit_code: int) -> None:
        self.ended = exit_code


def test_weights_and_biases_is_told(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    config = tiny_config(encoder, method="head", wandb_project="mine", refit=True)
    artifact = finetune(request(tmp_path, "classification", config))
    assert wandb.settings["project"] == "mine"
    assert wandb.settings["config"]["method"] == "head"
    steps = [step for step, _ in wandb.logged]
    assert steps == sorted(steps)
    assert wandb.summary == artifact.metrics
    assert wandb.ended == 0


@pytest.mark.parametrize("behind", [0, 3])
def test_trackers_count_the_steps_of_the_phases_before(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    """Of a run that is done again in its folder, and of one that goes on behind its first phase."""
    wandb = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    config = tiny_config(encoder, wandb_project="mine")
    for done in (0, behind):
        record = RunRecord(tmp_path / "run", "mine", config, {})
        for run, before, steps in ((".", done, 3), ("refit", 0, 4)):
            phase = record.phase(run)
            phase.begin(before)
            for step in range(before + 1, steps + 1):
                phase.log(step, {"loss": 1.0})
        record.end({})
    assert [step for step, _ in wandb.logged] == [*range(1, 8), *range(behind + 1, 8)]
    assert [row["step"] for row in read_curves(tmp_path / "run")] == [1, 2, 3, 1, 2, 3, 4]


def test_mlflow_is_told_and_a_lost_server_costs_no_run(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def record(name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> None:
            calls.append(name)
            if name == "log_metrics":
                raise ConnectionError("the server is gone")

        return call

    names = ("set_tracking_uri", "set_experiment", "start_run", "log_params", "log_text")
    package = SimpleNamespace(**{name: record(name) for name in (*names, "log_metrics", "end_run")})
    monkeypatch.setitem(sys.modules, "mlflow", package)
    config = tiny_config(encoder, method="head", mlflow_uri="http://127.0.0.1:1")
    with pytest.warns(UserWarning, match="the server is gone"):
        artifact = finetune(request(tmp_path, "classification", config))
    assert artifact.version
    assert calls == [*names, "log_metrics"]


def test_a_service_that_refuses_the_run_is_named_before_training(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: Any) -> None:
        raise ConnectionError("no route")

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    asked = request(tmp_path, "classification", tiny_config(encoder, wandb_project="mine"))
    with pytest.raises(TrainingError, match="Weights & Biases did not take the run: no route"):
        finetune(asked)


def test_a_run_that_is_stopped_at_the_keyboard_says_so(tmp_path: Path, encoder: Path) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    asked = request(tmp_path, "classification", tiny_config(encoder))
    with pytest.raises(KeyboardInterrupt):
        finetune(replace(asked, observer=stop))
    run = told(asked.run_folder)
    assert (run["state"], run["problem"]) == ("stopped", "")
    assert finetune(asked).version
    assert told(asked.run_folder)["state"] == "done"


def test_a_recipe_is_read_back_as_it_was(tmp_path: Path, encoder: Path) -> None:
    config = replace(
        tiny_config(encoder, method="prefix"),
        methods={"prefix": {"length": 4}},
        licences={"Own": "CC0-1.0"},
        augment={"copies": 1, "swap": 0.1},
    )
    path = tmp_path / "config.toml"
    path.write_text(as_toml(config))
    assert load_config(path) == config


def test_without_git_there_is_no_commit(tmp_path: Path) -> None:
    assert git_state(tmp_path) == {}
