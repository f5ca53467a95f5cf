"""What a prescreen clears, what it never does, and how it is fitted and kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ml.artifacts import read_artifact
from ml.errors import DataError
from ml.prescreen import Prescreen, fit_rule, telling_words
from ml.types import Embedding

ROOT = Path(__file__).resolve().parents[2]
MADE = Prescreen(
    task="abuse",
    version="v1",
    encoder="encoder",
    encoder_version="e1",
    weights=np.array([1.0, 0.0], np.float32),
    bias=-0.5,
    words=frozenset({"muppet"}),
)


def _vector(first: float, version: str = "e1") -> Embedding:
    return Embedding(np.array([first, 0.3], np.float32), version)


def test_a_text_far_from_the_labelled_ones_is_cleared() -> None:
    assert MADE.clears("when will my card arrive?", _vector(0.1))
    assert not MADE.clears("when will my card arrive?", _vector(0.6))


@pytest.mark.parametrize(
    "text",
    [
        "you absolute Muppet, I said Tuesday",
        "what a cl0wn",
        "this is f***ing slow",
        "you sh*t",
        "you \uff4d\uff55\uff50\uff50\uff45\uff54",
        "you \u24e2\u24d7*t",
        "you mup\u200bpet",
        "you mup\u200dpet",
        "you müppét",
        "you mup&#112;et",
        "muppet_bot is no help",
        "f_cking bot",
        "$hit service",
        "you a$$",
        "lazy bitche$ all of you",
        "kiss my @ss",
        "you @$$",
        "you 5hit bot",
        "you a55",
        "!diot",
        "what cra* is this",
        "please " * 60,
    ],
)
def test_a_telling_or_hidden_word_or_a_long_text_is_for_the_classifier(text: str) -> None:
    assert not MADE.clears(text, _vector(-5.0))


@pytest.mark.parametrize(
    "text",
    [
        "hi @anna and @tom, can you see it?!",
        "I paid $5 and not US$ 5.50 or \u00a37, within 5h!",
        "on the 3rd or 4TH, not the 2nd, between 9am and 5 pm",
        "it took 3days, 7 days and 5mins for 5eur",
        "I don&#39;t know my 2FA code &amp; the PIN of my PS5, 100%",
        "is my [card] lost? see https://example.org/a1b2",
    ],
)
def test_names_prices_and_times_hide_no_word(text: str) -> None:
    assert MADE.clears(text, _vector(-5.0))


def test_the_vector_of_another_version_tells_nothing() -> None:
    assert not MADE.clears("when will my card arrive?", _vector(-5.0, "e2"))


def test_it_is_kept_and_read(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "abuse.json"
    MADE.save(path)
    found = Prescreen.load(path)
    assert found.weights.tolist() == [1.0, 0.0]
    assert (found.task, found.version, found.encoder, found.encoder_version) == (
        *("abuse", "v1"),
        *("encoder", "e1"),
    )
    assert (found.bias, found.words) == (-0.5, {"muppet"})
    assert [one.name for one in path.parent.iterdir()] == ["abuse.json"]


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"weights": "none"}, {"weights": [None]}, {"bias": "NaN"}, {"words": None}],
)
def test_a_file_that_holds_none_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "abuse.json"
    MADE.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=r"abuse\.json.*holds no prescreen"):
        Prescreen.load(path)
    with pytest.raises(DataError, match="holds no prescreen"):
        Prescreen.load(tmp_path / "missing.json")


def test_words_that_only_labelled_texts_have_tell() -> None:
    texts = [*["you muppet, my card"] * 5, *["a clown you are"] * 4, *["my card", "are you there"]]
    labelled = [True] * 9 + [False] * 2
    assert telling_words(texts, labelled) == {"muppet"}


def _rows(generator: np.random.Generator, number: int, centre: float) -> np.ndarray:
    return generator.normal([centre, 0.0], 0.4, (number, 2)).astype(np.float32)


def test_no_held_out_text_that_the_classifier_marks_is_cleared() -> None:
    generator = np.random.default_rng(3)
    vectors = np.concatenate([_rows(generator, 200, -1.0), _rows(generator, 20, 1.0)])
    labelled = np.arange(220) >= 200
    held_out = np.concatenate([_rows(generator, 300, -1.0), _rows(generator, 40, 1.0)])
    found = np.arange(340) >= 300
    weights, bias = fit_rule(vectors, labelled, held_out, found)
    passed = held_out @ weights + bias < 0
    assert not passed[found].any()
    assert passed[~found].mean() > 0.5
    weights, bias = fit_rule(vectors, labelled, held_out, found, lost=0.1)
    more = held_out @ weights + bias < 0
    assert 0 < more[found].mean() <= 0.1
    assert more[~found].sum() >= passed[~found].sum()


def test_rows_that_nothing_follows_from_are_refused() -> None:
    vectors, none = np.ones((3, 2), np.float32), np.zeros(3, bool)
    with pytest.raises(ValueError, match="none of them is"):
        fit_rule(vectors, none, vectors, ~none)
    with pytest.raises(ValueError, match="finds no label"):
        fit_rule(vectors, np.array([True, False, False]), vectors, none)


def test_the_shipped_one_stands_before_the_shipped_model() -> None:
    found = Prescreen.load(ROOT / "ml" / "prescreens" / "toxicity.json")
    shipped = {
        task: read_artifact(ROOT / "ml" / "pretrained" / task)
        for task in (found.task, found.encoder)
    }
    assert found.version == shipped[found.task].version
    assert found.encoder_version == shipped[found.encoder].version
    assert found.weights.shape == (shipped[found.encoder].encoder.hidden_size,)
