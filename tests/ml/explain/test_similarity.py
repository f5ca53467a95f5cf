from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ml.explain.similarity import MAX_PHRASES, MAX_WORDS, Erasure, erase, phrases_of
from ml.serving.fakes import FakeEngine
from ml.types import FloatArray

TEXT = (
    "A captain hunts a white whale over the ocean, and his crew, tired of salt, wants to go home."
)


def embed(texts: Sequence[str]) -> list[FloatArray]:
    engine = FakeEngine()
    try:
        return [answer.vector for answer in engine.predict("encoder", texts)]  # type: ignore[union-attr]
    finally:
        engine.close()


@pytest.fixture(scope="module")
def erasure() -> Erasure:
    return erase(embed, TEXT, around=lambda text: f"The Whaler. {text}. sea")


def test_phrases_are_places_of_the_text_without_empty_words_at_their_ends() -> None:
    phrases = phrases_of(TEXT)
    assert all(TEXT[phrase.start : phrase.end] == phrase.text for phrase in phrases)
    assert [phrase.text for phrase in phrases][-1] == "wants to go home"
    assert "crew" in [phrase.text for phrase in phrases]
    assert not any("," in phrase.text for phrase in phrases)


@pytest.mark.parametrize("text", ["", "…", "of the and", "!?"])
def test_a_text_that_says_nothing_has_no_phrases(text: str) -> None:
    assert phrases_of(text) == []
    assert erase(embed, text).strongest(np.ones(384, np.float32), 3) == []


def test_a_long_text_is_read_at_its_beginning_in_a_bounded_number_of_phrases() -> None:
    text = "The harbour, cold and grey, slept. " * 300
    phrases = phrases_of(text)
    assert 1 < len(phrases) <= MAX_PHRASES
    assert len(text[: phrases[-1].end].split()) <= MAX_WORDS


def test_the_strongest_phrases_are_those_whose_removal_lowers_the_cosine_most(
    erasure: Erasure,
) -> None:
    towards = embed(["a white whale and a captain"])[0]
    whole = float(embed([f"The Whaler. {TEXT}. sea"])[0] @ towards)
    lost = {}
    for phrase in phrases_of(TEXT):
        rest = f"The Whaler. {TEXT[: phrase.start]} {TEXT[phrase.end :]}. sea"
        lost[phrase.text] = whole - float(embed([rest])[0] @ towards)
    found = erasure.strongest(towards, 2)
    assert [phrase.text for phrase, _ in found] == sorted(lost, key=lambda text: -lost[text])[:2]
    assert [loss for _, loss in found] == pytest.approx(
        [lost[phrase.text] for phrase, _ in found], abs=1e-6
    )


def test_what_loses_too_little_is_left_out(erasure: Erasure) -> None:
    assert erasure.strongest(embed(["a rocket to the moon"])[0], 3, least=0.05) == []
    towards = embed(["a white whale"])[0]
    best = erasure.strongest(towards, 1)[0][1]
    assert all(loss >= 0.9 * best for _, loss in erasure.strongest(towards, 5, share=0.9))
