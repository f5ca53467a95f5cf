"""Optimisation by recipe: optimisers, schedules, precision, stopping early, going on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ml.artifacts import ADAPTER, HEAD
from ml.data.encoding import load_tokenizer
from ml.encoders import resolve_encoder
from ml.errors import DataError, TrainingError
from ml.training.arguments import training_arguments
from ml.training.checkpoints import last_checkpoint, remove_checkpoints, run_key
from ml.training.config import FinetuneConfig, load_config
from ml.training.finetune import finetune
from ml.training.known_data import known_weights
from ml.training.rows import FinetuneRequest
from ml.training.tasks import ClassifierTask
from ml.training.tracking import environment, read_curves
from ml.training.trainer import train
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "learning_rate": 1.0, "method": "full"},
        {"optimizer": "adafactor", "learning_rate": 1e-2, "method": "full"},
        {"accumulation": 2, "clip": 0.0},
        {"bf16": True, "gradient_checkpointing": True},
        {"method": "prompt", "gradient_checkpointing": True},
        {"ema": 0.8},
        {"swa": 0.3},
    ],
    ids=lambda settings: "-".join(map(str, settings)),
)
def test_each_way_to_optimise_learns(tmp_path: Path, encoder: Path, settings: dict) -> None:
    artifact = finetune(request(tmp_path, "classification", tiny_config(encoder, **settings)))
    assert artifact.metrics["accuracy"] > 0.6
    told = {name: value for name, value in settings.items() if name not in ("method", "bf16")}
    assert told.items() <= artifact.settings["recipe"].items()


def test_settings_reach_the_trainer(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'optimizer = "adafactor"\nschedule = "constant"\naccumulation = 4\nclip = 0.5\n'
        "bf16 = false\nsave_every = 7\n",
        encoding="utf-8",
    )
    arguments = training_arguments(load_config(recipe), tmp_path)
    assert arguments.optim == "adafactor"
    assert arguments.lr_scheduler_type == "constant_with_warmup"
    assert (arguments.gradient_accumulation_steps, arguments.max_grad_norm) == (4, 0.5)
    assert (arguments.bf16, arguments.fp16) == (False, False)
    assert (arguments.save_strategy, arguments.save_steps) == ("steps", 7)


@pytest.mark.parametrize(
    ("capabilities", "half"),
    [
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_half_precision_is_for_processors_that_compute_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, Any], half: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert training_arguments(FinetuneConfig(), tmp_path).bf16 == half
    assert environment()["computes_in_bf16"] == half
    assert not training_arguments(FinetuneConfig(bf16=False), tmp_path).bf16


def test_what_was_trained_in_half_precision_is_measured_in_32_bits(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.training.arguments.computes_in_bf16", lambda: True)
    run = tiny_config(encoder, epochs=1.0, bf16=True)
    asked = request(tmp_path, "classification", run)
    source = resolve_encoder(str(encoder))
    task = ClassifierTask.read(asked, source, load_tokenizer(source.path / "tokenizer.json"))
    model = task.make()
    train(model, task.rows, run, run_folder=tmp_path / "run")
    model.eval()
    ids = torch.tensor([task.rows[0].input_ids])
    kinds = []
    for layer in model.encoder.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda *seen: kinds.append(seen[2].dtype))
    model(ids, torch.ones_like(ids))
    assert set(kinds) == {torch.float32}


@pytest.mark.skipif(torch.cuda.is_available(), reason="fp16 works on this GPU")
def test_fp16_without_a_gpu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="fp16 needs a GPU"):
        training_arguments(FinetuneConfig(fp16=True), tmp_path)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"optimizer": "lion"}, "optimizer"),
        ({"schedule": "sawtooth"}, "schedule"),
        ({"accumulation": 0}, "accumulation"),
        ({"patience": 1, "refit": True}, "patience and refit exclude each other"),
        ({"patience": 1, "ema": 0.9}, "patience and ema exclude each other"),
        ({"patience": 1, "save_every": 5}, "patience and save_every exclude each other"),
        ({"ema": 0.9, "swa": 0.2}, "ema and swa exclude each other"),
        ({"ema": 1.0}, "ema = 1.0"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        FinetuneConfig(**settings)


@pytest.mark.parametrize("best_by", ["loss", "accuracy"])
def test_a_run_stops_when_held_out_rows_get_no_better(
    tmp_path: Path, encoder: Path, best_by: str
) -> None:
    config = tiny_config(
        encoder, epochs=30.0, patience=2, best_by=best_by, schedule="constant", warmup=0.0
    )
    asked = _that_gets_worse(tmp_path / "long", config)
    seen: list[int] = []
    finetune(asked, lambda done, total, message: seen.append(done))
    assert seen[-1] < 30 * 4

    kept = {int(path.name.split("-")[1]) for path in asked.run_folder.glob("checkpoint-*")}
    best = min(kept)
    short = replace(config, epochs=best / 4, patience=0, best_by="loss")
    once = _that_gets_worse(tmp_path / "short", short)
    finetune(once)
    assert (asked.output / HEAD).read_bytes() == (once.output / HEAD).read_bytes()


def test_a_run_of_one_step_learns(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=1.0, batch_size=64, dropout=0.0, warmup=0.1)
    weights = []
    for rate in (1e-9, 1e-2):
        asked = request(tmp_path / str(rate), "classification", replace(config, learning_rate=rate))
        assert finetune(asked).metrics["accuracy"] >= 0
        weights.append(load_file(asked.output / HEAD)["head.1.weight"])
    assert (weights[1] - weights[0]).abs().max() > 1e-3


def _that_gets_worse(folder: Path, config: FinetuneConfig) -> FinetuneRequest:
    """Held-out rows with their labels swapped only get worse: the first epoch is the best."""
    asked = request(folder, "classification", config)
    swapped = {"card": "rate", "rate": "card"}
    wrong = [row | {"label": swapped[row["label"]]} for row in texts(ending="in")]
    assert asked.valid_file
    write_rows(asked.valid_file, wrong)
    return asked


def test_a_penalty_on_weights_is_no_part_of_the_held_out_loss(
    tmp_path: Path, encoder: Path
) -> None:
    def losses(orthogonality: float) -> tuple[float, float]:
        """Of the training rows and of the held-out ones."""
        config = tiny_config(
            encoder,
            method="adalora",
            methods={"adalora": {"orthogonality": orthogonality}},
            epochs=1.0,
            learning_rate=1e-12,
            measure_epochs=True,
        )
        asked = request(tmp_path / str(orthogonality), "classification", config)
        finetune(asked)
        rows = read_curves(asked.run_folder)
        (held_out,) = [row["held_out_loss"] for row in rows if "held_out_loss" in row]
        return next(row["loss"] for row in rows if "loss" in row), held_out

    (plain, measured), (penalised, again) = losses(0.0), losses(5.0)
    assert penalised > plain + 1
    assert again == pytest.approx(measured, abs=1e-3)


class _Killed(BaseException):
    pass


def _killed_at(share: float) -> Any:
    def kill(done: int, total: int, message: str) -> None:
        if done > total * share:
            raise _Killed

    return kill


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mixup": 0.4, "ema": 0.9},
        {"swa": 0.6, "adversary": "pgd", "accumulation": 2},
        {"r_drop": 1.0, "contrast": 0.3, "optimizer": "adafactor", "bf16": True},
    ],
    ids=["plain", "mixup-ema", "swa-pgd-accumulation", "r_drop-contrast-adafactor-bf16"],
)
def test_a_run_killed_within_an_epoch_goes_on_to_the_bit(
    tmp_path: Path, encoder: Path, settings: dict
) -> None:
    steps = {"epochs": 4.0, "batch_size": 4, "save_every": 3}
    config = tiny_config(encoder, dropout=0.2, adapter_dropout=0.1, **(steps | settings))
    whole, broken = (
        request(tmp_path / name, "classification", config) for name in ("whole", "broken")
    )
    finetune(whole)
    with pytest.raises(_Killed):
        finetune(broken, _killed_at(0.6))
    last = last_checkpoint(broken.run_folder)
    assert last is not None
    spent = _slower(last, minutes=50.0)
    seen: list[int] = []
    again = finetune(broken, lambda done, total, message: seen.append(done))
    assert seen[0] == int(last.name.split("-")[1]) + 1
    assert 50 < again.metrics["minutes"] < 50 + spent + 5
    for file in (ADAPTER, HEAD):
        assert (whole.output / file).read_bytes() == (broken.output / file).read_bytes()


def _slower(checkpoint: Path, *, minutes: float) -> float:
    """The checkpoint as of a run that took so many minutes longer; what it had taken."""
    file = checkpoint / "trainer_state.json"
    state = json.loads(file.read_text())
    known = state["stateful_callbacks"]["Stopwatch"]["attributes"]
    took: float = known["before"] / 60
    known["before"] += minutes * 60
    file.write_text(json.dumps(state))
    return took


def test_a_run_goes_on_from_a_checkpoint_that_knows_no_time(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=4.0, method="head"))
    with pytest.raises(_Killed):
        finetune(asked, _killed_at(0.6))
    last = last_checkpoint(asked.run_folder)
    assert last is not None
    state = json.loads((last / "trainer_state.json").read_text())
    del state["stateful_callbacks"]["Stopwatch"]
    (last / "trainer_state.json").write_text(json.dumps(state))
    assert finetune(asked).metrics["minutes"] >= 0


def test_a_killed_run_stops_where_an_unbroken_one_gets_no_better(
    tmp_path: Path, encoder: Path
) -> None:
    config = tiny_config(encoder, epochs=10.0, patience=4, schedule="constant", warmup=0.0)
    whole, broken = (_that_gets_worse(tmp_path / name, config) for name in ("whole", "broken"))
    seen: list[int] = []
    finetune(whole, lambda done, total, message: seen.append(done))
    assert seen[-1] == 5 * 4
    with pytest.raises(_Killed):
        finetune(broken, _killed_at(0.4))
    again: list[int] = []
    finetune(broken, lambda done, total, message: again.append(done))
    assert again == seen[16:]
    assert (whole.output / HEAD).read_bytes() == (broken.output / HEAD).read_bytes()


@pytest.mark.parametrize(
    "settings", [{"epochs": 10.0, "patience": 1}, {"epochs": 2.5}, {"epochs": 2.0}], ids=str
)
def test_a_training_that_had_ended_takes_no_step_more(
    tmp_path: Path, encoder: Path, settings: dict
) -> None:
    config = tiny_config(encoder, schedule="constant", warmup=0.0, **settings)
    asked = _that_gets_worse(tmp_path, config)
    finetune(asked)
    head = (asked.output / HEAD).read_bytes()
    shutil.rmtree(asked.output)
    seen: list[int] = []
    finetune(asked, lambda done, total, message: seen.append(done))
    assert not seen
    assert (asked.output / HEAD).read_bytes() == head


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=4.0, save_every=3, dropout=0.2)
    whole, broken = (
        request(tmp_path / name, "classification", config) for name in ("whole", "broken")
    )
    finetune(whole)
    with pytest.raises(_Killed):
        finetune(broken, _killed_at(0.9))
    last = last_checkpoint(broken.run_folder)
    assert last is not None
    (last / "trainer_state.json").write_text('{"global_step":', encoding="utf-8")
    (last / "optimizer.pt").unlink()
    before = last_checkpoint(broken.run_folder)
    assert before is not None
    assert before != last
    finetune(broken)
    assert (whole.output / HEAD).read_bytes() == (broken.output / HEAD).read_bytes()


def test_no_folder_and_an_empty_one_have_no_checkpoint(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "none") is None
    (tmp_path / "checkpoint-9").mkdir()
    assert last_checkpoint(tmp_path) is None
    shutil.rmtree(tmp_path / "checkpoint-9")
    assert last_checkpoint(tmp_path) is None


def test_a_run_is_known_by_its_recipe_its_rows_and_what_it_makes(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder))
    more = {"unlabelled": write_rows(tmp_path / "more.jsonl", [{"text": "card"}])}

    def key(seed: int = 13, kind: str = "classification", **files: Path | None) -> str:
        config = replace(asked.config, seed=seed)
        return run_key(config, asked.files | files, kind, known_weights(config))

    known = key()
    with_more = key(**more)
    assert len({known, with_more, key(seed=5), key(kind="embedding"), key(valid=None)}) == 5
    assert key(train=asked.train_file.rename(tmp_path / "moved.jsonl")) == known
    write_rows(tmp_path / "more.jsonl", [{"text": "rate"}])
    assert key(train=tmp_path / "moved.jsonl", **more) != with_more


def test_a_run_is_known_by_the_content_of_what_it_builds_on(tmp_path: Path) -> None:
    place = make_encoder(tmp_path / "encoder")
    teacher = request(tmp_path / "teacher", "classification", tiny_config(place, epochs=0.1))
    learner = tiny_config(place, distil={"teachers": [str(teacher.output)]})

    def key() -> str:
        return run_key(learner, {}, "classification", known_weights(learner))

    finetune(teacher)
    first = key()
    assert key() == first
    shutil.rmtree(teacher.output)
    other = replace(teacher.config, seed=5)
    finetune(replace(teacher, config=other, run_folder=tmp_path / "other"))
    another = key()
    assert another != first, "another teacher stands in the same place"
    weights = place / "model.safetensors"
    tensors = {name: one + 1 for name, one in load_file(weights).items()}
    save_file(tensors, weights)
    assert key() not in (first, another), "another encoder stands in the same place"


def test_the_checkpoints_of_all_phases_go(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=1.0, method="head", refit=True)
    asked = request(tmp_path, "classification", config)
    finetune(asked)
    kept = {path.name for path in asked.run_folder.iterdir() if path.is_file()}
    assert last_checkpoint(asked.run_folder)
    assert last_checkpoint(asked.run_folder / "refit")
    remove_checkpoints(asked.run_folder)
    assert not list(asked.run_folder.rglob("checkpoint-*"))
    assert {path.name for path in asked.run_folder.iterdir() if path.is_file()} == kept
