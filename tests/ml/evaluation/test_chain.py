"""Learned transitions at decoding, against all sequences of tags."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from ml.artifacts import Artifact
from ml.evaluation.chain import TRANSITIONS, Transitions, best_path, log_marginals, transitions_of
from ml.evaluation.decoding import decode_entities, decode_tags, word_scores
from tests.ml.evaluation.test_scoring import PLAIN

TAGS = ("O", "B-PER", "I-PER")
RANDOM = np.random.default_rng(7)
LEARNED = Transitions(
    *(RANDOM.normal(size=shape).astype(np.float32) for shape in ((3,), (3, 3), (3,)))
)


def score(logits: np.ndarray, tags: tuple[int, ...], learned: Transitions = LEARNED) -> float:
    found = learned.start[tags[0]] + learned.end[tags[-1]]
    found += sum(logits[word, tag] for word, tag in enumerate(tags))
    return float(found + sum(learned.follow[before, after] for before, after in pairwise(tags)))


@pytest.mark.parametrize("words", [1, 2, 5])
def test_the_path_is_the_best_of_all(words: int) -> None:
    logits = RANDOM.normal(size=(words, 3)).astype(np.float32)
    best = max(product(range(3), repeat=words), key=lambda tags: score(logits, tags))
    assert tuple(best_path(logits, LEARNED)) == best


@pytest.mark.parametrize("words", [1, 2, 5])
def test_marginals_are_sums_over_all_sequences(words: int) -> None:
    logits = RANDOM.normal(size=(words, 3)).astype(np.float32)
    expected = np.zeros((words, 3))
    for tags in product(range(3), repeat=words):
        expected[range(words), tags] += np.exp(score(logits, tags))
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.exp(log_marginals(logits, LEARNED)) == pytest.approx(expected, rel=1e-4)


def _tagger(learned: Transitions) -> Artifact:
    return replace(
        PLAIN, kind="ner", labels=TAGS, settings={TRANSITIONS: learned.declare()}, temperature=2.0
    )


def test_an_artifact_keeps_them_as_they_were() -> None:
    kept = transitions_of(_tagger(LEARNED))
    assert kept is not None
    assert np.array_equal(kept.start, LEARNED.start)
    assert np.array_equal(kept.follow, LEARNED.follow)
    assert np.array_equal(kept.end, LEARNED.end)


def test_what_was_learned_of_the_order_decides_between_equal_words() -> None:
    follow = np.zeros((3, 3), dtype=np.float32)
    follow[1, 2] = 3.0  # a person's name goes on
    learned = Transitions(np.zeros(3, np.float32), follow, np.zeros(3, np.float32))
    logits = np.array([[0.0, 4.0, 0.0], [1.0, 0.0, 0.9]], dtype=np.float32)
    with_order, without = _tagger(learned), replace(PLAIN, kind="ner", labels=TAGS)
    assert decode_tags(logits, without) == ["B-PER", "O"]
    assert decode_tags(logits, with_order) == ["B-PER", "I-PER"]
    ((first, last, label, sure),) = decode_entities(logits, with_order)
    assert (first, last, label) == (0, 1, "PER")
    assert 0.5 < sure < 1.0


def test_only_valid_sequences_are_decoded_whatever_was_learned() -> None:
    follow = np.zeros((3, 3), dtype=np.float32)
    follow[0, 2] = 50.0
    learned = Transitions(np.array([0, 0, 50], np.float32), follow, np.zeros(3, np.float32))
    tags = decode_tags(np.zeros((3, 3), np.float32), _tagger(learned))
    assert all(not tag.startswith("I-") or before != "O" for before, tag in pairwise(("O", *tags)))


def test_no_words_have_no_scores() -> None:
    empty = np.zeros((0, 3), np.float32)
    assert best_path(empty, LEARNED) == []
    assert word_scores(empty, _tagger(LEARNED)).shape == (0, 3)
