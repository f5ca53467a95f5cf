from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ml.artifacts import TOKENIZER
from ml.data.encoding import load_tokenizer
from ml.data.readers import read_classification
from ml.encoders import resolve_encoder
from ml.errors import DataError, TrainingError
from ml.training import search as searching
from ml.training.config import FinetuneConfig, load_config
from ml.training.rows import FinetuneRequest
from ml.training.search import search
from ml.training.search_space import search_space
from ml.training.tasks import ClassifierTask
from tests.ml.training.failing_trial import PROBLEM, let_second_trial_fail
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows

SPACE = {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}, "rank": [2, 4]}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def asked(tmp_path: Path, encoder: Path) -> FinetuneRequest:
    config = tiny_config(encoder, learning_rate=1e-2, rank=4, epochs=2.0, search=SPACE)
    made = request(tmp_path, "classification", config)
    return replace(made, output=tmp_path / "search", run_folder=tmp_path / "search" / "trials")


def test_the_best_of_the_trials_is_a_recipe(asked: FinetuneRequest) -> None:
    told = []
    result = search(asked, minutes=10, trials=3, told=told.append)
    assert [row.number for row in result.trials] == [1, 2, 3]
    assert list(result.trials) == told
    first = result.trials[0]
    assert first.settings == {"learning_rate": 1e-2, "rank": 4}
    values = [row.value for row in result.trials if row.value is not None]
    assert result.best.value == max(values) >= (first.value or 0)
    found = load_config(result.recipe)
    stated = sorted({*asked.config.stated, "learning_rate", "rank"})
    assert found == replace(asked.config, search={}, stated=stated, **result.best.settings)
    content = json.loads((asked.output / "search.json").read_text())
    assert content["best"]["settings"] == result.best.settings
    assert not list(asked.output.rglob("checkpoint-*"))


def _trained_by(request: FinetuneRequest) -> FinetuneConfig:
    """The recipe by which a run trains, once it has seen its rows."""
    source = resolve_encoder(request.config.encoder)
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    return ClassifierTask.read(request, source, tokenizer).config


@pytest.mark.parametrize("few", [True, False])
def test_trials_train_by_what_they_are_said_to_have(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch, few: bool
) -> None:
    rates = {"low": 1e-4, "high": 1e-2, "log": True}
    space = {"learning_rate": rates, "schedule": ["linear", "cosine"], "contrast": [0.0, 0.5]}
    asked = replace(asked, config=load_config(None, encoder=asked.config.encoder, search=space))
    if not few:  # but those that are left to a trial are
        write_rows(asked.train_file, texts() + texts(ending="acme")[::-2])
    recipes = []

    def trained(request: FinetuneRequest, *_: Any) -> Any:
        recipes.append(used := _trained_by(request))
        plain = (used.schedule == "linear") + (used.contrast == 0)
        return SimpleNamespace(metrics={"accuracy": plain / 2})

    monkeypatch.setattr(searching, "finetune", trained)
    result = search(asked, minutes=10, trials=8)
    own = _trained_by(asked)
    assert (own.head_start == "logistic") == few
    assert result.trials[0].settings == {
        "learning_rate": own.rate,
        "schedule": own.schedule,
        "contrast": own.contrast,
    }
    for row, used in zip(result.trials, recipes, strict=True):
        assert {name: getattr(used, name) for name in space} == row.settings
    assert result.best.value == 1.0
    best = replace(recipes[result.best.number - 1], measure_epochs=False, search={})
    found = _trained_by(replace(asked, config=load_config(result.recipe)))
    assert replace(best, few_shot="auto") == found


def test_the_held_out_rows_take_no_part(asked: FinetuneRequest) -> None:
    search(asked, minutes=10, trials=1)
    assert asked.valid_file is not None
    held_out = {row.text for row in read_classification(asked.valid_file)}
    used = {
        row.text
        for path in (asked.output / "rows" / "inner" / "split").iterdir()
        for row in read_classification(path)
    }
    assert used
    assert not used & held_out


def test_training_rows_that_held_out_rows_repeat_take_no_part(asked: FinetuneRequest) -> None:
    assert asked.valid_file is not None
    held_out = asked.valid_file.read_text(encoding="utf-8")
    with asked.train_file.open("a", encoding="utf-8") as file:
        file.write(held_out)
    test_the_held_out_rows_take_no_part(asked)


def test_settings_that_mean_nothing_are_refused_before_rows_are_read(
    asked: FinetuneRequest,
) -> None:
    foreign = replace(asked, config=replace(asked.config, keep_weight=1.0))
    with pytest.raises(TrainingError, match="keep_weight: of no meaning"):
        search(foreign, minutes=10)
    assert not asked.output.exists()


def test_a_file_alone_is_split_in_three(asked: FinetuneRequest) -> None:
    search(replace(asked, valid_file=None), minutes=10, trials=1)
    rows = asked.output / "rows"
    parts = [rows / "split" / "valid.jsonl", *(rows / "inner" / "split").iterdir()]
    texts = [{row.text for row in read_classification(path)} for path in parts]
    assert len(set.union(*texts)) == sum(map(len, texts))


def test_no_settings_are_tried_twice(asked: FinetuneRequest) -> None:
    space = {"rank": [2, 4], "batch_size": {"low": 8, "high": 9}, "label_smoothing": [0.0, 0.0]}
    few = replace(asked, config=replace(asked.config, search=space))
    told: list[Any] = []
    first = search(few, minutes=10, trials=3, told=told.append)
    assert list(first.trials) == told
    result = search(few, minutes=10)
    settings = [tuple(sorted(row.settings.items())) for row in result.trials]
    assert len(settings) == len(set(settings)) == 4
    assert [row.settings["batch_size"] for row in result.trials].count(8) == 2
    assert len(search(few, minutes=10).trials) == 4


def test_a_search_goes_on_where_it_stopped(asked: FinetuneRequest) -> None:
    def stop(row: Any) -> None:
        raise KeyboardInterrupt

    first = search(asked, minutes=10, trials=4, told=stop)
    assert [row.state for row in first.trials] == ["done"]
    second = search(asked, minutes=10, trials=2)
    assert second.trials[0] == first.trials[0]
    assert [row.number for row in second.trials] == [1, 2]


def test_a_search_that_goes_on_tries_something_else(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        searching, "finetune", lambda *_: SimpleNamespace(metrics={"accuracy": 0.5})
    )
    for trials in (2, 3, 4):
        result = search(asked, minutes=10, trials=trials)
    rates = {row.settings["learning_rate"] for row in result.trials}
    assert len(rates) == len(result.trials) == 4


def test_a_trial_that_was_cut_off_is_done_again(asked: FinetuneRequest) -> None:
    search(asked, minutes=10, trials=1)
    study = searching._study(asked)
    killed = study.ask()
    settings = {
        name: part.suggest(killed, name) for name, part in search_space(asked.config).items()
    }
    result = search(asked, minutes=10, trials=2)
    assert [row.state for row in result.trials] == ["done", "stopped", "done"]
    assert result.trials[2].settings == settings


@pytest.mark.parametrize("begun", [True, False])
def test_the_recipes_own_settings_are_tried_though_their_trial_was_interrupted(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(searching, "finetune" if begun else "_suggested", interrupted)
        for _ in range(2):
            with pytest.raises(TrainingError, match=r"interrupted before .* the same command"):
                search(asked, minutes=10)
    result = search(asked, minutes=10, trials=1)
    assert [row.state for row in result.trials] == ["stopped", "stopped", "done"]
    assert result.trials[2].settings == {"learning_rate": 1e-2, "rank": 4}


def test_settings_that_time_cut_off_are_tried_when_there_is_more(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def trained(request: FinetuneRequest, progress: Any) -> Any:
        now[0] += 120
        progress(1, 9, "")
        return SimpleNamespace(metrics={"accuracy": 0.5})

    monkeypatch.setattr(searching, "finetune", trained)
    first = search(asked, minutes=3)
    assert [row.state for row in first.trials] == ["done", "stopped"]
    second = search(asked, minutes=10, trials=2)
    assert [row.state for row in second.trials] == ["done", "stopped", "done"]
    assert second.trials[2].settings == second.trials[1].settings


def test_a_recipe_that_cannot_be_trained_ends_a_search_that_goes_on(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def trained(request: FinetuneRequest, *_: Any) -> Any:
        begun.append(request.config.learning_rate)
        if len(begun) == 1:
            raise KeyboardInterrupt
        raise TrainingError("the loss is nan")

    monkeypatch.setattr(searching, "finetune", trained)
    with pytest.raises(TrainingError, match="interrupted"):
        search(asked, minutes=10)
    with pytest.raises(TrainingError, match="the loss is nan"):
        search(asked, minutes=10)
    assert begun == [asked.config.learning_rate] * 2


def test_of_a_killed_search_the_minutes_until_then_are_spent(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, journal = [0.0], asked.output / searching.JOURNAL
    monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def killed(request: FinetuneRequest, progress: Any) -> Any:
        now[0] += 600
        progress(1, 9, "")
        raise _KilledError(journal.read_text())

    def trained(request: FinetuneRequest, progress: Any) -> Any:
        now[0] += 120
        return SimpleNamespace(metrics={"accuracy": 0.5})

    monkeypatch.setattr(searching, "finetune", killed)
    with pytest.raises(_KilledError) as left:
        search(asked, minutes=60)
    journal.write_text(re.sub(r'(datetime_start": ?")\d+', r"\g<1>2001", str(left.value)))
    monkeypatch.setattr(searching, "finetune", trained)
    result = search(asked, minutes=60, trials=1)
    assert [(row.state, row.minutes) for row in result.trials] == [("stopped", 10), ("done", 2)]
    assert result.minutes == 12


class _KilledError(Exception):
    """Holds the journal as it was then."""


def test_spent_minutes_count(asked: FinetuneRequest) -> None:
    search(asked, minutes=10, trials=1)
    again = search(asked, minutes=1e-6, trials=5)
    assert len(again.trials) == 1


def test_other_data_need_another_folder(asked: FinetuneRequest) -> None:
    search(asked, minutes=10, trials=1)
    with pytest.raises(DataError, match="holds a search with other data"):
        search(replace(asked, config=replace(asked.config, epochs=3.0)), minutes=10, trials=2)


def test_settings_that_cannot_be_trained_are_one_trials_problem(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_second_trial_fail(monkeypatch)
    result = search(asked, minutes=10, trials=2)
    assert [row.state for row in result.trials] == ["done", "failed", "done"]
    assert result.trials[1].problem == PROBLEM


def test_a_recipe_that_cannot_be_trained_ends_the_search(asked: FinetuneRequest) -> None:
    asked.train_file.write_text('{"text": "card", "label": "card"}\n' * 3)
    with pytest.raises((TrainingError, DataError)):
        search(replace(asked, valid_file=None), minutes=10)


def test_trials_that_fall_behind_end_early(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(request: FinetuneRequest, step: Any) -> Any:
        good = int(request.run_folder.name) < 5
        assert request.observer is not None
        for at in (10, 20, 30):
            request.observer("fit", at, {"held_out_accuracy": 0.9 if good else 0.1})
        return SimpleNamespace(metrics={"accuracy": 0.9 if good else 0.1})

    monkeypatch.setattr(searching, "finetune", trained)
    result = search(asked, minutes=10, trials=7)
    assert [row.state for row in result.trials] == ["done"] * 5 + ["ended early"] * 2


def test_a_trial_is_held_against_the_same_epochs_of_others(
    asked: FinetuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(request: FinetuneRequest, step: Any) -> Any:
        last = int(request.run_folder.name) == 5
        steps = 20 if last else 10  # as with smaller batches
        assert request.observer is not None
        for epoch in (1, 2):
            accuracy = 0.1 if last else 0.2
            request.observer("teacher-1", epoch * steps, {"held_out_accuracy": accuracy})
        for epoch, accuracy in ((1, 0.5), (2, 0.9)):
            request.observer("fit", epoch * steps, {"held_out_accuracy": accuracy})
        return SimpleNamespace(metrics={"accuracy": 0.9})

    monkeypatch.setattr(searching, "finetune", trained)
    result = search(asked, minutes=10, trials=6)
    assert [row.state for row in result.trials] == ["done"] * 6


def test_pairs_are_refused(asked: FinetuneRequest) -> None:
    with pytest.raises(TrainingError, match="rows with labels"):
        search(replace(asked, kind="embedding"), minutes=1)
