"""Composed sentences with names: valid tags, always the same, patterns held out whole."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ml.data.ner_labels import TAGS
from ml.data.written import named_news
from ml.data.written.named_news import NamedSentence, named_sentences
from ml.errors import DataError
from ml.evaluation.decoding import spans_of


@pytest.fixture(scope="module")
def composed() -> list[NamedSentence]:
    return list(named_sentences(per_pattern=6))


def test_the_sentences_are_tagged_and_always_the_same(composed: list[NamedSentence]) -> None:
    assert composed == list(named_sentences(per_pattern=6))
    assert len({tuple(word.lower() for word in row.sentence.tokens) for row in composed}) > 600
    for row in composed:
        sentence = row.sentence
        assert len(sentence.tokens) == len(sentence.tags) > 0
        assert set(sentence.tags) <= set(TAGS)
        before = "O"
        for tag in sentence.tags:
            assert not tag.startswith("I-") or before[2:] == tag[2:]
            before = tag
        assert not re.search(r"[{}\ue000\ue001|\[\]]", " ".join(sentence.tokens))


def test_every_label_is_common_and_some_sentences_have_none(
    composed: list[NamedSentence],
) -> None:
    found = Counter(label for row in composed for _, _, label in spans_of(list(row.sentence.tags)))
    assert min(found[label] for label in ("PER", "ORG", "LOC")) > 150
    assert any(set(row.sentence.tags) == {"O"} for row in composed)


def test_a_pattern_is_held_out_whole(composed: list[NamedSentence]) -> None:
    held = {row.pattern for row in composed if row.held_out}
    kept = {row.pattern for row in composed if not row.held_out}
    assert held
    assert not held & kept


def test_titles_and_indexes_are_outside_of_names(composed: list[NamedSentence]) -> None:
    tags: dict[str, set[str]] = {}
    for row in composed:
        for token, tag in zip(row.sentence.tokens, row.sentence.tags, strict=True):
            tags.setdefault(token, set()).add(tag)
    for word in ("Mr", "Ms", "Dr", "FTSE", "Brent", "Composite"):
        assert tags[word] == {"O"}, word


def test_a_slot_that_nothing_fills_is_named(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_news, "_patterns", lambda: ["{company} buys {spaceship}"])
    with pytest.raises(DataError, match="there is no slot 'spaceship'"):
        list(named_sentences(per_pattern=1))
