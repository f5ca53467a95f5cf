"""What models have in common is in memory once, and goes with the last of them."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from ml.artifacts import TABLES, Artifact, FileRef, read_artifact
from ml.encoders import file_sha256
from ml.serving.shared import shared_tables, shared_tokenizer
from tests.ml.serving.tiny_models import build_model


def built(root: Path, task: str, table: np.ndarray | None = None) -> tuple[Path, Artifact]:
    folder = root / task / build_model(root, task, "classification")
    artifact = read_artifact(folder)
    if table is not None:
        save_file({"words": table}, folder / TABLES)
        file = folder / TABLES
        declared = {TABLES: FileRef(file_sha256(file), file.stat().st_size)}
        artifact = replace(artifact, files=artifact.files | declared)
    return folder, artifact


def test_models_of_one_encoder_share_their_tokenizer(tmp_path: Path) -> None:
    one, other = (shared_tokenizer(*built(tmp_path, task)) for task in ("one", "other"))
    assert one is other
    assert one.encode("card").ids == other.encode("card").ids


def test_equal_tables_are_one_and_others_are_not(tmp_path: Path) -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    one, same, other, shape = (
        shared_tables(*built(tmp_path, task, values))["words"]
        for task, values in (
            ("one", table),
            ("same", table),
            ("other", table + 1),
            ("shape", table.reshape(4, 3)),
        )
    )
    assert one is same
    assert one is not other
    assert one is not shape
    np.testing.assert_array_equal(other.numpy(), table + 1)


def test_a_file_whose_tables_are_in_memory_is_not_read_again(tmp_path: Path) -> None:
    folder, artifact = built(tmp_path, "one", np.full((2, 2), 7, np.float32))
    table = shared_tables(folder, artifact)["words"]
    (folder / TABLES).unlink()
    assert shared_tables(folder, artifact)["words"] is table


def test_a_table_goes_with_the_last_model_that_keeps_it(tmp_path: Path) -> None:
    folder, artifact = built(tmp_path, "one", np.ones((2, 2), np.float32))
    table = weakref.ref(shared_tables(folder, artifact)["words"])
    gc.collect()
    assert table() is None


def test_a_model_without_tables_has_none(tmp_path: Path) -> None:
    assert shared_tables(*built(tmp_path, "one")) == {}
