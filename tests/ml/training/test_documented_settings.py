"""``docs/recipes.md`` names every setting with the default that it has, and its values."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from ml.allowed import OneOf
from ml.data.augmentation import Augmentation
from ml.errors import DataError
from ml.models.tuning.registry import make_method, method_names
from ml.training.config import _ALLOWED, CARD, FinetuneConfig, make_config
from ml.training.search_space import _FIXED
from ml.training.settings.distillation import Distillation

DOCS = Path(__file__).resolve().parents[3] / "docs"
RECIPES = (DOCS / "recipes.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| `(.+?)` \| (.+) \|$", re.MULTILINE)
METHOD = re.compile(r"^\| `([a-z0-9]+)` \| [^|]+ \| ([^|]+) \|", re.MULTILINE)
TABLES = ("augment", "card", "columns", "distil", "licences", "methods", "search")


def defaults() -> Iterator[tuple[str, Any]]:
    """Every setting, those of the tables after the table's name, with its default."""
    for prefix, declared in (
        ("", FinetuneConfig),
        ("augment.", Augmentation),
        ("distil.", Distillation),
    ):
        for item in fields(declared):
            if item.name not in TABLES:
                made = item.default_factory
                yield prefix + item.name, item.default if made is MISSING else made()


def test_every_setting_stands_there_with_its_default() -> None:
    told = {
        name: tomllib.loads(f"value = {default}")["value"]
        for name, default, _ in ROW.findall(RECIPES)
    }
    assert told == dict(defaults())
    kinds = {name: type(value) for name, value in told.items()}
    assert kinds == {name: type(value) for name, value in defaults()}


def test_every_choice_stands_there_with_its_values() -> None:
    rows = {name: words for name, _, words in ROW.findall(RECIPES)}
    for name, allowed in _ALLOWED.items():
        if isinstance(allowed, OneOf):
            assert {value for value in allowed if f"`{value}`" not in rows[name]} == set(), name


def test_every_table_stands_there_with_what_it_may_hold() -> None:
    rows = {name: row for row in RECIPES.splitlines() for name in re.findall(r"`\[(\w+)\]`", row)}
    assert set(TABLES) - {"methods"} <= set(rows)
    assert [name for name in CARD if f"`{name}`" not in rows["card"]] == []
    assert [name for name in _FIXED if f"`{name}`" not in rows["search"]] == []


def test_every_method_stands_there_with_its_settings_and_their_defaults() -> None:
    tuning = (DOCS / "tuning.md").read_text(encoding="utf-8")
    told = {
        method: {
            name: tomllib.loads(f"value = {value}")["value"]
            for name, value in re.findall(r"`(\w+)` \((true|false|[\d.]+)", settings)
        }
        for method, settings in METHOD.findall(tuning)
        if method in method_names()
    }
    declared = {
        name: {key: value for key, value in method.declare().items() if key != "name"}
        for name, method in ((name, make_method({"name": name})) for name in method_names())
    }
    assert told == declared


def test_a_card_says_what_is_known_of_a_model_and_nothing_else() -> None:
    assert make_config({"card": {"use": "For tests."}}, None).card == {"use": "For tests."}
    with pytest.raises(DataError, match=r"my\.toml: card: usage is unknown; there are use, data"):
        make_config({"card": {"usage": "For tests."}}, Path("my.toml"))
