"""Joint recipes: what a TOML file may say, and what is said of one that may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.errors import DataError
from ml.training.joint_recipe import load_recipe

GOOD = """
name = "desk"
sampling = 0.7
shapes = "head"
rank = 4
epochs = 2

[lora]
dropout = 0.0

[licences]
Ours = "as the project"

[tasks.matter]
kind = "classification"
train = "a.jsonl"
valid = "b.jsonl"
weight = 2
long_texts = "windows"
r_drop = 1
label_names = true

[tasks.names]
kind = "ner"
train = "c.jsonl"
[tasks.names.licences]
Theirs = "CC0-1.0"
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_is_read_and_told_again(tmp_path: Path) -> None:
    recipe = load_recipe(_write(tmp_path, GOOD), epochs=3.0, seed=None)
    assert (recipe.name, recipe.sampling, recipe.shapes) == ("desk", 0.7, "head")
    assert (recipe.config.rank, recipe.config.epochs) == (4, 3.0)
    assert recipe.config.method_settings()["dropout"] == 0.0
    matter, names = recipe.tasks
    assert (matter.kind, matter.weight, matter.train, matter.valid) == (
        *("classification", 2.0),
        Path("a.jsonl"),
        Path("b.jsonl"),
    )
    assert names.valid is None
    assert (matter.long_texts, names.long_texts) == ("windows", "cut")
    assert matter.learning == {"r_drop": 1.0, "label_names": True}
    assert (matter.config(recipe.config).r_drop, recipe.config.r_drop) == (1.0, 0.0)
    assert names.learning == {}
    assert (matter.licences, names.licences) == (
        {"Ours": "as the project"},
        {"Theirs": "CC0-1.0"},
    )
    assert recipe.files == {
        "matter train": Path("a.jsonl"),
        "matter valid": Path("b.jsonl"),
        "names train": Path("c.jsonl"),
    }
    assert load_recipe(_write(tmp_path, recipe.as_toml())) == recipe


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[tasks.names]", "[task.names]", "unknown setting 'task'"),
        ('name = "desk"', "", "name: None is no name"),
        ('name = "desk"', 'name = "matter"', "name of the whole and of a task"),
        ("[tasks.names]", '[tasks."na.mes"]', "'na.mes' is no name"),
        ("sampling = 0.7", "sampling = 2", "sampling = 2 is not between"),
        ('shapes = "head"', 'shapes = "none"', "shapes = 'none'"),
        ('kind = "ner"', 'kind = "joint"', r"tasks\.names\.kind must be one of"),
        ('train = "c.jsonl"', "", r"tasks\.names\.train is missing"),
        ('train = "c.jsonl"', "train = 3", r"tasks\.names\.train must be the name"),
        ("weight = 2", "weight = 0", r"tasks\.matter\.weight = 0"),
        ("weight = 2", "wait = 2", r"tasks\.matter\.wait is unknown"),
        ("rank = 4", "rank = 4\nr_drop = 1.0", "r_drop is not for tasks.*table of one"),
        ("r_drop = 1", "r_drop = -1", r"tasks\.matter: r_drop = -1 is not allowed"),
        ("r_drop = 1", 'head_start = "warm"', r"tasks\.matter: head_start = 'warm'"),
        (
            "label_names = true",
            "label_names = 1",
            r"tasks\.matter: label_names = 1 must be true or false",
        ),
        ('kind = "ner"', 'kind = "ner"\nr_drop = 1.0', r"names\.r_drop is for classification"),
        ("rank = 4", 'rank = 4\nlong_texts = "windows"', "long_texts is not for tasks"),
        (
            'long_texts = "windows"',
            'long_texts = "head_tail"',
            r"matter\.long_texts = 'head_tail' is neither",
        ),
        (
            'train = "c.jsonl"',
            'train = "c"\nlong_texts = "windows"',
            "long_texts is for classifiers",
        ),
        ("rank = 4", "rank = 0", "rank"),
        ("rank = 4", "rank = 4\nfocal_gamma = 1.0", "focal_gamma: counts only with loss = focal"),
        ("rank = 4", "rank = 4\nadversary_norm = 0.1", "only with adversary = fgm or pgd"),
        ("rank = 4", 'rank = 4\nloss = "crf"', "'crf' is for taggers"),
        ("rank = 4", 'rank = 4\nfew_shot = "on"', "few_shot = 'on' is not for tasks"),
        ("rank = 4", 'rank = 4\npseudo_by = "propagation"', "pseudo_by is not for tasks"),
        ("rank = 4", 'rank = 4\npair_loss = "triplet"', "pair_loss is not for tasks"),
        ("rank = 4", "rank = 4\nlabel_precision = 0.9", "label_precision is for tasks of several"),
        ('Theirs = "CC0-1.0"', "Theirs = 1", r"tasks\.names\.licences must be a table"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(DataError, match=said):
        load_recipe(_write(tmp_path, GOOD.replace(old, new, 1)))


def test_one_task_is_not_together(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two tasks or more"):
        load_recipe(_write(tmp_path, GOOD.partition("[tasks.names]")[0]))
    with pytest.raises(DataError, match="is not TOML"):
        load_recipe(_write(tmp_path, "name ="))


def test_columns_are_those_of_all_tasks_or_of_one(tmp_path: Path) -> None:
    shared = GOOD.replace("[licences]", '[columns]\ntext = "body"\n\n[licences]')
    own = shared + '[tasks.names.columns]\ntokens = "words"\n'
    recipe = load_recipe(_write(tmp_path, own))
    found = [task.config(recipe.config).columns for task in recipe.tasks]
    assert found == [{"text": "body"}, {"tokens": "words"}]
    again = load_recipe(_write(tmp_path, recipe.as_toml()))
    assert again.tasks == recipe.tasks
    given = load_recipe(_write(tmp_path, own), columns={"text": "phrase"})
    assert [task.columns for task in given.tasks] == [{"text": "phrase"}, {"tokens": "words"}]
    for bad, said in (
        ("words = 3", "tasks.names.columns: 'words' is no role"),
        ("tokens = 3", "tasks.names.columns: tokens = 3 names no column"),
    ):
        with pytest.raises(DataError, match=said):
            load_recipe(_write(tmp_path, f"{GOOD}[tasks.names.columns]\n{bad}\n"))
    table = GOOD.replace('train = "c.jsonl"', 'train = "c.jsonl"\ncolumns = "words"')
    with pytest.raises(DataError, match=r"tasks\.names\.columns must be a table"):
        load_recipe(_write(tmp_path, table))
