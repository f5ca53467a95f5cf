"""A joint model of which one task gives several labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.artifacts import MODEL_CARD, read_artifact
from ml.data.encoding import load_tokenizer
from ml.encoders import resolve_encoder
from ml.evaluation.multi_label import label_logits
from ml.explain.gradients import IntegratedGradients
from ml.export.joint import build_joint, restore_joint
from ml.joint import declared_tasks
from ml.models.joint import OneTask
from ml.runtime import RuntimeSettings
from ml.serving.engine import LocalEngine
from ml.serving.registry import ModelStore
from ml.training.joint_recipe import JointRecipe, JointTask
from ml.training.joint_texts import encode_read
from ml.training.multi_task import JointRequest, finetune_together
from ml.training.trainer import classify_rows
from ml.types import MultiLabel
from tests.ml.training import test_multi_label
from tests.ml.training.tiny_encoder import make_encoder, texts, tiny_config, write_rows

LONG = " ".join(["ann and acme"] * 6)
TEXTS = ["the card lost in rome", "euro rate acme", "ann and acme", f"{LONG} euro rate", LONG]
"""The last but one is longer than is read at once, and only at its end tells what it holds."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    rows = {
        "matter": ("classification", texts(), texts(ending="in")),
        "holds": ("multi_label", test_multi_label.rows(), test_multi_label.rows(ending="of")),
    }
    tasks = tuple(
        JointTask(
            name,
            kind,  # type: ignore[arg-type]
            write_rows(folder / f"{name}_train.jsonl", train),
            write_rows(folder / f"{name}_valid.jsonl", valid),
            long_texts="windows" if name == "holds" else "cut",
            licences={"Tiny rows": "CC0-1.0"},
        )
        for name, (kind, train, valid) in rows.items()
    )
    config = tiny_config(
        make_encoder(folder / "encoder"), epochs=20.0, learning_rate=3e-3, refit=True
    )
    output = folder / "artifact"
    finetune_together(JointRequest(JointRecipe("both", tasks, config), output, folder / "run"))
    return output


def test_it_learns_and_tells_what_it_holds(trained: Path) -> None:
    joint = read_artifact(trained)
    holds = declared_tasks(joint)["holds"]
    assert (holds.kind, holds.labels) == ("multi_label", ("card", "place", "rate"))
    assert set(holds.thresholds) == set(holds.labels)
    assert holds.metrics["exact_match"] > 0.7
    assert joint.metrics["holds_f1_rate"] == holds.metrics["f1_rate"]
    assert "## holds, measured on held-out rows" in (trained / MODEL_CARD).read_text()
    # The stored weights learned from the held-out rows too, once these had told the measures.
    assert [data.name for data in joint.data] == [
        *("matter_train.jsonl", "matter_valid.jsonl"),
        *("holds_train.jsonl", "holds_valid.jsonl"),
    ]
    assert "refit" in {path.name for path in (trained.parent / "run").iterdir()}


def test_it_is_served_with_the_other_task_in_one_pass(trained: Path, tmp_path: Path) -> None:
    build_joint(trained, tmp_path)
    joint = read_artifact(trained)
    source = resolve_encoder(joint.encoder.name)
    model = restore_joint(joint, source, trained).eval()
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    rows = encode_read(TEXTS, [0] * len(TEXTS), tokenizer, joint.max_length, long_texts="windows")
    wanted = label_logits(
        classify_rows(OneTask(model, "holds"), rows)[0], declared_tasks(joint)["holds"]
    )
    engine = LocalEngine(tmp_path, settings=RuntimeSettings(1, 1))
    try:
        engine.warm()
        found = [engine.submit(task, [*TEXTS, ""]) for task in ("holds", "matter")]
        several, _ = ([future.result(10) for future in each] for each in found)
        assert engine.stats().tasks["both"].batches <= len(TEXTS) + 1
    finally:
        engine.close()
    for one, other in zip(several, wanted, strict=False):
        assert isinstance(one, MultiLabel)
        assert one.labels == other.labels
        scores = {scored.label: scored.score for scored in one.scores}
        assert scores == pytest.approx({s.label: s.score for s in other.scores}, abs=0.1)
    assert set(several[0].labels) == {"card", "place"}  # type: ignore[union-attr]
    assert several[-1].labels == ()  # type: ignore[union-attr]
    rates = [
        {scored.label: scored.score for scored in answer.scores}["rate"]  # type: ignore[union-attr]
        for answer in several[3:5]
    ]
    assert rates[0] > 2 * rates[1]


def test_one_of_its_labels_is_explained(trained: Path) -> None:
    found = IntegratedGradients(trained, "holds").explain(TEXTS[0], label="place")
    assert found.label == "place"
    assert 0 < found.confidence < 1
    assert [piece.text for piece in found.pieces] == TEXTS[0].split()


def test_all_windows_of_a_long_text_are_explained(trained: Path, tmp_path: Path) -> None:
    build_joint(trained, tmp_path)
    text = TEXTS[3]
    found = IntegratedGradients(trained, "holds").explain(text, label="rate")
    (served,) = ModelStore(tmp_path).load("holds").predict([text])
    scores = {scored.label: scored.score for scored in served.scores}  # type: ignore[union-attr]
    assert found.confidence == pytest.approx(scores["rate"], abs=0.1)
    assert all(piece.score != 0 for piece in found.pieces)
