"""Settings that mean nothing for a kind of task are refused by name, not passed over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.errors import TrainingError
from ml.training.config import FinetuneConfig, load_config, make_config
from ml.training.finetune import finetune
from ml.training.kinds import check_settings, passed_over
from ml.types import KINDS, Kind
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        ("ner", {"mixup": 0.2}, "mixup"),
        ("ner", {"r_drop": 1.0, "long_texts": "windows"}, "r_drop, long_texts"),
        ("ner", {"few_shot": "on"}, "few_shot"),
        ("embedding", {"loss": "focal"}, "loss"),
        ("embedding", {"patience": 2}, "patience"),
        ("embedding", {"augment": {"swap": 0.1}}, "augment"),
        (
            "embedding",
            {"label_smoothing": 0.1, "effective_beta": 0.9, "dropout": 0.2, "best_by": "accuracy"},
            "label_smoothing, effective_beta, dropout, best_by",
        ),
        ("embedding", {"target_error": 0.1, "focal_gamma": 1.0}, "target_error, focal_gamma"),
        ("ner", {"in_scope_kept": 0.9, "pseudo_error": 0.1}, "in_scope_kept, pseudo_error"),
        (
            "ner",
            {"pseudo_by": "propagation", "pseudo_per_class": 5},
            "pseudo_by, pseudo_per_class",
        ),
        ("ner", {"contrast_temperature": 0.2}, "contrast_temperature"),
        ("multi_label", {"memory_temperature": 0.2}, "memory_temperature"),
        ("multi_label", {"target_error": 0.1, "focal_gamma": 1.0}, "target_error, focal_gamma"),
        ("classification", {"mask": 0.3, "deletion": 0.5}, "mask, deletion"),
        ("classification", {"pair_loss": "triplet"}, "pair_loss"),
        ("classification", {"label_precision": 0.9}, "label_precision"),
        ("classification", {"augment": {"entity": 0.5}}, r"augment\.entity"),
        ("multi_label", {"keep_weight": 1.0}, "keep_weight"),
    ],
)
def test_what_is_for_another_kind_is_named(kind: Kind, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(TrainingError, match=rf"^{named}: of no meaning for the kind {kind}$"):
        check_settings(load_config(None, **changes), kind)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (
            "multi_label",
            {"label_smoothing": 0.1, "class_weights": "effective", "effective_beta": 0.9},
        ),
        ("ner", {"loss": "focal", "focal_gamma": 1.0}),
        ("ner", {"loss": "crf", "label_smoothing": 0.0}),
        ("ner", {"dropout": 0.2, "patience": 2, "best_by": "accuracy"}),
        ("classification", {"target_error": 0.1, "memory_temperature": 0.2}),
        ("classification", {"loss": "focal", "search": {"loss": ["focal", "cross_entropy"]}}),
        ("classification", {"focal_gamma": 1.0, "search": {"loss": ["focal", "cross_entropy"]}}),
        ("classification", {"label_smoothing": 0.1, "search": {"loss": ["crf"]}}),
    ],
)
def test_what_a_kind_reads_is_taken(kind: Kind, changes: dict[str, Any]) -> None:
    check_settings(FinetuneConfig(**changes), kind)


def test_what_is_for_unlabelled_texts_is_named_without_them() -> None:
    config = FinetuneConfig(pseudo_error=0.1, pseudo_by="propagation")
    check_settings(config, "classification", unlabelled=True)
    told = "^pseudo_by, pseudo_error: only for unlabelled texts without teachers$"
    with pytest.raises(TrainingError, match=told):
        check_settings(config, "classification")
    taught = replace(config, distil={"teachers": ["ml/pretrained/intent"]})
    with pytest.raises(TrainingError, match=told):
        check_settings(taught, "classification", unlabelled=True)
    with pytest.raises(TrainingError, match="unlabelled texts are for classification, not for ner"):
        check_settings(FinetuneConfig(), "ner", unlabelled=True)


@pytest.mark.parametrize(
    ("kind", "changes", "wanted"),
    [
        ("classification", {"loss": "focal", "label_smoothing": 0.1}, "loss = cross_entropy"),
        ("ner", {"loss": "crf", "label_smoothing": 0.1}, "loss = cross_entropy"),
        ("classification", {"focal_gamma": 1.0}, "loss = focal"),
        ("classification", {"class_weights": "inverse", "effective_beta": 0.9}, "effective"),
        ("classification", {"contrast_temperature": 0.2}, "contrast > 0"),
        ("classification", {"memory_temperature": 0.2, "few_shot": "off"}, "memory > 0"),
        ("embedding", {"pair_loss": "triplet", "similarity_scale": 10.0}, "multiple_negatives"),
        ("embedding", {"triplet_margin": 0.5}, "pair_loss = triplet"),
        ("ner", {"adversary_norm": 0.1}, "adversary = fgm or pgd"),
        ("ner", {"adversary": "fgm", "adversary_steps": 5}, "adversary = pgd"),
        ("ner", {"best_by": "accuracy"}, "patience > 0"),
    ],
)
def test_what_counts_only_with_another_setting_is_named(
    kind: Kind, changes: dict[str, Any], wanted: str
) -> None:
    name = list(changes)[1 if len(changes) > 1 and "few_shot" not in changes else 0]
    with pytest.raises(TrainingError, match=f"^{name}: counts only with .*{wanted}$"):
        check_settings(FinetuneConfig(**changes), kind)


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("classification", {"loss": "crf", "label_smoothing": 0.0}, "the loss crf is for taggers"),
        ("classification", {"start": "ner"}, "start is for taggers"),
        ("multi_label", {"loss": "focal"}, "learns by cross_entropy"),
        ("multi_label", {"r_drop": 1.0, "head_start": "centroids"}, "r_drop, head_start: not for"),
        ("ner", {"strength": 0.5}, "strength below 1 is for classifiers"),
        ("ner", {"loss": "crf", "class_weights": "inverse"}, "scores whole sentences"),
    ],
)
def test_why_a_kind_cannot_have_a_setting_is_told(
    kind: Kind, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(TrainingError, match=told):
        check_settings(FinetuneConfig(**changes), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_and_the_shipped_recipes_are_taken(kind: Kind) -> None:
    check_settings(FinetuneConfig(), kind)
    recipes = {
        "classification": ("intent", "few_shot", "topic", "targeted_sentiment"),
        "multi_label": ("toxicity",),
        "ner": ("ner", "ner_full"),
        "embedding": ("support_encoder",),
    }
    for name in recipes[kind]:
        check_settings(load_config(Path(f"ml/training/recipes/{name}.toml")), kind)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"method": "full", "rank": 16}, ["The method full has no rank: "]),
        ({"method": "head", "rank": 4, "alpha": 8}, ["The method head has no rank, alpha: "]),
        ({"method": "adalora", "rank": 4, "alpha": 8}, []),
        ({"method": "full"}, []),
        ({"lora": {"rank": 4}, "rank": 16}, ["The table [lora] has a rank, which counts: rank "]),
        ({"lora": {"dropout": 0.1}, "adapter_dropout": 0.2}, ["The table [lora] has a dropout"]),
        ({"adalora": {"rank": 4}, "rank": 8}, []),  # of another method than the chosen one
    ],
)
def test_what_the_chosen_method_does_not_read_is_told(
    asked: dict[str, Any], told: list[str]
) -> None:
    found = passed_over(make_config(asked, None))
    assert [words.startswith(start) for words, start in zip(found, told, strict=True)] == [
        True for _ in told
    ]
    assert all(words.endswith("changes nothing.") for words in found)


def test_a_run_goes_on_with_what_its_method_does_not_read_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    config = tiny_config(make_encoder(tmp_path / "encoder"), method="head", rank=4, epochs=1.0)
    finetune(replace(request(tmp_path, "classification", config), warn=said.append))
    assert len(said) == 1
    assert "rank" in said[0]


def test_a_run_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    asked = request(tmp_path, "embedding", tiny_config(encoder, loss="crf"))
    asked.train_file.unlink()
    with pytest.raises(TrainingError, match="loss: of no meaning"):
        finetune(asked)
    assert not asked.run_folder.exists()
