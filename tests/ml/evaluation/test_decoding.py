"""Decoding of BIO tags: always valid, always the most probable valid sequence."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.evaluation.decoding import decode_entities, decode_tags, spans_of
from ml.evaluation.scoring import softmax
from tests.ml.evaluation.test_scoring import PLAIN

TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
TAGGER = replace(PLAIN, kind="ner", labels=TAGS)


def _valid(path: tuple[int, ...] | list[int]) -> bool:
    previous = "O"
    for index in path:
        tag = TAGS[index]
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            return False
        previous = tag
    return True


def _sure(*tags: str) -> np.ndarray:
    logits = np.zeros((len(tags), len(TAGS)), np.float32)
    logits[range(len(tags)), [TAGS.index(tag) for tag in tags]] = 9.0
    return logits


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.just(len(TAGS))),
        elements=st.floats(-6, 6, width=16),
    )
)
def test_the_path_is_the_best_of_all_valid_ones(logits: np.ndarray) -> None:
    scores = np.log(softmax(logits).astype(np.float64))
    words = np.arange(len(scores))
    path = [TAGS.index(tag) for tag in decode_tags(logits, TAGGER)]
    assert _valid(path)
    best = max(
        scores[words, list(other)].sum()
        for other in product(range(len(TAGS)), repeat=len(scores))
        if _valid(other)
    )
    assert scores[words, path].sum() == pytest.approx(best, abs=1e-4)


def test_a_valid_best_guess_is_kept() -> None:
    tags = ["B-PER", "I-PER", "B-PER", "O", "B-LOC"]
    assert decode_tags(_sure(*tags), TAGGER) == tags


def test_a_stray_continuation_is_mended() -> None:
    logits = _sure("O", "I-PER", "I-PER")
    logits[1, TAGS.index("B-PER")] = 8.0
    assert decode_tags(logits, TAGGER) == ["O", "B-PER", "I-PER"]


def test_no_words_have_no_tags() -> None:
    empty = np.zeros((0, len(TAGS)), np.float32)
    assert (decode_tags(empty, TAGGER), decode_entities(empty, TAGGER)) == ([], [])


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ([], []),
        (["O", "O"], []),
        (["B-PER", "I-PER", "O"], [(0, 1, "PER")]),
        (["B-PER", "B-PER"], [(0, 0, "PER"), (1, 1, "PER")]),
        (["B-PER", "I-LOC"], [(0, 0, "PER"), (1, 1, "LOC")]),
        (["I-LOC", "I-LOC"], [(0, 1, "LOC")]),
    ],
)
def test_spans(tags: list[str], spans: list[tuple[int, int, str]]) -> None:
    assert spans_of(tags) == spans


def test_an_entity_scores_the_mean_probability_of_its_type() -> None:
    logits = _sure("B-LOC", "I-LOC", "O")
    logits[1, TAGS.index("O")] = 9.0
    logits[1, TAGS.index("I-LOC")] = 9.5
    ((first, last, label, score),) = decode_entities(logits, replace(TAGGER, temperature=2.0))
    assert (first, last, label) == (0, 1, "LOC")
    probabilities = softmax(logits / 2.0)
    assert score == pytest.approx(float(probabilities[:2, 1:3].sum(axis=1).mean()), rel=1e-5)
