"""The benchmark of few rows: which rows are drawn, and what a way changes."""

from __future__ import annotations

from collections import Counter

from bench.few_shot import WAYS, _config, examples, measure
from ml.data.readers import LabelledText
from ml.training.few_rows import fitted_to_few

ROWS = [LabelledText(f"text {row} of {row % 4}", f"class {row % 4}", row) for row in range(80)]


def test_as_many_rows_of_each_class_are_drawn_anew_with_each_seed() -> None:
    drawn = examples([*ROWS, *ROWS], 5, seed=1)
    assert set(Counter(row.label for row in drawn).values()) == {5}
    assert len({row.text for row in drawn}) == len(drawn)
    assert examples(ROWS, 5, seed=1) == drawn
    assert examples(ROWS, 5, seed=2) != drawn


def test_each_way_is_a_recipe_that_differs_from_the_default() -> None:
    made = {way: fitted_to_few(_config(way, 1), rows=16, classes=4) for way in WAYS}
    assert made["no_names"].label_names is False
    assert made["no_names"].class_rows > 0
    assert made["no_names"].epochs == made["default"].epochs
    assert made["plain"].few_shot == "off"
    assert len({repr(config) for config in made.values()}) == len(WAYS)


MATTERS = {
    "lost": ("my card is gone", "I cannot find my card", "card lost on the bus", "lost my card"),
    "rate": ("rate for dollars", "what rate for euros", "exchange rate today", "rate of the yen"),
    "pin": ("change my PIN", "I want a new PIN", "set another PIN", "how do I choose my PIN"),
}


def _texts(*endings: str) -> list[LabelledText]:
    return [
        LabelledText(f"{text} {ending}".strip(), label)
        for label, group in MATTERS.items()
        for text in group
        for ending in endings
    ]


def test_unlabelled_texts_are_learned_from_and_the_test_is_not() -> None:
    train, rest, test = _texts(""), _texts("please", "quickly"), _texts("if you can")
    found = measure("frozen_unlabelled", train, test, 1, rest)
    assert found["pseudo_rows"] == len(rest)
    assert found["accuracy"] > 0.8
    wrong = {"lost": "rate", "rate": "pin", "pin": "lost"}
    turned = [LabelledText(row.text, wrong[row.label]) for row in test]
    assert measure("frozen_unlabelled", train, turned, 1, rest)["accuracy"] < 0.2
    assert "pseudo_rows" not in measure("logistic", train, test, 1, rest)
    unknown = [LabelledText(row.text, "of no training row") for row in test]
    right = measure("logistic", train, test, 1)["accuracy"]
    assert measure("logistic", train, [*test, *unknown], 1)["accuracy"] == right / 2
