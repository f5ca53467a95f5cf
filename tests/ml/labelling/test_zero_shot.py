"""Labels by description: how they are given, and how texts find them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ml.errors import DataError
from ml.labelling.zero_shot import ZeroShotClassifier, read_descriptions
from ml.types import Embedding

WORDS = ("card", "rate", "lost", "euro")


def embed(texts: Sequence[str]) -> list[Embedding]:
    """A bag of four words as a unit vector; zero without any of them. Reads ten words at most."""
    counts = np.array([[text.split().count(word) for word in WORDS] for text in texts], dtype=float)
    lengths = np.linalg.norm(counts, axis=1, keepdims=True)
    vectors = (counts / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return [
        Embedding(vector, "1", truncated=len(text.split()) > 10)
        for text, vector in zip(texts, vectors, strict=True)
    ]


def test_texts_find_the_nearest_description() -> None:
    classifier = ZeroShotClassifier(embed, {"a": "card lost", "b": "euro rate"})
    first, second, nothing = classifier.predict(["lost card card", "rate", ""])
    assert (first.label, second.label) == ("a", "b")
    assert first.confidence > 0.9
    assert sum(score.score for score in first.scores) == pytest.approx(1.0)
    assert first.in_scope
    assert not first.confident
    assert not nothing.in_scope
    assert nothing.confidence == pytest.approx(0.5)
    assert [one.truncated for one in classifier.predict(["card", "card " * 11])] == [False, True]


def test_labels_are_names_or_a_file(tmp_path: Path) -> None:
    assert read_descriptions("lost_card, top-up") == {
        "lost_card": "lost card",
        "top-up": "top up",
    }
    wanted = {"a": "a card", "b": "a rate"}
    one = tmp_path / "labels.json"
    one.write_text(json.dumps(wanted), encoding="utf-8-sig")  # as some editors write it
    table = tmp_path / "labels.csv"
    table.write_text("label,description\na,a card\nb,a rate\n", encoding="utf-8")
    assert read_descriptions(str(one)) == read_descriptions(str(table)) == wanted


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.csv", "label,description\na,b\na,c\n", r"x\.csv.*3.*twice"),
        ("x.csv", "label,description\na,\n", r"x\.csv.*2.*empty"),
        ("x.json", "[1]", "not an object"),
        ("x.json", '[["a", "b"], ["c", "d"]]', "not an object"),
        ("x.json", '{"a": {"b": "c"}, "d": "e"}', "not an object"),
        ("x.json", '{"a": "b", "c": "d", "a": "e"}', r"x\.json.*'a' twice"),
        ("x.json", '{"refund ": "b", "refund": "e"}', r"x\.json.*'refund' twice"),
        ("x.json", '{"caf\u00e9": "b", "cafe\u0301": "e"}', r"x\.json.*twice"),
        ("x.jsonl", '{"label": "\\u200b", "description": "b"}', r"x\.jsonl, row 1.*empty label"),
        ("x.json", "{", "not JSON"),
        ("x.json", '{"a": "b"}', "two labels"),
    ],
)
def test_bad_labels_are_named(tmp_path: Path, name: str, content: str, problem: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        read_descriptions(str(file))


def test_one_name_is_too_few() -> None:
    with pytest.raises(DataError, match="two labels"):
        read_descriptions("card")
