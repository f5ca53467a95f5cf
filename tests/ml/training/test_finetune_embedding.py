"""Sentence encoders tuned on pairs and on labelled texts, end to end on a tiny encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ml.artifacts import ADAPTER, HEAD, MODEL_CARD, Artifact, read_artifact
from ml.data.encoding import encode_texts, load_tokenizer
from ml.encoders import file_sha256, resolve_encoder
from ml.errors import DataError, TrainingError
from ml.export.build import build_model
from ml.models.encoder import load_delta, load_encoder, tune
from ml.models.sentence_encoder import SentenceEncoder
from ml.training.finetune import finetune
from tests.ml.training.tiny_encoder import (
    make_encoder,
    pairs,
    request,
    texts,
    tiny_config,
    write_rows,
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.mark.parametrize("loss", ["multiple_negatives", "triplet"])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_questions_learn_to_find_their_article(
    tmp_path: Path, encoder: Path, method: str, loss: str
) -> None:
    rate = 5e-3 if method == "lora" else 2e-3
    config = tiny_config(encoder, method=method, learning_rate=rate, pair_loss=loss)
    asked = request(tmp_path, "embedding", config)
    steps: list[tuple[int, int, str]] = []
    artifact = finetune(asked, lambda *step: steps.append(step))

    assert read_artifact(asked.output) == artifact
    assert (artifact.kind, artifact.pooling, artifact.labels) == ("embedding", "mean", ())
    assert ADAPTER in artifact.files
    assert HEAD not in artifact.files
    assert artifact.metrics["n"] == 30
    assert artifact.metrics["recall@1"] >= 0.8 > artifact.metrics["untuned_recall@1"]
    assert artifact.metrics["recall@3"] == 1.0
    assert artifact.settings["recipe"]["pair_loss"] == loss
    assert steps[-1][0] == steps[-1][1] > 0
    assert artifact.data[0].sha256 == file_sha256(asked.train_file)
    assert artifact.data[0].rows == len(pairs())


@pytest.mark.parametrize("method", ["adalora", "adapter", "bitfit", "ia3", "prefix", "prompt"])
def test_each_method_tunes_it_and_is_built(tmp_path: Path, encoder: Path, method: str) -> None:
    config = tiny_config(encoder, method=method, epochs=4.0, learning_rate=0.1)
    asked = request(tmp_path, "embedding", config)
    artifact = finetune(asked)
    assert artifact.metrics["trainable_parameters"] > 0
    assert _moved(encoder, asked.output, artifact, "the card of the bank") > 1e-5
    built = build_model(asked.output, tmp_path / "models")
    assert built.build is not None
    assert built.build.agreement > 0.9


def test_labelled_texts_are_enough(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder))
    write_rows(asked.train_file, texts())
    assert asked.valid_file
    write_rows(asked.valid_file, texts(ending="in"))
    artifact = finetune(asked)
    assert artifact.metrics["recall@1"] >= 0.8
    assert artifact.metrics["n"] == 30


def test_without_a_validation_file_a_part_is_held_out_by_text(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder, epochs=1.0, held_out=0.2))
    artifact = finetune(replace(asked, valid_file=None))
    assert artifact.metrics["n"] == 6
    assert artifact.data[0].rows == 24


def test_a_held_out_text_is_not_trained_on_as_a_positive_either(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder, epochs=1.0))
    turned = [{"text": f"{row['text']} euro", "positive": row["text"]} for row in texts()]
    write_rows(asked.train_file, [*pairs(ending="euro"), *turned])
    assert asked.valid_file
    write_rows(asked.valid_file, pairs())
    assert finetune(asked).data[0].rows == 30


def test_the_same_run_gives_the_same_weights(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=2.0)
    for name in ("one", "two"):
        finetune(request(tmp_path / name, "embedding", config))
    assert (tmp_path / "one/artifact" / ADAPTER).read_bytes() == (
        tmp_path / "two/artifact" / ADAPTER
    ).read_bytes()


def test_texts_to_keep_move_less(tmp_path: Path, encoder: Path) -> None:
    kept = [{"text": f"{row['text']} acme", "keep": True} for row in texts()]
    moved = {}
    for weight in (0.0, 50.0):
        config = tiny_config(encoder, epochs=4.0, keep_weight=weight)
        asked = request(tmp_path / str(weight), "embedding", config)
        write_rows(asked.train_file, [*pairs(), *kept])
        artifact = finetune(asked)
        assert artifact.data[0].rows == 60
        moved[weight] = _moved(encoder, asked.output, artifact, kept[0]["text"])
    assert moved[50.0] < 0.5 * moved[0.0]


def _moved(encoder: Path, folder: Path, artifact: Artifact, text: str) -> float:
    """1 - cosine of a text's vector before and after."""
    source = resolve_encoder(str(encoder))
    tuned = tune(load_encoder(source), artifact.method)
    load_delta(tuned, artifact.method, folder / ADAPTER)
    batch = encode_texts(load_tokenizer(encoder / "tokenizer.json"), [text], max_length=16)
    inputs = [torch.from_numpy(array) for array in (batch.input_ids, batch.attention_mask)]
    with torch.no_grad():
        vectors = [
            SentenceEncoder(module).eval()(*inputs)["vector"][0]
            for module in (load_encoder(source), tuned)
        ]
    return float(1.0 - vectors[0] @ vectors[1])


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_part_of_the_change_can_be_kept(tmp_path: Path, encoder: Path, method: str) -> None:
    config = tiny_config(encoder, method=method, epochs=2.0, learning_rate=2e-3)
    whole, part = (
        request(tmp_path / str(strength), "embedding", replace(config, strength=strength))
        for strength in (1.0, 0.25)
    )
    finetune(whole)
    finetune(part)
    tuned, weak = load_file(whole.output / ADAPTER), load_file(part.output / ADAPTER)
    name = next(name for name in tuned if "query" in name and "lora_A" not in name)
    before = 0.0
    if method == "full":
        before = load_file(resolve_encoder(str(encoder)).path / "model.safetensors")[name]
    np.testing.assert_allclose(weak[name] - before, 0.25 * (tuned[name] - before), atol=1e-6)
    assert np.abs(tuned[name] - before).max() > 1e-4


def test_a_refit_trains_on_the_held_out_pairs_too(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=2.0)
    plain = request(tmp_path / "plain", "embedding", config)
    again = request(tmp_path / "again", "embedding", replace(config, refit=True))
    measured, refitted = finetune(plain), finetune(again)
    same = {"recall@1", "recall@3", "mrr@10", "n"}
    assert {k: refitted.metrics[k] for k in same} == {k: measured.metrics[k] for k in same}
    assert (plain.output / ADAPTER).read_bytes() != (again.output / ADAPTER).read_bytes()
    assert [source.rows for source in refitted.data] == [30, 30]


PAIR = {"text": "card", "positive": "the card"}


@pytest.mark.parametrize(
    ("rows", "error", "problem"),
    [
        ([], DataError, "has no rows to train on"),
        ([PAIR], TrainingError, r"train\.jsonl has one pair .*row 1"),
        ([{"text": "card", "label": "x"}], TrainingError, "has no pairs .* no label has two texts"),
        (
            [{"text": text, "label": "x"} for text in ("card", "lost", "bank")],
            TrainingError,
            "has the one label 'x'",
        ),
        ([PAIR, PAIR | {"text": "lost"}], TrainingError, "has the one positive 'the card'"),
        ([PAIR, {"text": " ", "label": "x"}], DataError, "row 2: 'text' is empty"),
        ([PAIR, {"text": "x"}], DataError, "row 2: has neither 'positive' nor 'label'"),
    ],
)
def test_training_rows_that_cannot_be_used_are_named(
    tmp_path: Path,
    encoder: Path,
    rows: list[dict[str, Any]],
    error: type[Exception],
    problem: str,
) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder))
    write_rows(asked.train_file, rows)
    with pytest.raises(error, match=problem):
        finetune(asked)
    assert not asked.output.exists()


def test_one_pair_with_a_negative_can_be_learnt(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder, epochs=1.0))
    write_rows(asked.train_file, [PAIR | {"negative": "the rate"}])
    assert finetune(asked).data[0].rows == 1


def test_validation_rows_without_a_pair_are_refused(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder))
    assert asked.valid_file
    write_rows(asked.valid_file, [{"text": "rome", "label": "x"}])
    with pytest.raises(DataError, match=r"valid\.jsonl: leaves no validation pairs"):
        finetune(asked)


def test_a_method_that_tunes_nothing_is_refused(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder, method="head"))
    with pytest.raises(TrainingError, match="'head' tunes no weights"):
        finetune(asked)


def test_pairs_one_by_one_are_told_apart_from_negatives_alone(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder, batch_size=1, epochs=1.0))
    with pytest.raises(TrainingError, match=r"batch_size = 1 .*train\.jsonl has no negatives"):
        finetune(asked)
    rows = [row | {"negative": "ann of acme"} for row in pairs()]
    write_rows(asked.train_file, rows)
    finetune(asked)


def test_more_tokens_than_the_encoder_reads_are_refused(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "embedding", tiny_config(encoder, max_length=512))
    with pytest.raises(TrainingError, match="reads at most 256 tokens"):
        finetune(asked)


class _Killed(BaseException):
    pass


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=3.0, dropout=0.1, adapter_dropout=0.1)
    whole = request(tmp_path / "whole", "embedding", config)
    finetune(whole)
    broken = request(tmp_path / "broken", "embedding", config)

    def kill(done: int, total: int, message: str) -> None:
        if done > total * 2 // 3:
            raise _Killed

    with pytest.raises(_Killed):
        finetune(broken, kill)
    assert not broken.output.exists()
    finetune(broken)
    assert (whole.output / ADAPTER).read_bytes() == (broken.output / ADAPTER).read_bytes()


def test_the_card_says_what_was_done(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=1.0, strength=0.5, card={"use": "For tests."})
    asked = request(tmp_path, "embedding", config)
    artifact = finetune(asked)
    card = (asked.output / MODEL_CARD).read_text(encoding="utf-8")
    assert "For tests." in card
    assert f"| recall@1 | {artifact.metrics['recall@1']:.4f} |" in card
    assert "multiple negatives loss, 50% of the change kept, " in card
    assert "Temperature" not in card
    assert "label smoothing" not in card


def test_all_that_shaped_it_is_told(tmp_path: Path, encoder: Path) -> None:
    shaped = {
        **{"ema": 0.5, "adversary": "fgm", "adversary_norm": 0.3, "optimizer": "adafactor"},
        **{"accumulation": 2, "clip": 0.5, "gradient_checkpointing": True},
    }
    asked = request(tmp_path, "embedding", tiny_config(encoder, epochs=1.0, **shaped))
    recipe = finetune(asked).settings["recipe"]
    assert shaped.items() <= recipe.items()
    assert recipe["learning_rate"] == asked.config.rate
    assert (recipe["pair_loss"], recipe["refit"]) == ("multiple_negatives", False)
    assert "label_smoothing" not in recipe
    card = (asked.output / MODEL_CARD).read_text(encoding="utf-8")
    assert (
        "multiple negatives loss, FGM of norm 0.3, the mean of the weights at decay 0.5, " in card
    )
