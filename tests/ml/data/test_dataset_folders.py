"""Folders of the ``datasets`` library are read as files are, with names for numbers and splits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from ml.data.dataset_folders import data_files, data_name, data_sha256, training_splits
from ml.data.readers import Problems, read_classification, read_ner, read_records, read_texts
from ml.encoders import file_sha256
from ml.errors import DataError
from ml.training.finetune import finetune
from ml.training.rows import FinetuneRequest
from tests.ml.training.tiny_encoder import make_encoder, sentences, texts, tiny_config

CLASSES = {"label": {"names": ["card", "rate"], "_type": "ClassLabel"}}
TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]


def saved(
    folder: Path,
    rows: list[dict[str, Any]],
    features: dict[str, Any],
    *,
    shards: int = 1,
    in_schema: bool = False,
) -> Path:
    """What ``Dataset.save_to_disk`` writes: Arrow streams, their state and their features."""
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(rows)
    if in_schema:
        told = {"huggingface": json.dumps({"info": {"features": features}})}
        table = table.replace_schema_metadata(told)
    names = [f"data-{number:05}-of-{shards:05}.arrow" for number in range(shards)]
    for number, name in enumerate(names):
        part = table.slice(number * len(rows) // shards, len(rows) // shards)
        with ipc.new_stream(folder / name, part.schema) as writer:
            writer.write_table(part)
    (folder / "state.json").write_text(
        json.dumps({"_data_files": [{"filename": n} for n in names]})
    )
    info = {} if in_schema else {"features": features}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return folder


def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "label": CLASSES["label"]["names"].index(row["label"])} for row in rows]


@pytest.mark.parametrize("in_schema", [True, False])
def test_numbers_of_classes_become_their_names(tmp_path: Path, in_schema: bool) -> None:
    folder = saved(tmp_path / "set", numbered(texts()), CLASSES, shards=2, in_schema=in_schema)
    rows = list(read_classification(folder))
    assert [(row.text, row.label) for row in rows] == [(r["text"], r["label"]) for r in texts()]
    assert [row.row for row in rows] == list(range(1, len(texts()) + 1))
    assert read_texts(folder) == [row["text"] for row in texts()]


@pytest.mark.parametrize("outer", ["Sequence", "List", None])
def test_tags_of_words_are_read(tmp_path: Path, outer: str | None) -> None:
    tag = {"names": TAGS, "_type": "ClassLabel"}
    features = {"ner_tags": {"feature": tag, "_type": outer} if outer else [tag]}
    rows = [
        {"tokens": row["tokens"], "ner_tags": [TAGS.index(name) for name in row["tags"]]}
        for row in sentences()
    ]
    folder = saved(tmp_path / "set", rows, features)
    assert [list(row.tags) for row in read_ner(folder)] == [row["tags"] for row in sentences()]


def test_of_several_splits_one_is_trained_on_and_one_measures(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    saved(folder / "train", numbered(texts()), CLASSES)
    saved(folder / "validation", numbered(texts(ending="in")), CLASSES)
    saved(folder / "test", numbered(texts(ending="of")), CLASSES)
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "validation", "test"]}')
    assert training_splits(folder, None) == (folder / "train", folder / "validation")
    assert training_splits(folder, tmp_path / "own") == (folder / "train", tmp_path / "own")
    alone = tmp_path / "train.jsonl"
    assert training_splits(alone, folder) == (alone, folder / "validation")
    with pytest.raises(
        DataError, match=r"has the splits train, validation, test; name one, as .*n"
    ):
        list(read_classification(folder))
    assert len(list(read_classification(folder / "test"))) == len(texts())

    artifact = finetune(
        FinetuneRequest(
            name="small",
            kind="classification",
            train_file=folder,
            valid_file=None,
            output=tmp_path / "artifact",
            run_folder=tmp_path / "run",
            config=tiny_config(make_encoder(tmp_path / "encoder")),
        )
    )
    assert artifact.metrics["n"] == len(texts())
    assert artifact.metrics["accuracy"] > 0.8
    assert [data.name for data in artifact.data] == ["set/train"]
    assert artifact.data[0].sha256 == data_sha256(folder / "train")


def test_parquet_files_are_told_apart_by_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    for number, name in enumerate(["train-00000-of-00002", "train-00001-of-00002", "test"]):
        rows = [{"text": f"text {number}", "label": "card"}]
        parquet.write_table(pa.Table.from_pylist(rows), folder / "data" / f"{name}.parquet")
    assert training_splits(folder, None) == (folder / "train", None)
    assert [row.text for row in read_classification(folder / "train")] == ["text 0", "text 1"]
    assert [row.text for row in read_classification(folder / "test")] == ["text 2"]
    assert data_name(folder / "test") == "set/test"
    one = folder / "data" / "test.parquet"
    assert [row.text for row in read_classification(one)] == ["text 2"]
    assert (data_name(one), data_sha256(one)) == ("test.parquet", file_sha256(one))
    alone = tmp_path / "alone"
    alone.mkdir()
    parquet.write_table(pa.Table.from_pylist(texts()), alone / "rows-00000-of-00001.parquet")
    assert [row.label for row in read_classification(alone)] == [row["label"] for row in texts()]
    assert training_splits(alone, None) == (alone, None)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (
            "train-00000-of-00002-b42a775f407cee45 train-00001-of-00002-9a3e04f1c7d25b60 "
            "validation-00000-of-00001-134b8fd0c89408b6",
            {"train": 2, "validation": 1},
        ),
        ("train_0 train_1 test.0 test.1", {"train": 2, "test": 2}),
        ("train_r1 train_r2 test", {"train_r1": 1, "train_r2": 1, "test": 1}),
        ("0000 0001", {"": 2}),
        ("00000-of-00002 00001-of-00002", {"": 2}),
    ],
)
def test_shards_are_told_from_splits(tmp_path: Path, names: str, splits: dict[str, int]) -> None:
    for name in names.split():
        parquet.write_table(pa.Table.from_pylist(texts()), tmp_path / f"{name}.parquet")
    assert {name: len(data_files(tmp_path / name)) for name in splits} == splits
    if len(splits) > 1:
        with pytest.raises(DataError, match=f"has the splits {', '.join(sorted(splits))};"):
            data_files(tmp_path)


def test_the_hash_is_that_of_the_rows_files(tmp_path: Path) -> None:
    one = saved(tmp_path / "one", texts(), {}, shards=2)
    same = saved(tmp_path / "same", texts(), {}, shards=2)
    other = saved(tmp_path / "other", texts(ending="in"), {}, shards=2)
    assert data_sha256(one) == data_sha256(same) != data_sha256(other)
    assert len(data_files(one)) == 2


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": 0}, {"text": "b", "label": 7}, {"text": "c", "label": 1}]
    folder = saved(tmp_path / "set", rows, CLASSES)
    with pytest.raises(DataError, match=r"set, row 2: 'label' is 7, which has no name"):
        list(read_classification(folder))
    problems = Problems()
    assert [row.text for row in read_classification(folder, problems)] == ["a", "c"]
    assert problems.count == 1

    with pytest.raises(DataError, match=r"lacks the column title \(it has text, label\)"):
        list(read_records(folder, ("title",)))
    (folder / "data-00000-of-00001.arrow").write_bytes(b"no arrow")
    with pytest.raises(DataError, match=r"data-00000-of-00001\.arrow: cannot be read"):
        list(read_classification(folder))
    (folder / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(DataError, match=r"data-00000-of-00001\.arrow: is missing"):
        list(read_classification(folder))
    (folder / "state.json").write_text('{"_data_files": [], "_indices_files": [{"filename": "i"}]}')
    with pytest.raises(DataError, match="is a selection of rows"):
        list(read_classification(folder))
    (folder / "state.json").write_text("{")
    with pytest.raises(DataError, match=r"state\.json: is not JSON"):
        list(read_classification(folder))
    with pytest.raises(DataError, match="is no data set"):
        list(read_classification(tmp_path))


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_named(tmp_path: Path, kept: float) -> None:
    folder = saved(tmp_path / "set", numbered(texts()), CLASSES)
    file = folder / "data-00000-of-00001.arrow"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DataError, match=r"data-00000-of-00001\.arrow: cannot be read"):
        list(read_classification(folder))


def test_an_altered_file_is_read_as_it_was_or_named(tmp_path: Path) -> None:
    """Whatever byte is another one: no text comes from beyond the file, nothing else is raised."""
    folder = saved(tmp_path / "set", numbered(texts()), CLASSES)
    file = folder / "data-00000-of-00001.arrow"
    content = file.read_bytes()
    named = 0
    for place in range(0, len(content), 7):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            list(read_classification(folder))
        except DataError:
            named += 1
    assert named > 20


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("state.json", "[]", "lists no files of the rows"),
        ("state.json", '{"_data_files": null}', "lists no files of the rows"),
        ("state.json", '{"_data_files": [{"filename": "../out.arrow"}]}', "lists no files"),
        ("dataset_dict.json", '{"splits": 3}', "lists no splits"),
        ("dataset_info.json", '{"features": [1]}', "row 1: 'label' is not a text"),
        ("dataset_info.json", '{"features": {"label": {"names": null}}}', "'label' is not a text"),
    ],
)
def test_what_is_told_of_a_folder_in_vain_is_named(
    tmp_path: Path, name: str, content: str, problem: str
) -> None:
    folder = saved(tmp_path / "set", numbered(texts()), CLASSES)
    if name == "dataset_dict.json":
        (folder / "state.json").unlink()
    (folder / name).write_text(content)
    with pytest.raises(DataError, match=problem):
        list(read_classification(folder))
