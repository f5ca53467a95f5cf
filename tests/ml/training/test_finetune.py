"""Fine-tuning end to end on a tiny encoder: every method and kind, bad input, interruptions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from ml.artifacts import ADAPTER, HEAD, MODEL_CARD, read_artifact
from ml.encoders import file_sha256
from ml.errors import ArtifactError, DataError, TrainingError
from ml.evaluation.calibration import TEMPERATURES
from ml.models.tuning.registry import method_names
from ml.training import calibrate
from ml.training.finetune import finetune
from ml.types import Kind
from tests.ml.training.tiny_encoder import (
    make_encoder,
    request,
    sentences,
    texts,
    tiny_config,
    write_rows,
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


RATES = {
    "lora": 1e-2,
    "adalora": 2e-2,
    "full": 5e-3,
    "head": 5e-2,
    "ia3": 5e-2,
    "prefix": 2e-2,
    "prompt": 5e-2,
    "adapter": 1e-2,
    "bitfit": 3e-2,
}
"""A learning rate with which each method learns the tiny rows in eight epochs."""


@pytest.mark.parametrize("method", method_names())
@pytest.mark.parametrize("kind", ["classification", "ner"])
def test_every_method_learns_and_leaves_a_whole_artifact(
    tmp_path: Path, encoder: Path, kind: Kind, method: str
) -> None:
    settings = tiny_config(encoder, method=method, learning_rate=RATES[method])
    asked = request(tmp_path, kind, settings)
    steps: list[tuple[int, int, str]] = []
    artifact = finetune(asked, lambda *step: steps.append(step))

    assert read_artifact(asked.output) == artifact
    assert (artifact.kind, artifact.method["name"]) == (kind, method)
    assert (ADAPTER in artifact.files) == (method != "head")
    assert artifact.metrics["f1" if kind == "ner" else "accuracy"] > 0.6
    least, most = TEMPERATURES
    assert least < artifact.temperature < most
    assert steps[-1][0] == steps[-1][1] > 0
    assert not any("nan" in message for _, _, message in steps)
    labels = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")
    assert artifact.labels == (labels if kind == "ner" else ("card", "rate"))
    source = artifact.data[0]
    assert source.sha256 == file_sha256(asked.train_file)
    assert source.rows == len((sentences if kind == "ner" else texts)())


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("adalora", {"every": 1}),
        ("full", {"layer_decay": 0.5, "unfreeze_every": 0.7}),
        ("adapter", {"size": 4}),
    ],
)
def test_a_killed_run_of_a_method_with_a_schedule_goes_on_alike(
    tmp_path: Path, encoder: Path, method: str, settings: dict
) -> None:
    config = tiny_config(encoder, method=method, epochs=3.0, methods={method: settings})
    whole = request(tmp_path / "whole", "classification", config)
    finetune(whole)
    broken = request(tmp_path / "broken", "classification", config)

    def kill(done: int, total: int, message: str) -> None:
        if done > total // 2:
            raise _Killed

    with pytest.raises(_Killed):
        finetune(broken, kill)
    finetune(broken)
    for file in (ADAPTER, HEAD):
        assert (whole.output / file).read_bytes() == (broken.output / file).read_bytes()


@pytest.mark.parametrize(("steps", "batch_size"), [(1, 100), (2, 16)])
def test_adalora_learns_in_a_run_of_one_or_two_steps(
    tmp_path: Path, encoder: Path, steps: int, batch_size: int
) -> None:
    config = tiny_config(encoder, method="adalora", epochs=1.0, batch_size=batch_size)
    asked = request(tmp_path, "classification", config)
    told: list[int] = []
    finetune(asked, lambda done, total, message: told.append(total))
    assert told[-1] == steps
    kept = [v for name, v in load_file(asked.output / ADAPTER).items() if "lora_E" in name]
    # Importance is known from the second step on: then a third of the first ranks is given up.
    assert any((values == 0).any() for values in kept) == (steps == 2)


def test_lora_stores_the_small_delta_alone(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0, rank=2))
    finetune(asked)
    names = set(load_file(asked.output / ADAPTER))
    assert names
    assert all("lora_" in name for name in names)
    assert {name.partition(".")[0] for name in load_file(asked.output / HEAD)} == {"head"}


def test_the_same_run_gives_the_same_weights(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=2.0)
    for name in ("one", "two"):
        finetune(request(tmp_path / name, "ner", config))
    for file in (ADAPTER, HEAD):
        assert (tmp_path / "one/artifact" / file).read_bytes() == (
            tmp_path / "two/artifact" / file
        ).read_bytes()


def test_rows_labelled_oos_train_a_column_and_a_threshold(tmp_path: Path, encoder: Path) -> None:
    artifact = finetune(request(tmp_path, "classification", tiny_config(encoder), outside=True))
    assert artifact.labels == ("card", "rate")
    assert artifact.settings["oos_column"] is True
    assert set(artifact.thresholds) == {"accept", "out_of_scope"}
    assert artifact.metrics["oos_auroc"] > 0.8
    assert artifact.metrics["n_oos"] == 15
    assert load_file(tmp_path / "artifact" / HEAD)["head.1.weight"].shape == (3, 32)


def test_without_a_validation_file_a_part_is_held_out_by_text(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0, held_out=0.2))
    rows = texts()
    write_rows(asked.train_file, rows + rows)
    artifact = finetune(replace(asked, valid_file=None))
    held = artifact.metrics["n"]
    assert held == 12  # three texts of each class, each with its repeat
    assert artifact.data[0].rows == 2 * len(rows) - held


def test_texts_of_the_validation_file_are_not_trained_on(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0))
    rows = texts()
    write_rows(asked.valid_file or tmp_path, [row | {"text": row["text"].upper()} for row in rows])
    with pytest.raises(DataError, match="has no rows to train on"):
        finetune(asked)
    assert not asked.output.exists()


@pytest.mark.parametrize(
    ("kind", "rows", "error", "problem"),
    [
        ("classification", [], DataError, "has no rows to train on"),
        ("classification", [{"text": "a", "label": "x"}], TrainingError, "one class 'x'"),
        ("classification", [{"text": "a", "label": "oos"}], TrainingError, "no class but 'oos'"),
        ("classification", [{"text": " ", "label": "x"}], DataError, "row 1: 'text' is empty"),
        ("classification", [{"text": "a", "label": 1}], DataError, "row 1: 'label' is not a text"),
        ("ner", [{"tokens": ["a"], "tags": ["O"]}], TrainingError, "has no entities"),
        ("ner", [{"tokens": ["a"], "tags": ["I-X"]}], DataError, "row 1: 'I-X' follows 'O'"),
        ("ner", [], DataError, "has no rows to train on"),
    ],
)
def test_training_rows_that_cannot_be_used_are_named(
    tmp_path: Path,
    encoder: Path,
    kind: Kind,
    rows: list[dict],
    error: type[Exception],
    problem: str,
) -> None:
    asked = request(tmp_path, kind, tiny_config(encoder))
    write_rows(asked.train_file, rows)
    with pytest.raises(error, match=problem):
        finetune(asked)
    assert not asked.output.exists()


def test_unknown_labels_of_the_validation_rows_are_named(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder))
    assert asked.valid_file
    write_rows(asked.valid_file, [{"text": "new", "label": "loan"}, {"text": "x", "label": "fx"}])
    told = r"valid\.jsonl, row \d+: has the label '(fx|loan)', .* any (fx|loan) \(those with a text"
    with pytest.raises(DataError, match=told):
        finetune(asked)
    asked = request(tmp_path, "ner", tiny_config(encoder))
    assert asked.valid_file
    write_rows(asked.valid_file, [{"tokens": ["x"], "tags": ["B-GOD"]}])
    with pytest.raises(DataError, match="row 1: has the label 'GOD', which no training row has"):
        finetune(asked)


@pytest.mark.parametrize("outside", [False, True])
def test_a_label_seen_once_is_no_trouble(tmp_path: Path, encoder: Path, outside: bool) -> None:
    config = tiny_config(encoder, epochs=1.0)
    asked = request(tmp_path, "classification", config, outside=outside)
    write_rows(asked.train_file, [*texts(outside=outside), {"text": "acme", "label": "firm"}])
    assert finetune(asked).labels == ("card", "firm", "rate")


def test_validation_rows_that_are_all_out_of_scope_are_refused(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0), outside=True)
    assert asked.valid_file
    write_rows(asked.valid_file, [{"text": "rome of rome", "label": "oos"}])
    with pytest.raises(DataError, match=r"valid\.jsonl: .*in-scope"):
        finetune(asked)


@pytest.mark.parametrize("epochs", [1.0, 20.0], ids=["before-the-first-log", "later"])
def test_a_loss_that_is_no_number_stops_the_run(
    tmp_path: Path, encoder: Path, epochs: float
) -> None:
    config = tiny_config(encoder, method="full", learning_rate=1e30, warmup=0.0, epochs=epochs)
    asked = request(tmp_path, "classification", config)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        finetune(asked)
    assert not asked.output.exists()


def test_more_tokens_than_the_encoder_reads_are_refused(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "ner", tiny_config(encoder, max_length=512))
    with pytest.raises(TrainingError, match="reads at most 256 tokens"):
        finetune(asked)


def test_long_empty_and_unusual_texts_train(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0))
    odd = ["card " * 20_000, "https://only.example", "\U0001f600\U0001f680", "\u0645\u0631", "x"]
    rows = texts() + [{"text": text, "label": "card"} for text in odd]
    write_rows(asked.train_file, rows)
    assert finetune(asked).data[0].rows == len(rows)


@pytest.mark.parametrize("kind", ["classification", "ner"])
def test_a_refit_uses_all_rows_and_keeps_what_was_measured(
    tmp_path: Path, encoder: Path, kind: Kind
) -> None:
    config = tiny_config(encoder, epochs=2.0)
    plain = request(tmp_path / "plain", kind, config)
    again = request(tmp_path / "again", kind, replace(config, refit=True))
    measured, refitted = finetune(plain), finetune(again)

    assert refitted.temperature == measured.temperature
    assert refitted.thresholds == measured.thresholds
    same = {"minutes"} ^ set(measured.metrics)
    assert {k: refitted.metrics[k] for k in same} == {k: measured.metrics[k] for k in same}
    assert (plain.output / HEAD).read_bytes() != (again.output / HEAD).read_bytes()
    assert again.valid_file
    assert [source.sha256 for source in refitted.data] == [
        file_sha256(path) for path in (again.train_file, again.valid_file)
    ]
    card = (again.output / MODEL_CARD).read_text(encoding="utf-8")
    assert f"{sum(source.rows for source in refitted.data)} rows" in card
    assert "never trained on" not in card
    assert "those of the measured model" in card


@pytest.mark.parametrize("refit", [False, True])
def test_what_held_out_rows_say_of_a_label_is_stored_with_the_head(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch, refit: bool
) -> None:
    config = tiny_config(encoder, epochs=1.0, refit=refit)
    plain, other = (request(tmp_path / name, "classification", config) for name in ("a", "b"))
    finetune(plain)
    monkeypatch.setattr(calibrate, "fit_bias", lambda logits, gold: np.float32([9.0, -9.0]))
    artifact = finetune(other)

    before, after = (load_file(asked.output / HEAD) for asked in (plain, other))
    (name,) = [name for name in before if name.endswith("bias")]
    np.testing.assert_allclose(after[name] - before[name], [9.0, -9.0], atol=1e-5)
    assert artifact.metrics["accuracy"] == pytest.approx(0.5, abs=0.2)  # "card" throughout


def test_a_refit_leaves_out_rows_that_the_model_has_no_column_for(
    tmp_path: Path, encoder: Path
) -> None:
    config = tiny_config(encoder, epochs=1.0, refit=True)
    asked = request(tmp_path, "classification", config)
    assert asked.valid_file
    write_rows(asked.valid_file, texts(outside=True, ending="in"))
    artifact = finetune(asked)
    assert artifact.settings["oos_column"] is False
    assert [source.rows for source in artifact.data] == [30, 30]


class _Killed(BaseException):
    pass


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=3.0, dropout=0.1, adapter_dropout=0.1)
    whole = request(tmp_path / "whole", "classification", config)
    finetune(whole)
    broken = request(tmp_path / "broken", "classification", config)

    def kill(done: int, total: int, message: str) -> None:
        if done > total * 2 // 3:
            raise _Killed

    with pytest.raises(_Killed):
        finetune(broken, kill)
    assert not broken.output.exists()
    seen: list[int] = []
    finetune(broken, lambda done, total, message: seen.append(done))
    assert seen[0] > 1
    for file in (ADAPTER, HEAD):
        assert (whole.output / file).read_bytes() == (broken.output / file).read_bytes()


def test_a_failure_while_storing_leaves_nothing(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0))

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ml.training.storing.write_artifact", full_disk)
    with pytest.raises(ArtifactError, match=r"artifact: cannot be written \(No space left"):
        finetune(asked)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"train.jsonl", "valid.jsonl", "run"}


def test_the_card_says_what_was_done(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(
        encoder,
        epochs=1.0,
        licences={"Tiny rows": "CC0-1.0"},
        card={"use": "For tests.", "limits": "Knows twelve words.", "command": "run me"},
    )
    asked = request(tmp_path, "classification", config)
    artifact = finetune(asked)
    card = (asked.output / MODEL_CARD).read_text(encoding="utf-8")
    for part in ("# small", "For tests.", "Knows twelve words.", "Tiny rows: CC0-1.0", "`run me`"):
        assert part in card
    assert f"| accuracy | {artifact.metrics['accuracy']:.4f} |" in card
    assert "30 rows" in card
    assert "{" not in card


def test_the_card_of_a_tagger_claims_no_label_smoothing(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "ner", tiny_config(encoder, epochs=1.0, label_smoothing=0.0))
    finetune(asked)
    assert "label smoothing" not in (asked.output / MODEL_CARD).read_text(encoding="utf-8")


def test_a_prompt_and_the_tokens_must_fit_together(tmp_path: Path, encoder: Path) -> None:
    changes = {"method": "prompt", "methods": {"prompt": {"length": 250}}}
    asked = request(tmp_path, "classification", tiny_config(encoder, **changes))
    with pytest.raises(TrainingError, match="at most 6 tokens beside the 250 of the method prompt"):
        finetune(asked)


def test_windows_learn_from_the_end_of_long_texts(tmp_path: Path, encoder: Path) -> None:
    before = " ".join(["in the bank of rome and"] * 12)
    found = {}
    for way in ("cut", "windows"):
        folder = tmp_path / way
        folder.mkdir()
        settings = tiny_config(
            encoder, method="full", learning_rate=5e-3, max_length=32, long_texts=way
        )
        asked = request(folder, "classification", settings)
        assert asked.valid_file is not None
        for file, ending in ((asked.train_file, ""), (asked.valid_file, "in rome")):
            rows = [row | {"text": f"{before} {row['text']}"} for row in texts(ending=ending)]
            write_rows(file, rows)
        found[way] = finetune(asked)
    assert found["windows"].settings["long_texts"] == "windows"
    assert found["windows"].metrics["accuracy"] > 0.6
    assert found["cut"].metrics["accuracy"] <= 0.5
