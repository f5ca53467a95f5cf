"""Bases, methods and seeds beside each other; runs in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from ml.artifacts import read_artifact
from ml.data.readers import read_classification
from ml.errors import ArtifactError, DataError, EncoderNotFound, TrainingError
from ml.training import isolated
from ml.training.compare import (
    COMPARISON,
    Candidate,
    Progress,
    candidates,
    compare,
    with_fixed_split,
)
from ml.training.config import FinetuneConfig
from ml.training.finetune import finetune
from ml.training.isolated import IsolatedRun, finetune_isolated
from ml.training.rows import FinetuneRequest
from ml.types import Kind
from tests.ml.training.tiny_encoder import (
    make_encoder,
    pairs,
    request,
    sentences,
    texts,
    tiny_config,
    write_rows,
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def here(asked: FinetuneRequest, progress: Progress | None) -> IsolatedRun:
    """A run in this process: the isolation has its own test."""
    return IsolatedRun(finetune(asked, progress), 100.0 + asked.config.seed)


def test_every_base_is_crossed_with_every_method(encoder: Path) -> None:
    config = FinetuneConfig(encoder=str(encoder), seed=3)
    assert candidates(config, encoders=[], methods=[], seeds=[]) == [
        Candidate(str(encoder), "lora", (3,))
    ]
    crossed = candidates(config, encoders=[str(encoder)], methods=["head", "full"], seeds=[1, 2, 1])
    assert [(one.method, one.seeds) for one in crossed] == [("head", (1, 2)), ("full", (1, 2))]
    with pytest.raises(EncoderNotFound, match="no-such-base"):
        candidates(config, encoders=["no-such-base"], methods=[], seeds=[])
    with pytest.raises(TrainingError, match="no method 'prefixx'"):
        candidates(config, encoders=[], methods=["head", "prefixx"], seeds=[])
    with pytest.raises(DataError, match="seed = -1 is not allowed"):
        candidates(config, encoders=[], methods=[], seeds=[1, -1])


def test_rows_have_means_over_seeds_on_the_same_held_out_rows(
    tmp_path: Path, encoder: Path
) -> None:
    config = tiny_config(encoder, epochs=2.0, held_out=0.3, refit=True)
    asked = replace(request(tmp_path, "classification", config), valid_file=None)
    seen: list[str] = []
    rows = list(
        compare(
            asked,
            candidates(config, encoders=[], methods=["head", "full"], seeds=[1, 2]),
            lambda done, total, message: seen.append(message),
            run=here,
        )
    )
    assert [row.candidate.method for row in rows] == ["head", "full"]
    parts = [
        read_artifact(asked.output / f"{rows[1].candidate.name}-{seed}").metrics for seed in (1, 2)
    ]
    assert rows[1].quality == pytest.approx(sum(one["accuracy"] for one in parts) / 2)
    assert rows[0].parameters < rows[1].parameters
    assert rows[0].size_mb < rows[1].size_mb
    assert rows[0].peak_memory_mb == 102.0
    assert not rows[0].as_dict().get("problem")
    assert any("full-2" in message for message in seen)
    held_out = list(read_classification(asked.output / "split" / "valid.jsonl"))
    assert len(held_out) == parts[0]["n"] == parts[1]["n"]


def test_bases_whose_paths_read_alike_have_results_of_their_own(tmp_path: Path) -> None:
    first, second = make_encoder(tmp_path / "e" / "b"), make_encoder(tmp_path / "e_b")
    weights = load_file(second / "model.safetensors")
    save_file(
        {name: weight * 1.5 for name, weight in weights.items()}, second / "model.safetensors"
    )
    config = tiny_config(first, epochs=1.0)
    asked = request(tmp_path, "classification", config)
    made: list[IsolatedRun] = []

    def run(one: FinetuneRequest, progress: Progress | None) -> IsolatedRun:
        assert not list(asked.run_folder.rglob("checkpoint-*"))
        made.append(here(one, progress))
        assert list(asked.run_folder.rglob("checkpoint-*"))
        return made[-1]

    chosen = candidates(config, encoders=[str(first), str(second)], methods=["full"], seeds=[])
    rows = list(compare(asked, chosen, run=run))
    alone = finetune(
        replace(
            asked,
            config=replace(config, encoder=str(second), method="full"),
            output=tmp_path / "alone",
            run_folder=tmp_path / "runs" / "alone",
        )
    )
    assert made[1].artifact.files["head.safetensors"] == alone.files["head.safetensors"]
    assert rows[1].quality == alone.metrics["accuracy"]
    assert list(compare(asked, chosen, run=run)) == rows
    assert len(made) == 2


KINDS: dict[Kind, list[dict[str, Any]]] = {
    "classification": texts(),
    "multi_label": [{"text": row["text"], "labels": [row["label"]]} for row in texts()],
    "ner": sentences(),
    "embedding": pairs(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_groups_stay_whole_when_what_was_split_is_split_again(
    tmp_path: Path, encoder: Path, kind: Kind
) -> None:
    config = tiny_config(encoder, held_out=0.3)
    rows = [row | {"group": f"g{n % 6}", "source": "s"} for n, row in enumerate(KINDS[kind])]
    asked = request(tmp_path, "classification", config)
    write_rows(asked.train_file, rows)
    asked = replace(asked, kind=kind, valid_file=None)
    first = with_fixed_split(replace(asked, output=tmp_path / "first"))
    second = with_fixed_split(replace(first, valid_file=None, output=tmp_path / "second"))
    assert first.valid_file is not None
    assert second.valid_file is not None
    files = (first.valid_file, second.valid_file, second.train_file)
    parts = [[json.loads(line) for line in file.open()] for file in files]
    groups = [{row["group"] for row in part} for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 6
    assert all(row["source"] == "s" for part in parts for row in part)
    assert sum(map(len, parts)) == len(rows)


def test_sentence_encoders_are_compared_on_a_share_of_their_pairs(
    tmp_path: Path, encoder: Path
) -> None:
    config = tiny_config(encoder, epochs=1.0, held_out=0.3)
    asked = replace(request(tmp_path, "embedding", config), valid_file=None)
    write_rows(asked.train_file, [*pairs(), {"text": "ann", "keep": True}])
    (row,) = compare(asked, candidates(config, encoders=[], methods=[], seeds=[]), run=here)
    assert row.problem == ""
    assert 0 <= row.quality <= 1
    split = [json.loads(line) for line in (asked.output / "split" / "train.jsonl").open()]
    assert [row["text"] for row in split if row["keep"]] == ["ann"]


def test_a_failing_candidate_leaves_its_problem(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=1.0)
    asked = request(tmp_path, "classification", config)

    def failing(one: FinetuneRequest, progress: Progress | None) -> IsolatedRun:
        if one.config.method == "full":
            raise TrainingError("the loss is nan at step 3")
        return here(one, progress)

    rows = list(
        compare(
            asked,
            candidates(config, encoders=[], methods=["full", "head"], seeds=[]),
            run=failing,
        )
    )
    assert rows[0].as_dict()["problem"] == "the loss is nan at step 3"
    assert "quality" not in rows[0].as_dict()
    assert rows[1].as_dict()["quality"] >= 0
    foreign = replace(asked, config=replace(config, keep_weight=1.0))
    with pytest.raises(TrainingError, match="keep_weight: of no meaning"):
        list(compare(foreign, candidates(config, encoders=[], methods=[], seeds=[]), run=here))
    broken = replace(
        asked, train_file=tmp_path / "broken.jsonl", valid_file=None, output=tmp_path / "new"
    )
    broken.train_file.write_text('{"text": "card"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="row 1"):
        list(compare(broken, candidates(config, encoders=[], methods=[], seeds=[]), run=here))


class _Killed(BaseException):
    pass


def test_a_killed_comparison_goes_on_and_one_more_method_is_trained_alone(
    tmp_path: Path,
) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    config = tiny_config(encoder, epochs=1.0, held_out=0.3)
    asked = replace(request(tmp_path, "classification", config), valid_file=None)
    trained: list[str] = []

    def measured(*methods: str, dies_at: str = "", asked: FinetuneRequest = asked) -> list[Any]:
        def run(one: FinetuneRequest, progress: Progress | None) -> IsolatedRun:
            if one.config.method == dies_at:
                raise _Killed
            trained.append(f"{one.config.method}-{one.config.seed}")
            return here(one, progress)

        chosen = candidates(asked.config, encoders=[], methods=methods, seeds=[1, 2])
        return [row.as_dict() for row in compare(asked, chosen, run=run)]

    with pytest.raises(_Killed):
        measured("head", "full", dies_at="full")
    first = measured("head", "full")
    assert trained == ["head-1", "head-2", "full-1", "full-2"]
    assert measured("full", "bitfit", "head")[::2] == first[::-1]
    assert trained[4:] == ["bitfit-1", "bitfit-2"]

    shutil.rmtree(asked.output / f"{Candidate(str(encoder), 'full', ()).name}-2")
    assert measured("full")[0]["quality"] == first[1]["quality"]
    assert trained[6:] == ["full-2"]
    weights = load_file(encoder / "model.safetensors")
    save_file(
        {name: weight * 1.01 for name, weight in weights.items()}, encoder / "model.safetensors"
    )
    measured("head")
    assert trained[7:] == ["head-1", "head-2"]

    with pytest.raises(DataError, match="holds a comparison of other data or another recipe"):
        measured("head", asked=replace(asked, config=replace(config, epochs=2.0)))
    write_rows(asked.train_file, texts(ending="else"))
    with pytest.raises(DataError, match="holds a comparison of other data or another recipe"):
        measured("head")
    for content in ("{", "[]", '{"key": 1, "runs": 3}'):
        (asked.output / COMPARISON).write_text(content)
        with pytest.raises(DataError, match=r"comparison\.json: cannot be read"):
            measured("head")
    (asked.output / COMPARISON).unlink()
    with pytest.raises(ArtifactError, match="is not empty"):
        measured("head")
    assert len(trained) == 9


def test_rows_that_are_mended_may_be_compared_in_the_same_folder(
    tmp_path: Path, encoder: Path
) -> None:
    config = tiny_config(encoder, epochs=1.0, method="head")
    asked = request(tmp_path, "classification", config)
    chosen = candidates(config, encoders=[], methods=[], seeds=[])
    good = asked.train_file.read_text()
    asked.train_file.write_text('{"text": "card"}\n')
    (row,) = compare(asked, chosen, run=here)
    assert "row 1" in row.problem
    asked.train_file.write_text(good)
    (row,) = compare(asked, chosen, run=here)
    assert row.problem == ""


def test_a_process_of_its_own_gives_the_same_artifact(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=1.0, method="head")
    steps: list[Any] = []
    run = finetune_isolated(
        request(tmp_path / "apart", "classification", config), lambda *step: steps.append(step)
    )
    same = finetune(request(tmp_path / "here", "classification", config))
    assert run.artifact.files["head.safetensors"] == same.files["head.safetensors"]
    assert run.peak_memory_mb > 50
    assert steps[-1][0] == steps[-1][1]


def test_errors_and_deaths_of_the_process_are_told(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder))
    missing = replace(asked, train_file=tmp_path / "rows.jsonl")
    missing.train_file.write_text('{"text": "card", "label": "a"}\n', encoding="utf-8")
    with pytest.raises(TrainingError, match="one class"):
        finetune_isolated(missing)
    monkeypatch.setattr(isolated, "_run", _killed)
    with pytest.raises(TrainingError, match=r"without a result \(exit status -9\)"):
        finetune_isolated(asked)


def _killed(asked: FinetuneRequest, sender: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_cancelling_stops_the_process(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=500.0))

    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        finetune_isolated(asked, cancel)
    assert not asked.output.exists()
