"""Recipes: read from TOML, checked before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.errors import DataError
from ml.training.config import FinetuneConfig, load_config
from ml.training.tracking import as_toml

RECIPES = Path(__file__).parents[3] / "ml" / "training" / "recipes"


def _write(folder: Path, content: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config(None) == FinetuneConfig()


def test_arguments_come_before_the_file_and_the_file_before_defaults(tmp_path: Path) -> None:
    path = _write(tmp_path, 'method = "head"\nepochs = 3\n[licences]\nA = "MIT"\n')
    config = load_config(path, epochs=1.5, method=None)
    assert (config.method, config.epochs, config.rank) == ("head", 1.5, FinetuneConfig().rank)
    assert config.licences == {"A": "MIT"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("epoch = 3", "unknown setting 'epoch'; is 'epochs' meant"),
        ('epochs = "three"', "must be a number"),
        ("rank = 1.5", r"rank = 1\.5 must be a whole number"),
        ("epochs = true", "epochs = True must be a number"),
        ("epochs = 0", "epochs = 0 is not allowed; it must be above 0, 10000 at most"),
        ('method = "magic"', "method = 'magic' is not allowed"),
        ("max_length = 100000", "max_length = 100000 is not allowed"),
        ("held_out = 1.0", "held_out = 1.0 is not allowed"),
        ("warmup = 1", "warmup = 1 is not allowed; it must be from 0 to below 1"),
        ('schedule = "step"', "it must be one of linear, cosine"),
        ("dropout = 1.5", "dropout = 1.5 is not allowed"),
        ("class_rows = 1", "class_rows = 1 puts no texts"),
        ("class_rows = 4\nbatch_size = 4", "class_rows = 4 fills batches of 4 with one class"),
        ("contrast = 0.5\nbatch_size = 1", "contrast is between the texts of a batch"),
        ("mixup = 0.2\nbatch_size = 1", "mixup is between the texts of a batch"),
        ("[augment]\ncopies = 2", "augment.copies change nothing; give one of synonym, deletion"),
        ('mlflow_experiment = "mine"', "mlflow_experiment asks for mlflow_uri"),
        ('method = "ia3"\nstrength = 0.5', "strength = 0.5 is for the methods lora and full"),
        ("epochs = inf", "epochs = inf is not allowed"),
        ("learning_rate = inf", "learning_rate = inf is not allowed"),
        ("keep_weight = nan", "keep_weight = nan is not allowed"),
        ("seed = -1", "recipe.toml: seed = -1 is not allowed; it must be from 0 to 4294967295"),
        ("[lorra]\nrank = 4", "unknown setting 'lorra'; is 'lora' meant"),
        ("[methods]\nfoo = 3", "unknown setting 'methods'"),
        ("[card]\nuse = 3", "card: use = 3 must be a text in quotes"),
        ("[licences]\nNews = 5", "licences: News = 5 must be a text in quotes"),
        ("epochs =", "is not TOML"),
        ("rank = 0", "lora: rank = 0 is not allowed"),
        ("[adapter]\nsize = 0", "adapter: size = 0 is not allowed"),
        ("[adapter]\nwidth = 8", "adapter has no setting 'width'; it has size, layer_norms"),
        ("adapter = 8", "adapter must be a table of the method's settings"),
        ("[full]\nlayer_decay = 2.0", "full: layer_decay = 2.0 is not allowed"),
        ('stated = ["memmory"]', "stated: unknown setting 'memmory'; is 'memory' meant"),
        ("stated = [1]", "stated: unknown setting 1"),
        ('columns = "text"', "columns = 'text' must be a table"),
        ('[columns]\nbody = "x"', "'body' is no role; there are text, label"),
        ('[columns]\ntext = "x"\nlabel = "x"', "'x' cannot hold both the text and the label"),
    ],
)
def test_a_bad_recipe_is_refused_by_name(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        load_config(_write(tmp_path, content))


def test_a_table_names_columns_and_arguments_come_in_its_place(tmp_path: Path) -> None:
    recipe = _write(tmp_path, '[columns]\ntext = "sentence"\nlabel = "intent"\n')
    config = load_config(recipe)
    assert config.columns == {"text": "sentence", "label": "intent"}
    assert load_config(_write(tmp_path, as_toml(config))).columns == config.columns
    assert load_config(recipe, columns={"text": "body"}).columns == {"text": "body"}
    assert load_config(recipe, columns=None).columns == config.columns


def test_a_table_holds_the_settings_of_its_method(tmp_path: Path) -> None:
    path = _write(
        tmp_path, 'method = "adapter"\nrank = 4\n[adapter]\nsize = 8\n[lora]\ndropout = 0.0\n'
    )
    assert load_config(path).method_settings() == {
        "name": "adapter",
        "size": 8,
        "layer_norms": True,
    }
    assert load_config(path, method="lora").method_settings() == {
        "name": "lora",
        "rank": 4,
        "alpha": 32,
        "dropout": 0.0,
    }


@pytest.mark.parametrize("task", ["intent", "sentiment", "topic", "ner"])
def test_the_shipped_recipes_say_what_they_use_and_how_to_repeat_them(task: str) -> None:
    config = load_config(RECIPES / f"{task}.toml")
    assert config.licences
    assert f"prepare {task} " in config.card["command"]
    assert f"recipes/{task}.toml" in config.card["command"]
    assert {"use", "limits", "data"} <= set(config.card)


def test_a_recipe_that_is_no_file_is_told_and_a_byte_order_mark_is_passed_over(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        load_config(tmp_path)
    recipe = tmp_path / "recipe.toml"
    recipe.write_bytes(b"\xef\xbb\xbfepochs = 2\n")
    assert load_config(recipe).epochs == 2.0
