"""``--columns`` of the commands that read labelled rows or texts."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from ml.artifacts import MODEL_CARD
from tests.ml.training.tiny_encoder import make_encoder, texts
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db
NAMED = ("--columns", "text=sentence,label=intent")


def renamed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"sentence": row["text"], "intent": row["label"]} for row in rows]


@pytest.fixture
def recipe(models: Path, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    path.write_text(
        f'encoder = "{encoder}"\nmethod = "head"\nepochs = 1\nmax_length = 16\nfew_shot = "off"\n',
        encoding="utf-8",
    )
    return path


def test_a_run_tells_its_columns_and_its_card_s_command_does_the_same(
    recipe: Path, tmp_path: Path
) -> None:
    train = written(tmp_path / "train.jsonl", *renamed(texts()))
    asked = ["finetune", "--kind", "classification", "--name", "mine", "--train", train]
    known = ["--config", str(recipe), "--no-build"]
    with pytest.raises(CommandError) as error:
        run(*asked, *known)
    assert "train.jsonl, row 1: lacks 'text', 'label' (it has 'sentence', 'intent')" in str(
        error.value
    )
    assert "--columns" in str(error.value)
    told = result(*asked, *known, *NAMED)
    kept = tomllib.loads((Path(told["run_folder"]) / "config.toml").read_text())
    assert kept["columns"] == {"text": "sentence", "label": "intent"}

    card = (Path(told["folder"]) / MODEL_CARD).read_text(encoding="utf-8")
    command = shlex.split(card.partition("Reproduce: `")[2].partition("`")[0])
    assert command[command.index("--columns") + 1] == NAMED[1]
    again = result(*command[1:], "--no-build", "--output", str(tmp_path / "again"))
    assert again["metrics"]["accuracy"] == told["metrics"]["accuracy"]


def test_a_recipe_s_columns_are_those_of_finetune_compare_and_search(
    recipe: Path, tmp_path: Path
) -> None:
    search = "[search]\nlearning_rate = { low = 1e-3, high = 1e-1, log = true }\n"
    columns = '[columns]\ntext = "sentence"\nlabel = "intent"\n'
    recipe.write_text(recipe.read_text() + columns + search, encoding="utf-8")
    train = written(tmp_path / "train.jsonl", *renamed(texts()), *renamed(texts(ending="in")))
    common = ["--kind", "classification", "--train", train, "--config", str(recipe)]
    found = result("search", *common, "--trials", "1", "--output", str(tmp_path / "search"))
    assert tomllib.loads(Path(found["recipe"]).read_text())["columns"]["text"] == "sentence"
    compared = result("compare", *common, "--output", str(tmp_path / "compared"))
    assert "problem" not in compared["rows"][0]
    with pytest.raises(CommandError, match="lacks 'phrase'"):
        run("find_learning_rate", *common, "--columns", "text=phrase,label=intent")


def test_what_measures_predicts_and_reports_takes_columns(models: Path, tmp_path: Path) -> None:
    rows = [{"sentence": "card lost", "intent": "card"}, {"sentence": "euro", "intent": "rate"}]
    file = written(tmp_path / "rows.jsonl", *rows)
    measured = result("evaluate", "--task", "intent", "--file", file, *NAMED)
    assert (measured["n"], measured["accuracy"], measured["bad_rows"]) == (2, 1.0, 0)
    asked = ("predict", "--task", "intent", "--file", file, *NAMED)
    assert [one["text"] for one in result(*asked)["predictions"]] == ["card lost", "euro"]
    suggested = result("suggest_texts", "--task", "intent", "--file", file, *NAMED)
    assert {one["text"] for one in suggested["texts"]} == {"card lost", "euro"}
    report = str(tmp_path / "report")
    told = result("data_report", "--train", file, *NAMED, "--output", report)
    assert {row["label"] for row in told["labels"]} == {"card", "rate"}


@pytest.mark.parametrize("command", ["evaluate", "predict", "suggest_texts"])
@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("text", "--columns: 'text' is not ROLE=COLUMN"),
        ("body=sentence", "--columns: 'body' is no role; there are text, label"),
        ("text=a,label=a", "'a' cannot hold both the text and the label"),
        ("text=phrase", "rows.jsonl.*'phrase'.*'sentence', 'intent'"),
    ],
)
def test_columns_that_cannot_be_are_told_in_one_line(
    models: Path, tmp_path: Path, command: str, columns: str, problem: str
) -> None:
    file = written(tmp_path / "rows.jsonl", {"sentence": "card", "intent": "card"})
    with pytest.raises(CommandError, match=problem) as error:
        run(command, "--task", "intent", "--file", file, "--columns", columns)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (["predict", "--task", "intent", "--text", "card"], "--file"),
        (["explain", "--task", "intent", "--text", "card"], "--train"),
        (["export", "--task", "intent", "--precision", "fp16", "--output", "x"], "--rows and"),
        (["shrink", "--encoder", "e", "--layers", "0", "--output", "x"], "--rows"),
    ],
)
def test_columns_without_a_file_are_refused(models: Path, command: list[str], file: str) -> None:
    with pytest.raises(CommandError, match=f"--columns are those of {file}"):
        run(*command, "--columns", "text=a")


def test_conll_is_refused_with_columns(models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.conll", "Acme B-ORG", "in O", "")
    with pytest.raises(CommandError, match=r"rows\.conll: is CoNLL"):
        run("evaluate", "--task", "ner", "--file", file, "--columns", "tokens=words")
    named = json.dumps({"words": ["Acme"], "bio": ["B-ORG"]})
    file = written(tmp_path / "rows.jsonl", named)
    told = result("evaluate", "--task", "ner", "--file", file, "--columns", "tokens=words,tags=bio")
    assert told["n"] == 1
