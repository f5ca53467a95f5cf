"""The profile of training texts and the signs of drift: alarms that come, and those that do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ml.errors import DataError
from ml.monitoring.drift import ALARM, Reading, embedding_drift, vocabulary_drift
from ml.monitoring.features import kernel_features, unknown_words
from ml.monitoring.profile import MIN_TEXTS, WINDOW, Profile, make_profile
from ml.serving.fakes import FakeEngine
from ml.types import Embedding, FloatArray

BLOCK = 50
REPLAY = 1000
TOPICS = {
    "bank": (
        ("my card", "the transfer", "a refund", "my account", "the fee", "my PIN", "a payment"),
        ("has not arrived", "is still pending", "was declined", "looks wrong", "is too high"),
        ("since Monday", "again", "in the app", "abroad", "and I need it", "please help"),
    ),
    "garden": (
        ("the tomato", "our hedge", "a seedling", "the compost", "my rose", "the lawn"),
        ("needs water", "grows slowly", "lost its leaves", "was eaten by snails", "is blooming"),
        ("in the shade", "this spring", "near the wall", "after the frost", "every morning"),
    ),
}


def written(topic: str, number: int, rng: np.random.Generator) -> list[str]:
    parts = TOPICS[topic]
    return [" ".join(str(rng.choice(part)) for part in parts) for _ in range(number)]


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    return FakeEngine()


def vectors(engine: FakeEngine, texts: Sequence[str]) -> FloatArray:
    found = [one.vector for one in engine.predict("encoder", texts) if isinstance(one, Embedding)]
    return np.stack(found)


@pytest.fixture(scope="module")
def profile(engine: FakeEngine) -> Profile:
    texts = written("bank", 1500, np.random.default_rng(1))
    return make_profile("bank", texts, vectors(engine, texts), labels=["a"] * 1500, encoder="v")


def readings(profile: Profile, engine: FakeEngine, texts: Sequence[str]) -> list[list[Reading]]:
    """What is found after each block, once there is a window."""
    features = kernel_features(vectors(engine, texts), profile.bandwidth)
    found = []
    for end in range(WINDOW, len(texts) + 1, BLOCK):
        window = slice(end - WINDOW, end)
        words, unknown = unknown_words(texts[window], profile.known)
        found.append(
            [
                embedding_drift(profile, features[window].sum(axis=0), WINDOW),
                vocabulary_drift(profile, words, unknown, WINDOW),
            ]
        )
    return found


def alarms(found: list[list[Reading]]) -> list[str]:
    return [one.kind for looks in found for one in looks if one.probability < ALARM]


def test_unshifted_traffic_rings_at_most_once_in_twenty_replays(
    profile: Profile, engine: FakeEngine
) -> None:
    rang = 0
    for seed in range(20):
        texts = written("bank", REPLAY, np.random.default_rng(100 + seed))
        rang += bool(alarms(readings(profile, engine, texts)))
    assert rang <= 1


def test_the_probabilities_of_unshifted_traffic_are_honest(
    profile: Profile, engine: FakeEngine
) -> None:
    texts = written("bank", 200 * WINDOW, np.random.default_rng(5))
    features = kernel_features(vectors(engine, texts), profile.bandwidth)
    found = [
        embedding_drift(profile, features[at : at + WINDOW].sum(axis=0), WINDOW).probability
        for at in range(0, len(texts), WINDOW)
    ]
    assert 0.01 <= float(np.mean(np.array(found) < 0.05)) <= 0.12
    assert 0.35 <= float(np.mean(np.array(found) < 0.5)) <= 0.65


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_a_shift_rings_within_500_messages(
    profile: Profile, engine: FakeEngine, share: float
) -> None:
    rng = np.random.default_rng(9)
    before, bank, garden = (written(name, 500, rng) for name in ("bank", "bank", "garden"))
    shifted = [new if rng.random() < share else old for old, new in zip(bank, garden, strict=True)]
    found = readings(profile, engine, [*before, *shifted])
    calm = (500 - WINDOW) // BLOCK + 1
    assert not alarms(found[:calm])
    assert {"embedding", "vocabulary"} <= set(alarms(found[calm:]))


def test_another_mix_of_known_words_is_a_shift_of_meaning_alone(
    profile: Profile, engine: FakeEngine
) -> None:
    texts = [text for text in written("bank", 4000, np.random.default_rng(3)) if "card" in text]
    assert set(alarms(readings(profile, engine, texts[:400]))) == {"embedding"}


def test_a_profile_is_stored_without_texts(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "profiles" / "bank.json"
    profile.save(path)
    again = Profile.load(path)
    assert np.array_equal(again.mean, profile.mean)
    assert np.array_equal(again.known, profile.known)
    assert (again.distance, again.unknown) == (profile.distance, profile.unknown)
    assert again.labels == {"a": 1500}
    stored = path.read_text("utf-8")
    assert "card" not in stored
    assert len(stored) < 20_000


@pytest.mark.parametrize(
    "change", [{"format": 2}, {"mean": "!"}, {"known": None}, {"distance": []}]
)
def test_what_is_no_profile_is_refused(profile: Profile, tmp_path: Path, change: dict) -> None:
    path = tmp_path / "bank.json"
    profile.save(path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(DataError, match="no profile"):
        Profile.load(path)


def test_few_texts_make_no_profile(engine: FakeEngine) -> None:
    texts = written("bank", MIN_TEXTS - 1, np.random.default_rng(1))
    with pytest.raises(DataError, match=f"{MIN_TEXTS}"):
        make_profile("few", texts, vectors(engine, texts))
