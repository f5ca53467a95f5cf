"""What a search may change, and within what bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml.errors import DataError
from ml.training.config import METHODS, FinetuneConfig, load_config
from ml.training.few_rows import fitted_to_few
from ml.training.search_space import Choice, Range, search_space
from ml.types import Kind

SPACE = {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "rank": [2, 4]}


def test_lists_and_tables() -> None:
    config = load_config(
        None, search={**SPACE, "epochs": [1, 2], "batch_size": {"low": 8, "high": 64}}
    )
    assert search_space(config) == {
        "learning_rate": Range(1e-3, 1e-1, log=True),
        "rank": Choice((2, 4)),
        "epochs": Choice((1.0, 2.0)),
        "batch_size": Range(8, 64, whole=True),
    }


@pytest.mark.parametrize("method", ["lora", "full", "head", "prefix"])
def test_every_method_has_a_usual_one(method: str) -> None:
    space = search_space(load_config(None, method=method))
    assert isinstance(space["learning_rate"], Range)
    assert ("rank" in space) == (method == "lora")


@pytest.mark.parametrize(
    ("name", "asked", "problem"),
    [
        ("rate", [1.0], "no setting"),
        ("seed", [1, 2], "no setting"),
        ("card", [{}], "no setting"),
        ("stated", [["memory"]], "no setting"),
        ("rank", [], "lists no value"),
        ("rank", [4, "8"], "'8'"),
        ("rank", {"low": 1.5, "high": 4}, "whole number"),
        ("dropout", {"low": 0.3, "high": 0.1}, "begins at 0.3"),
        ("dropout", {"low": 0.0, "high": 0.3, "log": True}, "logarithm"),
        ("dropout", {"low": 0.1}, "low, high and log"),
        ("dropout", {"low": "a", "high": "b"}, "no numbers"),
        ("dropout", 0.1, "low, high and log"),
        ("schedule", {"low": 0, "high": 1}, "list its values"),
        ("schedule", ["linear", "square"], "'square'"),
        ("warmup", {"low": 0.0, "high": 2.0}, "2.0: .* must be from 0"),
    ],
)
def test_what_is_wrong_is_named(name: str, asked: Any, problem: str) -> None:
    with pytest.raises(DataError, match=f"search.{name}.*{problem}"):
        search_space(load_config(None, search={name: asked}))


@pytest.mark.parametrize(
    ("kind", "search"),
    [
        ("ner", {"mixup": {"low": 0.0, "high": 0.2}}),
        ("multi_label", {"mixup": [0.0, 0.2], "focal_gamma": [1.0, 2.0]}),
        ("classification", {"keep_weight": [1.0, 10.0]}),
    ],
)
def test_what_means_nothing_for_the_kind_is_refused(kind: Kind, search: dict[str, Any]) -> None:
    (*_, name) = search
    with pytest.raises(DataError, match=f"search.{name} .* of no meaning for the kind {kind}"):
        search_space(load_config(None, search=search), kind)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"methods": {"lora": {"rank": 8}}}, r"search.rank .* \[lora\] has a rank"),
        ({"method": "full"}, "search.rank .* the method full has no rank"),
        (
            {"methods": {"lora": {"dropout": 0.1}}, "search": {"adapter_dropout": [0.0, 0.1]}},
            r"search.adapter_dropout .* \[lora\] has a dropout",
        ),
        (
            {"search": {"method": ["full", "head"], "alpha": [16, 32]}},
            "search.alpha .* full has no alpha; the method head has no alpha",
        ),
    ],
)
def test_what_can_change_nothing_is_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        search_space(load_config(None, **({"search": {"rank": [2, 4]}} | settings)))


def test_what_counts_for_one_of_the_methods_is_searched() -> None:
    config = load_config(
        None,
        method="full",
        methods={"lora": {"rank": 8}, "adalora": {"alpha": 8}},
        search={"method": ["lora", "adalora"], "rank": [2, 4]},
    )
    assert search_space(config)["rank"] == Choice((2, 4))


def test_the_usual_one_leaves_a_rank_alone_that_a_table_names() -> None:
    assert "rank" not in search_space(load_config(None, methods={"lora": {"rank": 8}}))


@pytest.mark.parametrize("method", METHODS)
def test_the_defaults_of_a_recipe_lie_in_its_usual_space(method: str) -> None:
    config = FinetuneConfig(method=method)
    space = search_space(config)
    for own in (config, fitted_to_few(config, rows=50, classes=10)):
        known = replace(own, learning_rate=own.rate)
        assert all(part.holds(getattr(known, name)) for name, part in space.items())


def test_a_rate_that_a_recipe_names_is_taken() -> None:
    assert FinetuneConfig(method="full").rate < FinetuneConfig().rate
    assert FinetuneConfig(method="full", learning_rate=3e-5).rate == 3e-5
