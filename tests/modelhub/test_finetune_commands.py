from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core.commands import TerminalProgress
from ml.artifacts import read_artifact
from ml.errors import ExportMismatch
from ml.runs import served
from tests.ml.training.tiny_encoder import make_encoder, pairs, texts
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db


def test_build_models_names_an_unknown_model(models: Path) -> None:
    with pytest.raises(CommandError, match="weather"):
        run("build_models", "--task", "weather")


def test_build_models_builds_what_it_can_and_names_the_rest(
    models: Path, tmp_path: Path, settings: Any
) -> None:
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    (settings.ML_PRETRAINED_DIR / "bad").mkdir(parents=True)
    (settings.ML_PRETRAINED_DIR / "bad" / "artifact.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CommandError, match="could not build bad"):
        run("build_models", "--task", "bad")


def finetune(tmp_path: Path, *more: str, kind: str = "classification", name: str = "mine") -> str:
    train = str(tmp_path / "train.jsonl")
    return run("finetune", "--kind", kind, "--name", name, "--train", train, *more)[0]


def test_finetune_names_the_file_and_the_row(models: Path, tmp_path: Path) -> None:
    written(tmp_path / "train.jsonl", {"text": "a", "label": "x"}, {"text": "b"})
    with pytest.raises(CommandError, match=r"train\.jsonl.*2"):
        finetune(tmp_path)
    assert not (tmp_path / "artifacts" / "mine").exists()


def test_finetune_refuses_a_file_that_is_not_there(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"train\.jsonl"):
        finetune(tmp_path)


def test_an_option_that_a_command_has_not_is_refused(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="unrecognized arguments: --set"):
        finetune(tmp_path, "--set", "epochs=2")  # never taken for --settings


def test_finetune_refuses_rows_of_one_label(models: Path, tmp_path: Path) -> None:
    rows = [{"text": f"text {number}", "label": "same"} for number in range(20)]
    written(tmp_path / "train.jsonl", *rows)
    with pytest.raises(CommandError, match="one class 'same'"):
        finetune(tmp_path)


@pytest.mark.parametrize("name", ["../up", "a b", "", "x" * 61, "münze", "_x"])
def test_finetune_refuses_a_name_that_is_no_name(models: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match="--name"):
        finetune(tmp_path, name=name)


def test_a_name_that_models_of_another_kind_have_is_refused_before_training(
    models: Path, tmp_path: Path
) -> None:
    rows = {"text": "card", "labels": []}
    train = ["--train", written(tmp_path / "train.jsonl", rows)]
    with pytest.raises(CommandError, match="intent is of the kind classification, not multi_label"):
        run("finetune", "--kind", "multi_label", "--name", "intent", *train)
    with pytest.raises(CommandError, match="can be held out"):  # it goes on
        run("finetune", "--kind", "multi_label", "--name", "intent", *train, "--no-build")


def test_finetune_names_an_unknown_setting(models: Path, tmp_path: Path) -> None:
    written(tmp_path / "train.jsonl", {"text": "a", "label": "x"}, {"text": "b", "label": "y"})
    (tmp_path / "recipe.toml").write_text("learning_speed = 3\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"recipe\.toml.*learning_speed"):
        finetune(tmp_path, "--config", str(tmp_path / "recipe.toml"))


def test_finetune_takes_any_method_with_its_own_settings(
    models: Path, tmp_path: Path, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    written(tmp_path / "train.jsonl", *texts())
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    recipe.write_text(
        f'encoder = "{encoder}"\nmax_length = 16\n[adapter]\nsize = 3\n', encoding="utf-8"
    )
    arguments = ("--config", str(recipe), "--method", "adapter", "--epochs", "1")
    out = finetune(tmp_path, *arguments, "--output", str(tmp_path / "made"))
    assert "as the weights do, which learned from the" in out
    declared = read_artifact(tmp_path / "made").method
    assert declared == {"name": "adapter", "size": 3, "layer_norms": True}

    recipe.write_text("[adapter]\nsize = 0\n", encoding="utf-8")
    with pytest.raises(CommandError, match="adapter: size = 0 is not allowed"):
        finetune(tmp_path, *arguments)


def test_the_measures_of_what_is_served_stand_beside_those_of_the_weights(
    models: Path, tmp_path: Path, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    quick = "max_length = 16\nbatch_size = 8\nlearning_rate = 0.01\n"
    recipe.write_text(f'encoder = "{encoder}"\nfew_shot = "off"\n{quick}', encoding="utf-8")
    arguments = (
        *("finetune", "--kind", "classification", "--name", "mine", "--config", str(recipe)),
        *("--train", written(tmp_path / "train.jsonl", *texts())),
        *("--valid", written(tmp_path / "valid.jsonl", *texts(ending="in"))),
    )
    told = result(*arguments)
    served = told["served"]["metrics"]["accuracy"]
    assert read_artifact(Path(told["folder"])).version == told["version"]
    (row,) = [row for row in result("models") if row["task"] == "mine"]
    assert (row["version"], row["served"]["accuracy"], row["active"]) == (
        told["version"],
        served,
        True,
    )
    line = next(line for line in run("models")[0].splitlines() if line.startswith("mine"))
    assert line.endswith("as served")
    assert f"accuracy {served:.3f}" in line
    printed = run(*arguments, "--seed", "5")[0]
    assert "as trained" in printed
    assert "as served" in printed


def test_what_was_trained_is_kept_where_no_graph_agrees_with_it(
    models: Path, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ExportMismatch("mine: the exported graph agrees on 12.0% of the probe texts")

    monkeypatch.setattr(served, "tell_served", refuse)
    written(tmp_path / "train.jsonl", *texts())
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    recipe.write_text(f'encoder = "{encoder}"\nmax_length = 16\nepochs = 1\n', encoding="utf-8")
    with pytest.raises(CommandError, match=r"12\.0%"):
        finetune(tmp_path, "--config", str(recipe))
    (kept,) = (tmp_path / "artifacts" / "mine").iterdir()
    assert read_artifact(kept).version == kept.name
    assert not (settings.ML_MODELS_DIR / "mine").exists()


def test_a_teacher_is_stored_without_a_served_graph(
    models: Path, tmp_path: Path, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    written(tmp_path / "train.jsonl", *texts())
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    recipe.write_text(f'encoder = "{encoder}"\nmax_length = 16\nepochs = 1\n', encoding="utf-8")
    arguments = ("--config", str(recipe), "--output", str(tmp_path / "made"), "--no-build")
    finetune(tmp_path, *arguments)
    assert read_artifact(tmp_path / "made").task == "mine"
    assert not (settings.ML_MODELS_DIR / "mine").exists()
    with pytest.raises(CommandError, match="--promote needs the served graph"):
        finetune(tmp_path, *arguments, "--promote")


def test_an_output_that_is_something_else_is_refused_before_training(
    models: Path, tmp_path: Path
) -> None:
    written(tmp_path / "train.jsonl", *texts())
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    recipe.write_text(f'encoder = "{encoder}"\nmax_length = 16\nepochs = 1\n', encoding="utf-8")
    arguments = ("--config", str(recipe), "--no-build", "--output")
    thesis = tmp_path / "mine" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("x")
    for output, problem in (
        (thesis.parent, "mine: is not empty"),
        (thesis, "thesis.txt: is no folder"),
        (thesis / "sub", "thesis.txt: is no folder"),
    ):
        with pytest.raises(CommandError, match=problem):
            finetune(tmp_path, *arguments, str(output))
    assert [path.name for path in thesis.parent.iterdir()] == ["thesis.txt"]
    assert thesis.read_text() == "x"
    assert not (tmp_path / "runs").exists()
    for _ in range(2):
        finetune(tmp_path, *arguments, str(tmp_path / "made"))
    assert read_artifact(tmp_path / "made").task == "mine"


def test_a_run_goes_on_only_with_what_it_was_stopped_at(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "train.jsonl", *texts())
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    quick = 'max_length = 16\nbatch_size = 8\nepochs = 2\nsave_every = 1\nfew_shot = "off"\n'
    recipe.write_text(f'encoder = "{encoder}"\nmethod = "head"\n{quick}', encoding="utf-8")
    valid = ("--valid", str(tmp_path / "valid.jsonl"), "--config", str(recipe), "--no-build")
    steps: list[int] = []

    def begun(*, until: int = 0) -> int:
        """The first step of a run that is stopped at a step, or goes on to its end."""

        def update(self: TerminalProgress, done: int, total: int, message: str = "") -> None:
            steps.append(done)
            if done == until:
                raise KeyboardInterrupt

        steps.clear()
        monkeypatch.setattr(TerminalProgress, "update", update)
        with nullcontext() if not until else pytest.raises(CommandError, match="goes on from"):
            finetune(tmp_path, *valid)
        return steps[0]

    written(tmp_path / "valid.jsonl", *texts(ending="in"))
    assert begun(until=5) == 1
    assert begun() > 1
    assert not list((tmp_path / "runs").rglob("checkpoint-*"))
    assert begun() == 1  # what has been stored is trained anew
    assert begun(until=5) == 1
    written(tmp_path / "valid.jsonl", *texts()[::2])
    assert begun() == 1
    assert len(list((tmp_path / "runs").iterdir())) == 2


def compared(tmp_path: Path, *more: str) -> Any:
    train, valid = texts(), texts(ending="in")
    arguments = (
        *("compare", "--kind", "classification", "--output", str(tmp_path / "comparison")),
        *("--train", written(tmp_path / "train.jsonl", *train)),
        *("--valid", written(tmp_path / "valid.jsonl", *valid)),
        *("--epochs", "1"),
    )
    return result(*arguments, *more)


def test_compare_lists_bases_and_methods(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "var"
    encoder = make_encoder(tmp_path / "encoder")
    found = compared(tmp_path, "--encoders", str(encoder), "--methods", "head")
    assert found["metric"] == "accuracy"
    (row,) = found["rows"]
    assert (row["method"], row["seeds"]) == ("head", [13])
    assert 0 <= row["quality"] <= 1
    assert row["peak_memory_mb"] > 0
    assert compared(tmp_path, "--encoders", str(encoder), "--methods", "head") == found
    with pytest.raises(CommandError, match="comparison: holds a comparison of other data or anoth"):
        compared(tmp_path, "--encoders", str(encoder), "--methods", "head", "--epochs", "2")
    with pytest.raises(CommandError, match="is not empty"):
        compared(tmp_path, "--methods", "head", "--output", str(encoder))
    other = ("--encoders", str(encoder), "--methods", "head", "--seeds", "5")
    compared(tmp_path, *other, "--output", str(tmp_path / "other" / "comparison"))
    runs = tmp_path / "var" / "runs"
    assert len(list(runs.iterdir())) == 2  # though the last part of --output is the same
    assert not list(runs.rglob("checkpoint-*"))


def test_compare_refuses_what_it_cannot_train(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "var"
    with pytest.raises(CommandError, match="whole numbers"):
        compared(tmp_path, "--seeds", "1,two")
    with pytest.raises(CommandError, match="no encoder 'nowhere'"):
        compared(tmp_path, "--encoders", "nowhere")
    with pytest.raises(CommandError, match=r"no method 'prefixx'; there are .*prefix"):
        compared(tmp_path, "--methods", "head,prefixx")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CommandError, match="file: is no folder"):
        compared(tmp_path, "--output", str(tmp_path / "file"))
    assert not (tmp_path / "var").exists()


def test_compare_tells_below_the_table_why_one_failed(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "var"
    encoder = str(make_encoder(tmp_path / "encoder"))
    train = written(tmp_path / "train.jsonl", *pairs())
    out = io.StringIO()
    with pytest.raises(CommandError, match="None of them came to its end"):
        call_command(
            *("compare", "--kind", "embedding", "--train", train, "--encoders", encoder),
            *("--methods", "head", "--output", str(tmp_path / "comparison")),
            stdout=out,
        )
    *_, row, problem = out.getvalue().splitlines()
    assert row.split() == [encoder, "head", "failed"]
    assert problem.startswith(f"{encoder}, head: the method 'head' tunes no weights")


def test_data_report_writes_a_page(models: Path, tmp_path: Path) -> None:
    rows = [{"text": f"card {n % 7} of {n}", "label": "ab"[n % 2]} for n in range(20)]
    train = written(tmp_path / "train.jsonl", *rows, {"text": "a"})
    found = result("data_report", "--train", train, "--output", str(tmp_path / "out"))
    assert found["files"]["train"]["bad_rows"] == 1
    assert found["label_noise"]["judged"] == 20
    assert Path(found["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(CommandError, match="is not empty"):
        run("data_report", "--train", train, "--output", str(tmp_path / "out"))
    with pytest.raises(CommandError, match=r"gone\.jsonl"):
        run("data_report", "--train", "gone.jsonl", "--output", str(tmp_path / "other"))


def test_weights_of_data_that_may_not_be_are_not_shipped(
    models: Path, tmp_path: Path, settings: Any
) -> None:
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[licences]\nReviews = "CC-BY-NC-4.0"\n')
    rows = written(tmp_path / "train.jsonl", *texts())
    target = tmp_path / "pretrained" / "mine"
    with pytest.raises(CommandError, match=r"Reviews \(CC-BY-NC-4.0\)"):
        run(
            *("finetune", "--kind", "classification", "--name", "mine", "--train", rows),
            *("--config", str(recipe), "--output", str(target)),
        )
    assert not target.exists()


@pytest.mark.parametrize("epochs", [0, 2])
def test_a_training_that_is_stopped_says_whether_it_goes_on(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    """It does from a checkpoint on, of which there is none at first."""
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'encoder = "{make_encoder(tmp_path / "encoder")}"\nmethod = "head"\nepochs = 4\n'
        'few_shot = "off"\nbatch_size = 8\n'
    )
    written(tmp_path / "train.jsonl", *texts())
    steps: list[int] = []

    def stop(bar: TerminalProgress, done: int, total: int, message: str = "") -> None:
        steps.append(done)
        if done > epochs * total // 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(TerminalProgress, "update", stop)
    said = "the same command goes on" if epochs else None
    with pytest.raises(CommandError if epochs else KeyboardInterrupt, match=said) as stopped:
        finetune(tmp_path, "--config", str(recipe), "--no-build")
    if not epochs:
        return
    assert stopped.value.returncode == 130  # type: ignore[attr-defined]
    monkeypatch.setattr(TerminalProgress, "update", lambda *step: steps.append(step[1]))
    steps.clear()
    finetune(tmp_path, "--config", str(recipe), "--no-build")
    assert steps[0] > 1
