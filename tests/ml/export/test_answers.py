"""A graph's answers are compared as serving makes them of its outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.artifacts import Artifact, read_artifact
from ml.data.encoding import EncodedBatch
from ml.evaluation.chain import TRANSITIONS, Transitions
from ml.evaluation.scoring import softmax
from ml.export.graph import compare_answers
from ml.types import FloatArray, Kind
from tests.ml.serving.tiny_models import TAGS, build_model

O, B, I = (TAGS.index(tag) for tag in ("O", "B-ORG", "I-ORG"))  # noqa: E741
TWO_WORDS = EncodedBatch(*np.ones((2, 1, 5), np.int64), word_index=np.array([[-1, 0, -1, 1, -1]]))


def built(root: Path, kind: Kind, **changes: Any) -> Artifact:
    return read_artifact(
        root / "models" / "task" / build_model(root / "models", "task", kind, **changes)
    )


def tagged(*words: dict[int, float]) -> FloatArray:
    """The logits of the two words, which the tokens 1 and 3 begin."""
    logits = np.zeros((1, 5, len(TAGS)), dtype=np.float32)
    for token, word in zip((1, 3), words, strict=True):
        for tag, score in word.items():
            logits[0, token, tag] = score
    return logits


def test_a_tag_that_no_sequence_may_have_makes_no_difference(tmp_path: Path) -> None:
    wanted = tagged({O: 9.0}, {O: 5.0, I: 5.1})
    found = tagged({O: 9.0}, {O: 5.1, I: 5.0})
    same, gaps = compare_answers(built(tmp_path, "ner"), TWO_WORDS, wanted, found)
    assert same.tolist() == [True, True]
    assert gaps[0] == 0 < gaps[1] < 0.1


def test_tags_that_their_neighbours_decide_are_compared_as_decoded(tmp_path: Path) -> None:
    none = np.zeros(len(TAGS), dtype=np.float32)
    follow = np.zeros((len(TAGS), len(TAGS)), dtype=np.float32)
    follow[B, I] = 5.0
    learned = {TRANSITIONS: Transitions(none, follow, none).declare()}
    artifact = built(tmp_path, "ner", settings=learned)
    wanted = tagged({O: 2.0}, {O: 1.0})
    found = tagged({O: 6.0}, {O: 1.0})
    same, gaps = compare_answers(artifact, TWO_WORDS, wanted, found)
    assert same.tolist() == [False, False]
    assert gaps.min() > 0.5


@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_probabilities_are_the_calibrated_ones(tmp_path: Path, temperature: float) -> None:
    artifact = built(tmp_path, "classification", temperature=temperature)
    wanted, found = np.array([[4, 0, 0]], np.float32), np.array([[2, 0, 0]], np.float32)
    batch = EncodedBatch(*np.ones((2, 1, 3), np.int64))
    same, gaps = compare_answers(artifact, batch, wanted, found)
    assert same.tolist() == [True]
    expected = softmax(wanted / temperature) - softmax(found / temperature)
    assert gaps[0] == pytest.approx(np.abs(expected).max())
