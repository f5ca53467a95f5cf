"""Rows that weigh more than others: in the file, in every term of the loss, in the head's start."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn

from ml.artifacts import HEAD
from ml.data.encoding import load_tokenizer
from ml.data.readers import read_classification
from ml.encoders import resolve_encoder
from ml.errors import DataError
from ml.models.classifier import ClassifierHead
from ml.models.r_drop import disagreement
from ml.training.compare import with_fixed_split
from ml.training.datasets import EncodedRow, EncodedRows, collate
from ml.training.few_shot import start_head
from ml.training.finetune import finetune
from ml.training.losses.cross_entropy import CrossEntropyLoss
from ml.training.losses.distillation import DistillationLoss
from ml.training.losses.focal import FocalLoss
from ml.training.losses.supervised_contrastive import SupervisedContrastiveLoss
from ml.training.propagation import TRUST
from ml.training.rows import FinetuneRequest
from ml.training.self_training import pseudo_labelled
from ml.training.tasks import ClassifierTask
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows

WEIGHTS = torch.tensor([1.0, 3.0, 2.0, 2.0])
AGAIN = torch.tensor([0, 1, 1, 1, 2, 2, 3, 3])
LABELS = torch.tensor([0, 2, 1, 2])


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def _normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "loss",
    [
        CrossEntropyLoss(label_smoothing=0.1),
        FocalLoss(2.0),
        lambda logits, labels, weight: disagreement(logits, logits.flip(1), weight),
    ],
)
def test_a_row_of_weight_two_is_as_good_as_two_rows(loss: Callable[..., Tensor]) -> None:
    logits = _normal(4, 3)
    weighted = loss(logits, LABELS, WEIGHTS / WEIGHTS.mean())
    repeated = loss(logits[AGAIN], LABELS[AGAIN], None)
    torch.testing.assert_close(weighted, repeated)
    assert not torch.isclose(weighted, loss(logits, LABELS, None))
    torch.testing.assert_close(loss(logits, LABELS, torch.ones(4)), loss(logits, LABELS, None))


def test_what_teachers_say_of_a_row_of_weight_two_counts_twice() -> None:
    logits, taught = _normal(4, 3), _normal(4, 3, seed=2).softmax(dim=-1)
    loss, none = DistillationLoss(1.0), torch.zeros(())
    weighted = loss(none, logits, taught, WEIGHTS / WEIGHTS.mean())
    torch.testing.assert_close(weighted, loss(none, logits[AGAIN], taught[AGAIN]))
    assert not torch.isclose(weighted, loss(none, logits, taught))


@pytest.mark.parametrize("make", [CrossEntropyLoss, FocalLoss])
def test_weights_of_classes_and_rows_are_multiplied(make: type[nn.Module]) -> None:
    logits, of_class = _normal(4, 3), torch.tensor([0.5, 1.0, 2.0])
    loss = make(weights=of_class)
    single = torch.stack([make()(logits[[row]], LABELS[[row]]) for row in range(4)])
    expected = (WEIGHTS * of_class[LABELS] * single).sum() / of_class[LABELS].sum()
    torch.testing.assert_close(loss(logits, LABELS, WEIGHTS), expected)


def test_a_row_that_hardly_weighs_is_no_partner_and_no_stranger() -> None:
    vectors, labels = _normal(6, 8), torch.tensor([0, 0, 1, 1, 1, 0])
    loss = SupervisedContrastiveLoss()
    weights = torch.tensor([1.0, 1.0, 1.0, 1.0, 1e-9, 1e-9])
    without = loss(vectors[:4], labels[:4])
    torch.testing.assert_close(loss(vectors, labels, weights) * 6 / 4, without)
    torch.testing.assert_close(loss(vectors, labels, torch.ones(6)), loss(vectors, labels))
    assert not torch.isclose(loss(vectors, labels), without)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": CrossEntropyLoss(label_smoothing=0.1)},
        {"loss": FocalLoss()},
        {"r_drop": 1.0},
        {"contrast": SupervisedContrastiveLoss(), "contrast_share": 0.5},
        {"distillation": DistillationLoss()},
        {"contrast": SupervisedContrastiveLoss(), "contrast_share": 0.5, "r_drop": 2.0},
    ],
)
def test_nothing_is_learned_from_a_row_that_hardly_weighs(settings: dict[str, Any]) -> None:
    settings = {"loss": CrossEntropyLoss()} | settings
    head = ClassifierHead(hidden_size=8, columns=3, dropout=0.0, **settings)
    states = _normal(4, 5, 8).requires_grad_()
    mask, taught = torch.ones(4, 5), _normal(4, 3, seed=2).softmax(dim=-1)
    labels, weights = torch.tensor([0, 2, 2, 2]), torch.tensor([1.0, 1e-9, 2.0, 1.0])
    passes = itertools.count(1)
    output = head.learn(lambda: states * next(passes), mask, labels, taught, weights)
    output["loss"].backward()
    assert states.grad is not None
    sizes = states.grad.abs().amax(dim=(1, 2))
    assert sizes[1] < 1e-6 < 1e-4 < sizes[[0, 2, 3]].min()


def test_of_mixed_rows_the_label_of_each_weighs_what_it_does() -> None:
    head = ClassifierHead(hidden_size=8, columns=3, dropout=0.0, loss=CrossEntropyLoss(), mixup=1.0)
    states, mask = _normal(4, 5, 8), torch.ones(4, 5)

    def loss(labels: Tensor, weights: Tensor) -> float:
        torch.manual_seed(3)
        output = head.learn(lambda: states, mask, labels, sample_weight=weights)
        return output["loss"].item()

    other = torch.tensor([0, 0, 1, 2])  # of the second row, than LABELS
    light = torch.tensor([1.0, 1e-9, 1.0, 1.0])
    assert loss(LABELS, light) == pytest.approx(loss(other, light), rel=1e-6)
    assert loss(LABELS, torch.ones(4)) != pytest.approx(loss(other, torch.ones(4)), rel=1e-3)


@pytest.mark.parametrize("start", ["centroids", "logistic"])
def test_the_head_starts_where_the_heavier_rows_say(encoder: Path, start: str) -> None:
    config = tiny_config(encoder)
    task = _task(encoder, config, [{"text": "card", "label": "card"}])
    words = [row.input_ids for row in task.rows]
    same, other = words[0], [1, *words[0][1:-1], *words[0][1:-1], words[0][-1]]

    def answer(weight: float) -> int:
        model = task.make()
        rows = [
            EncodedRow(same, 0, weight=weight),
            EncodedRow(same, 1, weight=1.0),
            EncodedRow(other, 0),
            EncodedRow(other, 1),
        ]
        start_head(model, model, rows, start)
        model.eval()
        ids = torch.tensor([same])
        with torch.no_grad():
            return int(model(ids, torch.ones_like(ids))["logits"].argmax())

    assert (answer(9.0), answer(1 / 9)) == (0, 1)


def _task(encoder: Path, config: Any, more: list[dict[str, Any]]) -> ClassifierTask:
    folder = encoder.parent / f"task{len(list(encoder.parent.iterdir()))}"
    asked = request(folder, "classification", config)
    write_rows(asked.train_file, [*more, *texts()])
    source = resolve_encoder(config.encoder)
    return ClassifierTask.read(asked, source, load_tokenizer(source.path / "tokenizer.json"))


def test_weights_reach_the_batches_with_the_mean_one(encoder: Path) -> None:
    rows = [{"text": "ann", "label": "card", "weight": 4}]
    task = _task(encoder, tiny_config(encoder, augment={"copies": 1, "swap": 0.9}), rows)
    assert np.mean([row.weight for row in task.rows]) == pytest.approx(1.0)
    heavy, *others = task.rows
    assert {row.weight for row in others} == {others[0].weight}
    assert heavy.weight == pytest.approx(4 * others[0].weight)
    data = EncodedRows(task.rows)
    assert collate([data[0], data[1]])["sample_weight"].tolist() == pytest.approx(
        [heavy.weight, others[0].weight]
    )
    equal = EncodedRows(_task(encoder, tiny_config(encoder), []).rows)
    assert "sample_weight" not in collate([equal[0]])


def test_classes_are_counted_as_their_rows_weigh(encoder: Path) -> None:
    config = tiny_config(encoder, class_weights="inverse")
    row = {"text": "ann", "label": "card"}
    weighed, repeated, plain = (
        _task(encoder, config, rows).head_settings()["loss"].weights
        for rows in ([row | {"weight": 5}], [row] * 5, [row])
    )
    torch.testing.assert_close(weighed, repeated)
    assert not torch.isclose(weighed, plain).any()


@pytest.mark.parametrize(
    "way", [{"learning_rate": 3e-3}, {"method": "head", "head_start": "logistic"}]
)
@pytest.mark.parametrize("right", ["card", "rate"])
def test_of_contradicting_rows_the_heavier_ones_are_learned(
    tmp_path: Path, encoder: Path, right: str, way: dict[str, Any]
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, **way))
    wrong = {"card": "rate", "rate": "card"}
    rows = texts()
    turned = [{"text": row["text"], "label": wrong[row["label"]], "weight": 1} for row in rows]
    ours = [row | {"weight": 20 if right == "card" else 0.05} for row in rows]
    write_rows(asked.train_file, [*ours, *turned])
    accuracy = finetune(asked).metrics["accuracy"]
    assert accuracy > 0.8 if right == "card" else accuracy < 0.2


def test_rows_of_weight_0_are_left_out(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0))
    write_rows(asked.train_file, [*texts(), {"text": "ann", "label": "third", "weight": 0}])
    artifact = finetune(asked)
    assert artifact.labels == ("card", "rate")
    assert artifact.data[0].rows == len(texts())
    write_rows(asked.train_file, [row | {"weight": 0} for row in texts()])
    with pytest.raises(DataError, match="no rows to train on"):
        finetune(replace(asked, run_folder=tmp_path / "other"))


@pytest.mark.parametrize("weight", ["-1", "nan", "inf", "heavy", "1,5"])
def test_a_weight_that_is_none_is_named_with_its_row(tmp_path: Path, weight: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'text,label,weight\na,x,0.5\nb,x,\nc,y,"{weight}"\n', encoding="utf-8")
    with pytest.raises(DataError, match=f"row 4: 'weight' is '{weight}', not a number from 0"):
        list(read_classification(file))


def test_weights_are_read_from_both_kinds_of_files(tmp_path: Path) -> None:
    csv, jsonl = tmp_path / "a.csv", tmp_path / "a.jsonl"
    csv.write_text("text,label,weight\na,x,0.5\nb,x,\nc,y,2\n", encoding="utf-8")
    rows = [{"weight": 0.5}, {"weight": None}, {"weight": 2}, {}]
    write_rows(jsonl, [{"text": "a", "label": "x"} | row for row in rows])
    assert [row.weight for row in read_classification(csv)] == [0.5, 1.0, 2.0]
    assert [row.weight for row in read_classification(jsonl)] == [0.5, 1.0, 2.0, 1.0]
    write_rows(jsonl, [{"text": "a", "label": "x", "weight": True}])
    with pytest.raises(DataError, match="row 1: 'weight' is True"):
        list(read_classification(jsonl))


def test_a_split_that_is_fixed_for_several_runs_keeps_the_weights(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, held_out=0.3))
    write_rows(asked.train_file, [row | {"weight": 3} for row in texts()])
    fixed = with_fixed_split(replace(asked, valid_file=None))
    assert fixed.valid_file
    for file in (fixed.train_file, fixed.valid_file):
        assert {row.weight for row in read_classification(file)} == {3.0}


def test_texts_weigh_as_much_as_their_labels_are_sure(tmp_path: Path, encoder: Path) -> None:
    task = _task(encoder, tiny_config(encoder, pseudo_by="propagation"), [])
    new = write_rows(
        tmp_path / "new.jsonl", [{"text": f"{row['text']} of rome"} for row in texts()]
    )
    alone = replace(task.config, pseudo_by="confidence")
    teacher = finetune(request(tmp_path / "teacher", "classification", alone))
    student = pseudo_labelled(task, task.make(), teacher, new)
    weights = np.array([row.weight for row in student.pseudo])
    assert len(weights) == len(texts())
    assert ((weights > 0.5 / TRUST - 1e-6) & (weights <= 1 / TRUST + 1e-6)).all()
    assert weights.std() > 0
    assert {row.weight for row in student.training} == {1.0}


def _rest(folder: Path, asked: FinetuneRequest) -> FinetuneRequest:
    """A run on the training and the held-out rows of ``asked``, measured by others."""
    assert asked.valid_file
    rows = [file.read_text(encoding="utf-8") for file in (asked.train_file, asked.valid_file)]
    both = request(folder, "classification", replace(asked.config, refit=False))
    both.train_file.write_text("".join(rows), encoding="utf-8")
    assert both.valid_file
    write_rows(both.valid_file, texts(ending="and"))
    return replace(both, unlabelled_file=asked.unlabelled_file)


@pytest.mark.parametrize("pseudo", [False, True])
def test_a_head_alone_is_trained_on_the_held_out_rows_in_the_end(
    tmp_path: Path, encoder: Path, pseudo: bool
) -> None:
    config = tiny_config(
        encoder,
        method="head",
        head_start="logistic",
        epochs=0.01,
        refit=True,
        pseudo_by="propagation" if pseudo else "confidence",
    )
    asked = request(tmp_path / "refit", "classification", config)
    if pseudo:
        new = [{"text": row["text"]} for row in texts(ending="of rome")]
        asked = replace(asked, unlabelled_file=write_rows(tmp_path / "new.jsonl", new))
    both = _rest(tmp_path / "both", asked)
    told = [finetune(one).metrics for one in (asked, both)]
    if pseudo:
        assert {one["pseudo_rows"] for one in told} == {float(len(texts()))}
        assert all(one["accuracy"] >= one["teacher_accuracy"] for one in told)
    heads = [load_file(one.output / HEAD)["head.1.weight"] for one in (asked, both)]
    np.testing.assert_allclose(heads[0], heads[1], rtol=1e-3, atol=1e-3)
    without = replace(asked, config=replace(config, refit=False), run_folder=tmp_path / "plain")
    finetune(without)
    alone = load_file(without.output / HEAD)["head.1.weight"]
    assert np.abs(alone - heads[1]).max() > 20 * np.abs(heads[0] - heads[1]).max()
