"""Few rows a class: the settings they get, the names of labels, the head's start."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from ml.artifacts import ADAPTER, HEAD, MODEL_CARD
from ml.data.encoding import load_tokenizer
from ml.encoders import resolve_encoder
from ml.errors import DataError, MLError, TrainingError
from ml.training.config import FinetuneConfig, load_config
from ml.training.datasets import MOST_PIECES, EncodedRow, counted_by_text
from ml.training.few_rows import FEW, STEPS, STRENGTH, fitted_to_few
from ml.training.few_shot import _logistic, label_rows
from ml.training.finetune import finetune
from ml.training.order import ClassOrder
from ml.training.tasks import ClassifierTask
from ml.training.tracking import as_toml
from tests.ml.training.tiny_encoder import (
    make_encoder,
    request,
    texts,
    tiny_config,
    write_rows,
)

RECIPE = Path(__file__).parents[3] / "ml" / "training" / "recipes" / "few_shot.toml"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def test_few_rows_get_steps_enough_and_many_are_left_alone() -> None:
    plain = FinetuneConfig()
    few = fitted_to_few(plain, rows=50, classes=10)
    assert few.epochs * -(-50 // few.batch_size) >= STEPS
    assert (few.head_start, few.label_names) == ("logistic", True)
    assert few.rate < plain.rate
    assert fitted_to_few(plain, rows=FEW * 10 + 1, classes=10) is plain
    assert fitted_to_few(replace(plain, few_shot="off"), rows=50, classes=10).epochs == plain.epochs
    forced = fitted_to_few(replace(plain, few_shot="on"), rows=10_000, classes=2)
    assert (forced.head_start, forced.epochs) == ("logistic", plain.epochs)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_few_rows_are_contrasted_where_a_batch_holds_other_classes(batch_size: int) -> None:
    few = fitted_to_few(FinetuneConfig(batch_size=batch_size), rows=50, classes=10)
    assert (few.contrast > 0, few.class_rows > 0) == (batch_size > 2,) * 2


def test_rows_held_out_of_few_are_trained_on_in_the_end() -> None:
    plain = FinetuneConfig()
    assert fitted_to_few(plain, rows=50, classes=10, own_split=True).refit
    assert not fitted_to_few(plain, rows=50, classes=10).refit
    assert not fitted_to_few(plain, rows=5000, classes=10, own_split=True).refit


def test_the_shipped_recipe_is_what_few_rows_get_without_one() -> None:
    by_itself = fitted_to_few(FinetuneConfig(), rows=50, classes=10, own_split=True)
    written = fitted_to_few(load_config(RECIPE), rows=50, classes=10)
    assert replace(written, few_shot="auto", card={}, stated=[]) == by_itself


def test_the_recipe_of_many_rows_is_fitted_to_few() -> None:
    written = load_config(RECIPE.with_name("intent.toml"))
    few = fitted_to_few(written, rows=770, classes=77)
    assert (few.epochs, few.schedule) == (12.0, "cosine")
    assert fitted_to_few(written, rows=7700, classes=77) == written


def test_what_is_given_beside_the_recipe_stays_where_rows_are_few(tmp_path: Path) -> None:
    given = load_config(None, epochs=5.0, label_names=False)
    few = fitted_to_few(given, rows=50, classes=10)
    assert (few.epochs, few.label_names, few.head_start) == (5.0, False, "logistic")
    stored = tmp_path / "config.toml"
    stored.write_text(as_toml(given), encoding="utf-8")
    assert fitted_to_few(load_config(stored), rows=50, classes=10) == few


def test_what_a_recipe_writes_at_its_default_stays_where_rows_are_few(tmp_path: Path) -> None:
    recipe, stored = tmp_path / "recipe.toml", tmp_path / "config.toml"
    recipe.write_text("epochs = 5\nmemory = 0.0\nrefit = false\n[lora]\nrank = 8\n")
    written = load_config(recipe)
    few = fitted_to_few(written, rows=50, classes=10, own_split=True)
    assert (few.epochs, few.memory, few.refit, few.head_start) == (5.0, 0.0, False, "logistic")
    stored.write_text(as_toml(written), encoding="utf-8")
    assert load_config(stored) == written
    recipe.write_text('memory = 0.0\nstated = ["memory"]\nepochs = 5\n', encoding="utf-8")
    few = fitted_to_few(load_config(recipe), rows=50, classes=10)
    assert (few.memory, few.epochs > 5) == (0.0, True)
    beside = load_config(recipe, epochs=5.0)
    assert fitted_to_few(beside, rows=50, classes=10).epochs == 5


def test_a_head_that_is_to_start_at_random_is_not_found_anew() -> None:
    said = FinetuneConfig(stated=["head_start"])
    assert fitted_to_few(FinetuneConfig(), rows=50, classes=10).strength < 1
    few = fitted_to_few(said, rows=50, classes=10)
    assert (few.head_start, few.strength) == ("random", 1.0)


def test_few_rows_can_be_trained_on_until_it_gets_worse() -> None:
    few = fitted_to_few(FinetuneConfig(patience=2), rows=50, classes=10, own_split=True)
    assert (few.patience, few.refit) == (2, False)
    said = FinetuneConfig(stated=["refit"])
    assert not fitted_to_few(said, rows=50, classes=10, own_split=True).refit


def test_rows_of_a_class_stand_together_in_batches() -> None:
    labels = [row % 10 for row in range(50)]
    order = ClassOrder(labels, 2, seed=3)
    first = list(order)
    assert sorted(first) == list(range(50))
    pairs = [
        (labels[one], labels[two]) for one, two in zip(first[:40:2], first[1:40:2], strict=True)
    ]
    assert all(one == two for one, two in pairs)
    assert list(order) == first
    order.epoch = 1
    assert list(order) != first


def test_what_the_recipe_says_comes_before_what_few_rows_ask_for() -> None:
    said = FinetuneConfig(learning_rate=2e-3, epochs=3.0, contrast=0.1)
    few = fitted_to_few(said, rows=50, classes=10)
    assert (few.learning_rate, few.epochs, few.contrast) == (2e-3, 3.0, 0.1)
    assert few.label_names


def test_labels_with_words_are_rows_of_theirs() -> None:
    found = label_rows(["card_arrival", "top-up", "7", "B2", "\u9000\u6b3e\u7533\u8bf7"])
    assert [(row.text, row.label) for row in found] == [
        ("card arrival", "card_arrival"),
        ("top up", "top-up"),
        ("\u9000\u6b3e\u7533\u8bf7", "\u9000\u6b3e\u7533\u8bf7"),
    ]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("\u9000\u6b3e", True),  # Chinese: refund
        ("\ud658\ubd88", True),  # Korean: refund
        ("\u0631\u062f\u0651", False),  # two Arabic letters and the sign of a doubled one
        ("\u0634\u0643\u0648\u0649", True),  # Arabic: complaint
        ("\u7532", False),  # as "A" is
        ("\u75322", False),
    ],
)
def test_a_label_of_two_characters_has_words_where_a_character_says_as_much(
    label: str, words: bool
) -> None:
    assert [row.label for row in label_rows([label])] == ([label] if words else [])


def test_the_head_starts_where_nearest_centroid_search_ends(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, head_start="centroids"))
    source = resolve_encoder(str(encoder))
    task = ClassifierTask.read(asked, source, load_tokenizer(source.path / "tokenizer.json"))
    model = task.make().eval()
    vectors, labels, answers = [], [], []
    for row in task.rows:
        with torch.no_grad():
            ids = torch.tensor([row.input_ids])
            output = model(ids, torch.ones_like(ids))
        vectors.append(functional.normalize(output["pooled"][0], dim=-1))
        labels.append(row.labels)
        answers.append(output["logits"][0].argmax().item())
    units, gold = torch.stack(vectors), torch.tensor(labels)
    centroids = functional.normalize(
        torch.stack([units[gold == label].mean(dim=0) for label in (0, 1)]), dim=-1
    )
    difference = centroids[0] - centroids[1]
    nearest = (units @ difference < 0).long().tolist()
    assert answers == nearest
    assert model.head[-1].bias.abs().max() == 0


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_starts_as_the_logistic_regression(classes: int) -> None:
    generator = torch.Generator().manual_seed(1)
    middles = 3 * torch.randn(classes, 16, generator=generator)
    labels = torch.arange(classes).repeat(8)
    units = functional.normalize(
        middles[labels] + torch.randn(len(labels), 16, generator=generator), dim=-1
    )
    weights, bias = _logistic(units, labels, classes + 1, torch.ones(len(labels)))
    answers = units @ weights.T + bias
    assert answers.argmax(dim=1).tolist() == labels.tolist()
    probabilities = LogisticRegression(C=30.0).fit(units.numpy(), labels.numpy())
    expected = torch.from_numpy(probabilities.predict_proba(units.numpy())).float()
    assert torch.allclose(answers[:, :classes].softmax(dim=1), expected, atol=1e-3)


def test_a_long_text_counts_as_one_where_the_head_starts() -> None:
    rows = [EncodedRow([1], labels=0, owner=0, weight=2.0)]
    rows += [EncodedRow([1], labels=1, owner=1, weight=2.0) for _ in range(30)]
    once = counted_by_text(rows)
    assert len(once) == 1 + MOST_PIECES
    assert sum(row.weight for row in once if row.labels == 0) == 2.0
    assert sum(row.weight for row in once if row.labels == 1) == pytest.approx(2.0)


def test_of_a_long_text_a_memory_keeps_what_is_learned_from(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, long_texts="windows", max_length=16, memory=0.3)
    asked = request(tmp_path, "classification", config)
    rows = asked.train_file.read_text(encoding="utf-8").splitlines()
    long = json.loads(rows[0])
    long["text"] = " ".join([long["text"]] * 400)
    asked.train_file.write_text("\n".join([json.dumps(long), *rows[1:]]) + "\n", encoding="utf-8")
    artifact = finetune(asked)
    kept = load_file(asked.output / HEAD)["memory.weights"]
    assert len(kept) <= artifact.data[0].rows + MOST_PIECES
    assert kept.min() < kept.max() / 4


def test_a_few_shot_run_learns_and_says_what_it_did(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, few_shot="on", epochs=4.0)
    asked = request(tmp_path, "classification", config)
    artifact = finetune(asked)
    recipe = artifact.settings["recipe"]
    assert (recipe["head_start"], recipe["label_names"]) == ("logistic", True)
    assert recipe["strength"] == STRENGTH
    assert f", {STRENGTH:.0%} of the change kept, " in (asked.output / MODEL_CARD).read_text()
    assert artifact.metrics["accuracy"] > 0.6
    assert artifact.data[0].rows == len(texts())
    assert HEAD in artifact.files
    run = json.loads((asked.run_folder / "run.json").read_text())
    assert run["fitted"]["head_start"] == "logistic"
    assert run["fitted"]["contrast"] == recipe["contrast"] > 0
    assert "epochs" not in run["fitted"]
    page = (asked.run_folder / "report.html").read_text()
    assert "fitted to them" in page
    assert re.search(r"<td>label_names</td><td class=\"n\">true</td>", page)


def test_augmented_rows_are_trained_on_but_not_counted_as_data(
    tmp_path: Path, encoder: Path
) -> None:
    config = tiny_config(encoder, epochs=2.0, augment={"copies": 2, "swap": 0.5}, refit=True)
    plain = request(tmp_path / "plain", "classification", replace(config, augment={}))
    more = request(tmp_path / "more", "classification", config)
    seen: list[int] = []
    finetune(plain)
    artifact = finetune(more, lambda done, total, message: seen.append(total))
    assert min(seen) > 2 * -(-len(texts()) // 8)
    assert artifact.metrics["n"] == len(texts())
    assert [source.rows for source in artifact.data] == [len(texts())] * 2
    assert artifact.settings["recipe"]["augment"] == {"copies": 2, "swap": 0.5}
    assert (plain.output / HEAD).read_bytes() != (more.output / HEAD).read_bytes()


def test_names_are_exchanged_in_tagged_rows(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=6.0, augment={"copies": 1, "entity": 0.5})
    assert finetune(request(tmp_path, "ner", config)).metrics["f1"] > 0.3


def test_names_that_cannot_be_exchanged_are_told_before_training(
    tmp_path: Path, encoder: Path
) -> None:
    config = tiny_config(encoder, augment={"copies": 1, "entity": 0.5})
    asked = replace(request(tmp_path, "ner", config), valid_file=None)
    tags = ["O", "B-product"]
    write_rows(
        asked.train_file, [{"tokens": [f"w{n}", "Walkman"], "tags": tags} for n in range(40)]
    )
    with pytest.raises(
        TrainingError, match=r"augment\.entity exchanges no names.*lists of product"
    ):
        finetune(asked)
    assert not asked.output.exists()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"few_shot": "maybe"}, "few_shot"),
        ({"head_start": "zero"}, "head_start"),
        ({"memory": 1.0}, "memory = 1.0 is not allowed; it must be"),
        ({"memory": -0.1}, "memory = -0.1 is not allowed; it must be"),
        ({"memory_temperature": 0.0}, "memory_temperature = 0.0 is not allowed; it must be"),
        ({"augment": {"copy": 1}}, r"augment\.copy is unknown"),
        ({"augment": {"swap": 2.0}}, r"augment\.swap = 2\.0"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        FinetuneConfig(**settings)


def test_the_encoder_goes_part_of_the_way_back_and_the_head_follows(
    tmp_path: Path, encoder: Path
) -> None:
    kept = {}
    for strength in (1.0, 0.5):
        config = tiny_config(encoder, epochs=3.0, head_start="logistic", strength=strength)
        asked = request(tmp_path / str(strength), "classification", config)
        artifact = finetune(asked)
        assert artifact.metrics["accuracy"] > 0.6
        kept[strength] = (load_file(asked.output / ADAPTER), load_file(asked.output / HEAD))
    (whole, head), (half, other) = kept[1.0], kept[0.5]
    for name, weights in whole.items():
        share = 0.5 if "lora_B" in name else 1.0
        np.testing.assert_allclose(half[name], share * weights, rtol=1e-5)
    assert any(not np.allclose(head[name], other[name]) for name in head)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"strength": 0.5, "few_shot": "off"}, "needs a head_start"),
        ({"strength": 0.5, "method": "ia3", "head_start": "logistic"}, "strength = 0.5"),
    ],
)
def test_a_change_that_cannot_be_weakened_is_refused(
    tmp_path: Path, encoder: Path, settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(MLError, match=problem):
        finetune(request(tmp_path, "classification", tiny_config(encoder, **settings)))
