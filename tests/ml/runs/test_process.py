"""A run in its own process, with a tiny encoder: made, resumed, cancelled, killed, refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from ml.artifacts import SERVED, read_artifact
from ml.data.readers import LabelledText
from ml.encoders import resolve_encoder
from ml.errors import TrainingError
from ml.runs.__main__ import base_of
from ml.runs.__main__ import run as run_order
from ml.runs.answers import ANSWERS, answers_read
from ml.runs.comparing import compare, shared
from ml.runs.measuring import held_out_rows
from ml.runs.order import TRAINED, RunOrder
from ml.runs.process import LOG, follow_run
from ml.training.finetune import finetune
from ml.types import Kind
from tests.ml.serving.tiny_models import build_model
from tests.ml.training.tiny_encoder import (
    make_encoder,
    request,
    sentences,
    texts,
    tiny_config,
    write_rows,
)


class Stop(Exception):
    pass


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


def order(folder: Path, encoder: Path, **changes: Any) -> RunOrder:
    live = build_model(folder / "models", "small", "classification")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'encoder = "{encoder}"\nmax_length = 16\nbf16 = false\nfew_shot = "off"\n'
        "learning_rate = 0.01\nbatch_size = 8\nsave_every = 1\n",
        encoding="utf-8",
    )
    values: dict[str, Any] = {
        "task": "small",
        "train_file": write_rows(folder / "train.jsonl", texts()),
        "held_out_file": write_rows(folder / "held_out.jsonl", texts(ending="in")),
        "run_folder": folder / "run-1",
        "artifacts_dir": folder / "artifacts",
        "models_dir": folder / "models",
        "recipe": recipe,
        "overrides": {"epochs": 4.0},
        "live": live,
        "niceness": 0,
    }
    return RunOrder(**values | changes)


def nothing() -> None:
    return


def test_an_order_survives_its_line(tmp_path: Path) -> None:
    asked = RunOrder("t", *(tmp_path / name for name in "abcde"), overrides={"epochs": 2.0})
    assert RunOrder.load(asked.dump()) == asked


def test_a_run_trains_builds_and_measures_beside_the_live_version(
    tmp_path: Path, encoder: Path
) -> None:
    asked = order(tmp_path, encoder)
    told: list[dict[str, Any]] = []

    def stop_once(message: dict[str, Any]) -> None:
        told.append(message)
        if "step" in message and message["step"][0] == 3:
            raise Stop

    with pytest.raises(Stop):
        follow_run(asked, stop_once, nothing)
    assert not (asked.run_folder / TRAINED).exists()

    told.clear()
    result = follow_run(asked, told.append, nothing)
    steps = [message["step"][0] for message in told if "step" in message]
    assert steps[0] > 1, "it goes on from its checkpoint"
    assert [m["stage"] for m in told if "stage" in m] == ["training", "building", "measuring"]
    assert any("loss" in message.get("reading", {}) for message in told)
    built = read_artifact(tmp_path / "models" / "small" / result["version"])
    assert built.build is not None
    assert built.settings[SERVED]["metrics"]["accuracy"] == result["candidate"]["accuracy"]
    kept = [path.name for path in (tmp_path / "artifacts" / "small").iterdir()]
    assert kept == [result["version"]], "one version, under the name that it is served by"
    active = json.loads((tmp_path / "models" / "small" / "active.json").read_text())
    assert active["version"] == asked.live, "what is live stays live"
    assert result["candidate"]["n"] == result["live"]["n"] == 30
    assert set(result["candidate"]["per_label"]) == {"card", "rate"}
    assert result["candidate"]["latency_ms"] > 0
    assert 0 < result["candidate"]["robustness"] <= 1
    assert sum(result["changes"].values()) == len(result["changed"])
    assert not list((tmp_path / "models").glob(".*"))

    assert not list(asked.run_folder.rglob("checkpoint-*"))
    again = follow_run(asked, told.append, nothing)
    assert again["version"] == result["version"], "what was trained is not trained twice"
    assert all(again["seconds"][part] > result["seconds"][part] > 0 for part in again["seconds"])


def test_the_first_run_of_a_task_tells_what_it_gets_wrong(tmp_path: Path, encoder: Path) -> None:
    odd = [*texts(ending="in"), {"text": "card card card", "label": "rate"}]
    asked = order(
        tmp_path, encoder, live=None, held_out_file=write_rows(tmp_path / "odd.jsonl", odd)
    )
    asked.run_folder.mkdir()
    result = run_order(asked)
    assert result["live"] is None
    answers = answers_read(asked.run_folder / ANSWERS)
    rows = held_out_rows("small", "classification", asked.held_out_file)
    missed = [
        (row.text, row.label, str(one.said))
        for row, one in zip(rows, answers, strict=True)
        if isinstance(row, LabelledText) and one.said != row.label
    ]
    told = [(row["text"], row["label"], row["candidate"]) for row in result["wrong"]]
    assert ("card card card", "rate", "card") in told
    assert sorted(told) == sorted(missed)
    sure = {row.text: one.confidence or 0.0 for row, one in zip(rows, answers, strict=True)}
    confidences = [sure[text] for text, *_ in told]
    assert confidences == sorted(confidences, reverse=True)
    counts = {(pair["label"], pair["taken_for"]): pair["candidate"] for pair in result["confusion"]}
    assert counts == Counter((label, said) for _, label, said in missed)


def test_a_run_that_takes_too_much_memory_fails_with_its_reason(
    tmp_path: Path, encoder: Path
) -> None:
    asked = order(tmp_path, encoder, memory_mb=20)
    with pytest.raises(TrainingError, match="20 are allowed"):
        follow_run(asked, lambda message: None, nothing)


def several(ending: str = "") -> list[dict[str, Any]]:
    """Rows of two labels, of both and of none."""
    one = [{"text": row["text"], "labels": [row["label"]]} for row in texts(ending=ending)]
    both = [
        {"text": f"{left['text']} {right['text']}", "labels": ["card", "rate"]}
        for left, right in zip(one[:15], one[15:], strict=True)
    ]
    none = [{"text": f"ann and rome {ending} {row['text'][-9:]}", "labels": []} for row in one[::3]]
    return [*one, *both, *none]


@pytest.mark.parametrize(
    ("kind", "train", "held_out", "number"),
    [
        ("multi_label", several(), several("in"), "micro_f1"),
        ("ner", sentences(), sentences(("in", "the", "end")), "f1"),
    ],
    ids=["several labels", "entities"],
)
def test_a_run_of_another_kind_is_measured_by_its_own_numbers(
    tmp_path: Path, encoder: Path, kind: Kind, train: Any, held_out: Any, number: str
) -> None:
    live = build_model(tmp_path / "models", "other", kind)
    asked = order(
        tmp_path,
        encoder,
        task="other",
        kind=kind,
        live=live,
        train_file=write_rows(tmp_path / "train-2.jsonl", train),
        held_out_file=write_rows(tmp_path / "held-2.jsonl", held_out),
    )
    asked.run_folder.mkdir()
    result = run_order(asked)
    candidate = result["candidate"]
    assert candidate["n"] == len(held_out)
    assert number in candidate
    assert number in candidate["intervals"]
    assert f"{number}_difference" in result["comparison"]
    assert all(0 <= row["recall"] <= 1 for row in candidate["per_label"].values())
    assert candidate["per_label"]
    rows = held_out_rows("other", kind, asked.held_out_file)
    answers = answers_read(asked.run_folder / ANSWERS)
    numbers = compare(shared([(rows, answers), (rows, answers)]))
    assert numbers["metrics"][0][number]["value"] == pytest.approx(candidate[number])


def test_a_run_that_cannot_be_done_says_why(tmp_path: Path, encoder: Path) -> None:
    one = [row for row in texts() if row["label"] == "card"]
    asked = order(tmp_path, encoder, train_file=write_rows(tmp_path / "one.jsonl", one))
    with pytest.raises(TrainingError, match="one class 'card'") as caught:
        follow_run(asked, lambda message: None, nothing)
    words = caught.value.words  # which can be said in another language, though from a process
    assert words.literal == "%(file)s has the one class %(label)r; two are needed"
    assert words.named == {"file": str(asked.train_file), "label": "card"}


def test_a_recipe_that_cannot_be_is_named(tmp_path: Path, encoder: Path) -> None:
    asked = order(tmp_path, encoder, overrides={"learning_rate": 1, "nonsense": 1})
    with pytest.raises(TrainingError, match="nonsense"):
        follow_run(asked, lambda message: None, nothing)
    assert "nonsense" in (asked.run_folder / LOG).read_text(encoding="utf-8")


def test_a_process_that_is_killed_is_an_error_and_leaves_nothing_half_made(
    tmp_path: Path, encoder: Path
) -> None:
    asked = order(tmp_path, encoder)

    def kill(message: dict[str, Any]) -> None:
        if "step" in message:
            for child in psutil.Process().children():
                child.kill()

    with pytest.raises(TrainingError, match="exit status -9"):
        follow_run(asked, kill, nothing)
    assert [path.name for path in (tmp_path / "models" / "small").iterdir() if path.is_dir()] == [
        asked.live
    ]
    assert not (asked.artifacts_dir / "small").exists() or not list(
        (asked.artifacts_dir / "small").glob("2*")
    )


def test_a_run_goes_on_from_what_an_artifact_has_learned(tmp_path: Path, encoder: Path) -> None:
    trained = request(tmp_path, "embedding", tiny_config(encoder, epochs=1.0))
    version = finetune(trained).version
    asked = order(tmp_path, encoder, kind="embedding", start_from=trained.output)
    assert RunOrder.load(asked.dump()) == asked
    base = base_of(asked)["encoder"]
    assert Path(base) == asked.artifacts_dir / "small" / f".encoder-{version}"
    assert resolve_encoder(base).sha256 != resolve_encoder(str(encoder)).sha256
    assert base_of(asked)["encoder"] == base
    assert base_of(order(tmp_path, encoder)) == {}
