"""Labels spread along neighbours, keep what is known, and no class takes over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.encoders import resolve_encoder
from ml.errors import DataError
from ml.export.build import restore_model
from ml.models.memory import MEMORY
from ml.training.finetune import finetune
from ml.training.propagation import propagate
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def _arc(start: float, stop: float, number: int) -> np.ndarray:
    """Unit vectors along an arc, of which neighbours are alike and the ends are not."""
    angles = np.linspace(start, stop, number)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_labels_follow_the_neighbours_beyond_what_a_model_says() -> None:
    vectors = np.concatenate([_arc(0.0, 1.2, 60), _arc(1.8, 3.0, 60)])
    known = np.full(120, -1)
    known[0], known[119] = 0, 1
    gold = np.arange(120) >= 60
    # The model is sure only near the two labelled texts, and takes the first class in between.
    chances = np.full((120, 2), [0.55, 0.45], np.float32)
    spread = propagate(vectors, known, chances)
    assert spread.shape == (120, 2)
    np.testing.assert_allclose(spread.sum(axis=1), 1.0, rtol=1e-5)
    assert (spread.argmax(axis=1) == gold).mean() > 0.95
    assert (chances.argmax(axis=1) == gold).mean() == 0.5


def test_what_is_known_stays() -> None:
    vectors = _arc(0.0, 0.2, 20)
    known = np.full(20, -1)
    known[10], known[3] = 1, 0
    spread = propagate(vectors, known, np.full((20, 2), [0.9, 0.1], np.float32))
    assert spread[[10, 3]].tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_classes_are_about_as_frequent_as_among_the_labelled() -> None:
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(400, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    known = np.full(400, -1)
    known[:20] = np.arange(20) % 2
    chances = np.clip(generator.normal([0.8, 0.2], 0.1, (400, 2)), 0.01, None).astype(np.float32)
    assert (chances.argmax(axis=1) == 0).mean() > 0.95
    share = (propagate(vectors, known, chances)[20:].argmax(axis=1) == 0).mean()
    assert 0.3 < share < 0.7


def test_a_run_learns_from_all_unlabelled_texts(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, pseudo_by="propagation", head_start="logistic")
    asked = request(tmp_path, "classification", config)
    new = [{"text": row["text"]} for row in texts(ending="of rome")]
    file = write_rows(tmp_path / "unlabelled.jsonl", [*new, *new])
    artifact = finetune(replace(asked, unlabelled_file=file))
    assert artifact.metrics["pseudo_rows"] == len(new)
    assert artifact.metrics["accuracy"] >= artifact.metrics["teacher_accuracy"]
    assert artifact.settings["recipe"]["pseudo_by"] == "propagation"


def test_texts_out_of_scope_get_no_label(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, pseudo_by="propagation")
    asked = request(tmp_path, "classification", config, outside=True)
    new = [{"text": row["text"]} for row in texts(outside=True, ending="of rome")]
    file = write_rows(tmp_path / "unlabelled.jsonl", new)
    artifact = finetune(replace(asked, unlabelled_file=file))
    assert 0 < artifact.metrics["pseudo_rows"] < len(new)


def test_what_learned_from_guessed_labels_remembers_no_rows(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, pseudo_by="propagation", memory=0.3, refit=True)
    asked = request(tmp_path, "classification", config)
    new = [{"text": row["text"]} for row in texts(ending="of rome")]
    file = write_rows(tmp_path / "unlabelled.jsonl", new)
    artifact = finetune(replace(asked, unlabelled_file=file))
    assert artifact.metrics["pseudo_rows"] == len(new)
    assert MEMORY not in artifact.settings
    restore_model(artifact, resolve_encoder(artifact.encoder.name), asked.output)


def test_another_way_is_refused(encoder: Path) -> None:
    with pytest.raises(DataError, match="pseudo_by = 'luck'"):
        tiny_config(encoder, pseudo_by="luck")
