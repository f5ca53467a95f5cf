"""``finetune_together``, and the other commands on a task that a joint model answers for."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from apps.core import gateway
from apps.modelhub import selectors
from apps.modelhub.models import Promotion
from ml.artifacts import read_artifact
from ml.serving.registry import ModelStore
from tests.ml.processors import processor_that
from tests.ml.training.tiny_encoder import make_encoder
from tests.ml.training.tiny_joint import joint_request
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def recipe(models: Path, tmp_path: Path) -> Path:
    asked = joint_request(tmp_path / "joint", make_encoder(tmp_path / "encoder"))
    path = tmp_path / "recipe.toml"
    path.write_text(asked.recipe.as_toml(), encoding="utf-8")
    return path


@pytest.mark.parametrize(("called", "kind"), [('name = "all"', "joint"), ("[tasks.names]", "ner")])
def test_a_name_that_models_of_another_kind_have_is_refused_before_training(
    recipe: Path, tmp_path: Path, called: str, kind: str
) -> None:
    other = called.replace("all", "intent").replace("names", "intent")
    text = recipe.read_text(encoding="utf-8").replace(called, other)
    recipe.write_text(text.replace("[tasks.names.", "[tasks.intent.") if kind == "ner" else text)
    with pytest.raises(CommandError, match=f"intent is of the kind classification, not {kind}"):
        run("finetune_together", "--config", str(recipe))
    assert not (tmp_path / "runs").exists()


def test_its_tasks_are_listed_asked_measured_and_taken_back(
    recipe: Path, tmp_path: Path, settings: Any
) -> None:
    shown, _ = run("finetune_together", "--config", str(recipe), "--json")
    told = json.loads(shown.splitlines()[-1])
    assert "as served" in shown
    assert re.search(r"^matter_accuracy +[01]\.\d{4} +[01]\.\d{4}$", shown, re.MULTILINE)
    assert re.search(r"^matter_n +\d+$", shown, re.MULTILINE)
    assert told["served"]["matter"]["metrics"]["accuracy"] > 0.5
    assert told["promoted"] is False  # but active, as there was no other
    assert set(told["tasks"]) == {"matter", "names", "meaning"}
    assert read_artifact(Path(told["folder"])).version == told["version"]

    assert not list(Path(told["run_folder"]).rglob("checkpoint-*"))

    listed = {row["task"]: row for row in result("models")}
    assert "all" not in listed
    assert listed["matter"]["version"] == told["tasks"]["matter"]
    assert (listed["matter"]["active"], listed["matter"]["trunk"]) == (True, "all")
    assert listed["matter"]["size_bytes"] == listed["names"]["size_bytes"] > 10_000
    assert listed["intent"]["trunk"] == ""
    assert "one pass with all" in run("models")[0]

    (answer,) = result("predict", "--task", "matter", "--text", "card lost")["predictions"]
    assert answer["label"] == "card"
    (tagged,) = result("predict", "--task", "names", "--text", "Ann lost the card")["predictions"]
    assert [entity["text"] for entity in tagged["entities"]] == ["Ann"]

    joint = recipe.with_name("joint")
    measured = result("evaluate", "--task", "matter", "--file", str(joint / "matter_valid.jsonl"))
    assert measured["accuracy"] > 0.9
    assert measured["version"] == told["tasks"]["matter"]
    measured = result("evaluate", "--task", "names", "--file", str(joint / "names_valid.jsonl"))
    assert measured["f1"] > 0.6

    card = selectors.card_html(task="matter", version=told["tasks"]["matter"])
    assert "measured on held-out rows" in card

    again = result("finetune_together", "--config", str(recipe), "--seed", "5", "--promote")
    store = gateway.model_store()
    assert store.active_version("names") == again["tasks"]["names"] != told["tasks"]["names"]
    run("promote", "--task", "names", "--version", told["tasks"]["names"])
    assert store.active_version("names") == told["tasks"]["names"]
    with pytest.raises(CommandError, match="all is of the kind joint, not classification"):
        run("finetune", *("--kind", "classification", "--name", "all", "--train", str(joint)))
    with pytest.raises(CommandError, match="is the joint model of matter, meaning, names"):
        run("promote", "--task", "all", "--version", told["version"])
    assert not Promotion.objects.filter(task="all").exists()
    assert "all" not in store.tasks()
    asked = ("--text", "card lost", "--method", "gradients")
    assert result("explain", "--task", "matter", *asked)["label"] == "card"
    with pytest.raises(CommandError, match="all reads matter, meaning, names in one pass"):
        run(*("export", "--task", "matter", "--precision", "fp32"), "--output", str(tmp_path / "x"))


def test_a_shipped_joint_model_is_built_with_its_tasks(
    recipe: Path, tmp_path: Path, settings: Any
) -> None:
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    output = str(settings.ML_PRETRAINED_DIR / "all")
    told = result("finetune_together", "--config", str(recipe), "--output", output)
    for name in told["tasks"]:
        shutil.rmtree(settings.ML_MODELS_DIR / name / told["tasks"][name])
    assert result("build_models", "--task", "all") == {"all": told["version"]}
    assert gateway.model_store().artifact("matter").version == told["tasks"]["matter"]
    assert result("build_models", "--task", "matter") == {"all": told["version"]}

    # What is broken of it is built again, and a task without an active version gets one.
    def build() -> str:
        gateway._store_at.cache_clear()  # as in a process of its own
        problems = run("build_models", "--task", "all")[1]
        store = ModelStore(settings.ML_MODELS_DIR)
        assert {*told["tasks"]} <= {*store.tasks()}
        assert store.problems() == {}
        return problems

    matter = settings.ML_MODELS_DIR / "matter"
    (matter / told["tasks"]["matter"] / "artifact.json").write_text("{", encoding="utf-8")
    assert "matter: rebuilding" in (problems := build())
    assert "all: rebuilding" not in problems
    with (settings.ML_MODELS_DIR / "all" / told["version"] / "tokenizer.json").open("ab") as file:
        file.write(b" ")
    assert "all: rebuilding" in build()
    (matter / "active.json").unlink()
    assert build() == ""


def test_a_joint_model_of_our_own_is_mended_with_its_tasks(recipe: Path, settings: Any) -> None:
    with processor_that(overflows=False):
        told = result("finetune_together", "--config", str(recipe))
    with processor_that(overflows=True):
        store = ModelStore(settings.ML_MODELS_DIR)
        assert {*store.problems()} == {*told["tasks"]}
        assert "matter: rebuilding" in run("build_models", "--task", "matter")[1]
        assert store.problems() == {}


def test_what_may_not_be_shipped_is_not_trained(
    recipe: Path, tmp_path: Path, settings: Any
) -> None:
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    recipe.write_text(recipe.read_text().replace("CC0-1.0", "CC-BY-NC-4.0", 1), encoding="utf-8")
    with pytest.raises(CommandError, match=r"cannot be shipped: trained on Tiny rows"):
        run(
            *("finetune_together", "--config", str(recipe)),
            *("--output", str(tmp_path / "pretrained" / "all")),
        )
    assert not (tmp_path / "pretrained").exists()


def test_an_output_with_other_files_is_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="joint: is not empty"):
        run("finetune_together", "--config", str(recipe), "--output", str(tmp_path / "joint"))
    assert not (tmp_path / "runs").exists()


def test_bad_rows_and_recipes_end_in_one_line(recipe: Path) -> None:
    written(recipe.with_name("joint") / "matter_train.jsonl", {"text": "a", "label": 3})
    with pytest.raises(CommandError, match=r"matter_train\.jsonl.*1"):
        run("finetune_together", "--config", str(recipe))
    recipe.write_text('name = "x"\n', encoding="utf-8")
    with pytest.raises(CommandError, match="two tasks or more"):
        run("finetune_together", "--config", str(recipe))
