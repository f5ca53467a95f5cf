"""Labels that look the same are one, in files of every kind; those of shipped models stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ml
from ml.artifacts import read_artifact
from ml.data.multi_label import read_multi_label
from ml.data.pairs import read_pairs
from ml.data.readers import Problems, read_classification, read_ner, write_jsonl
from ml.data.spans import read_spans
from ml.data.targeting import read_targeted
from ml.data.text import label_form

PLAIN = "caf\u00e9"
ALIKE = ["cafe\u0301", f"{PLAIN}\u200b", f" \ufeff{PLAIN} ", "ca\u00adf\u00e9\u200f"]
SHIPPED = Path(ml.__file__).parent / "pretrained"

Read = Callable[..., Any]


def _several(label: str) -> dict[str, Any]:
    return {"text": "a", "labels": [label, PLAIN]}


def _tagged(label: str) -> dict[str, Any]:
    return {"tokens": ["a", "b"], "tags": [f"B-{label}", f"I-{PLAIN}"]}


KINDS: dict[str, tuple[Read, Callable[[str], dict[str, Any]], Callable[[Any], Any], Any]] = {
    "one label": (
        read_classification,
        lambda label: {"text": "a", "label": label},
        lambda row: row.label,
        PLAIN,
    ),
    "several labels": (read_multi_label, _several, lambda row: row.labels, (PLAIN,)),
    "tags": (read_ner, _tagged, lambda row: row.tags, (f"B-{PLAIN}", f"I-{PLAIN}")),
    "pairs": (
        read_pairs,
        lambda label: {"text": "a", "label": label},
        lambda row: row.label,
        PLAIN,
    ),
    "companies": (
        read_targeted,
        lambda label: {"text": "a", "entities": {"a": label}},
        lambda row: row.entities,
        {"a": PLAIN},
    ),
    "spans": (
        read_spans,
        lambda label: {"text": "a", "spans": [{"kind": label, "text": "a"}]},
        lambda row: row.spans[0].kind,
        PLAIN,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_look_the_same_are_one(tmp_path: Path, kind: str) -> None:
    read, row_of, said, wanted = KINDS[kind]
    write_jsonl(tmp_path / "rows.jsonl", [row_of(label) for label in [PLAIN, *ALIKE]])
    assert [said(row) for row in read(tmp_path / "rows.jsonl")] == [wanted] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_cannot_be_seen_is_none(tmp_path: Path, kind: str) -> None:
    read, row_of, _, _ = KINDS[kind]
    write_jsonl(tmp_path / "rows.jsonl", [row_of("\u200b"), row_of(PLAIN)])
    problems = Problems()
    assert len(list(read(tmp_path / "rows.jsonl", problems))) == 1
    assert [error.row for error in problems.errors] == [1]


def test_the_labels_of_shipped_models_are_as_files_have_them() -> None:
    folders = [file.parent for file in SHIPPED.glob("*/artifact.json")]
    assert len(folders) > 3
    for folder in folders:
        labels = read_artifact(folder).labels
        assert [label_form(label) for label in labels] == list(labels)
