"""Trained artifacts: written whole, refused when anything about them is not as declared."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ml.artifacts import (
    ADAPTER,
    HEAD,
    MANIFEST,
    MODEL,
    TOKENIZER,
    Artifact,
    Build,
    DataSource,
    EncoderRef,
    FileRef,
    read_artifact,
    read_trained,
    write_artifact,
)
from ml.encoders import file_sha256
from ml.errors import ArtifactError
from ml.exchange import exchange
from ml.outputs import check_output, staged_folder

DECLARATION = Artifact(
    task="matters",
    kind="classification",
    version="",
    created_at="2026-03-04T05:06:07+00:00",
    encoder=EncoderRef("tiny", "0" * 64, 8),
    method={"name": "lora", "rank": 2, "alpha": 4},
    labels=("card", "fee"),
    max_length=16,
    pooling="mean",
    temperature=1.25,
    thresholds={"accept": 0.5},
    data=(DataSource("train.jsonl", "1" * 64, 12, "CC-BY-4.0"),),
    metrics={"accuracy": 0.75},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good artifact with an adapter, a head and a card."""
    target = tmp_path / "matters"
    target.mkdir()
    save_file({"encoder.lora_A": np.ones((2, 8), np.float32)}, target / ADAPTER)
    save_file({"head.weight": np.ones((2, 8), np.float32)}, target / HEAD)
    (target / "MODEL_CARD.md").write_text("# matters\n", encoding="utf-8")
    write_artifact(target, DECLARATION)
    return target


def _edit(folder: Path, change: Callable[[dict], None]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def test_an_artifact_is_read_as_it_was_written(folder: Path) -> None:
    artifact = read_artifact(folder)
    assert artifact.version.startswith("20260304-")
    assert replace(artifact, version="", files={}) == DECLARATION
    assert set(artifact.files) == {ADAPTER, HEAD, "MODEL_CARD.md"}


def test_the_version_follows_from_the_content(folder: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    twin.mkdir()
    for path in folder.iterdir():
        if path.name != MANIFEST:
            (twin / path.name).write_bytes(path.read_bytes())
    assert write_artifact(twin, DECLARATION).version == read_artifact(folder).version
    (twin / "MODEL_CARD.md").write_text("# another\n", encoding="utf-8")
    other = write_artifact(twin, DECLARATION, overwrite=True)
    assert other.version != read_artifact(folder).version


def test_a_written_artifact_is_not_replaced_by_accident(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="exists already"):
        write_artifact(folder, DECLARATION)


@pytest.mark.parametrize("name", [ADAPTER, HEAD, "MODEL_CARD.md"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} is missing"):
        read_artifact(folder)


def test_a_missing_declaration_or_folder_is_named(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(ArtifactError, match=f"{MANIFEST} is missing"):
        read_artifact(folder)
    with pytest.raises(ArtifactError, match="no such folder"):
        read_artifact(folder / "elsewhere")


def test_an_altered_weight_is_refused(folder: Path) -> None:
    content = bytearray((folder / ADAPTER).read_bytes())
    content[-1] ^= 1
    (folder / ADAPTER).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"{ADAPTER}: was altered"):
        read_artifact(folder)


def test_a_truncated_weight_file_is_refused(folder: Path) -> None:
    content = (folder / HEAD).read_bytes()
    (folder / HEAD).write_bytes(content[:-8])
    with pytest.raises(ArtifactError, match=f"{HEAD}: has {len(content) - 8} bytes"):
        read_artifact(folder)


@pytest.mark.parametrize("name", ["weights.pt", "head.pkl", "model.bin", "train.py", "README"])
def test_a_file_of_a_type_that_may_run_code_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(ArtifactError, match="not safe to load"):
        read_artifact(folder)
    (folder / MANIFEST).unlink()
    with pytest.raises(ArtifactError, match="not safe to load"):
        write_artifact(folder, DECLARATION)


def test_an_undeclared_file_is_refused(folder: Path) -> None:
    (folder / "notes.md").write_text("a late addition", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"notes.md is not declared"):
        read_artifact(folder)


def test_a_folder_that_may_not_be_read_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ArtifactError, match=r"cannot be read \(Permission denied\)") as raised:
        read_artifact(folder)
    assert raised.value.path == folder


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_bytes((folder / "MODEL_CARD.md").read_bytes())
    (folder / "MODEL_CARD.md").unlink()
    (folder / "MODEL_CARD.md").symlink_to(outside)
    with pytest.raises(ArtifactError, match="not a plain file"):
        read_artifact(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(labels=["fee", "card"]),
        lambda manifest: manifest.update(temperature=0.1),
        lambda manifest: manifest["thresholds"].update(accept=0.0),
        lambda manifest: manifest["metrics"].update(accuracy=0.99),
        lambda manifest: manifest["files"][HEAD].update(sha256="0" * 64),
        lambda manifest: manifest.update(version="20260304-00000000"),
    ],
    ids=["labels", "temperature", "thresholds", "metrics", "hash", "version"],
)
def test_an_edited_declaration_is_refused(folder: Path, change: Callable[[dict], None]) -> None:
    _edit(folder, change)
    with pytest.raises(ArtifactError, match="was altered after version"):
        read_artifact(folder)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda manifest: manifest.update(format=99), "not of format"),
        (lambda manifest: manifest.update(kind="oracle"), "unknown kind"),
        (lambda manifest: manifest.pop("labels"), "declared fields"),
        (lambda manifest: manifest.update(colour="red"), "declared fields"),
        (lambda manifest: manifest.update(data=["train.jsonl"]), "declared fields"),
    ],
)
def test_a_declaration_of_another_form_is_refused(
    folder: Path, change: Callable[[dict], None], problem: str
) -> None:
    _edit(folder, change)
    with pytest.raises(ArtifactError, match=problem):
        read_artifact(folder)


def test_a_declaration_that_is_a_folder_is_named(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).mkdir()
    with pytest.raises(ArtifactError, match=r"artifact\.json: cannot be read \(Is a directory\)"):
        read_artifact(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [("created_at", "3"), ("settings", "3"), ("settings", '{"a":' * 900 + "1" + "}" * 900)],
)
def test_a_field_of_another_type_is_named(folder: Path, field: str, value: str) -> None:
    path = folder / MANIFEST
    raw = json.loads(path.read_text(encoding="utf-8")) | {field: "HERE"}
    path.write_text(json.dumps(raw).replace('"HERE"', value), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"does not have the declared fields|is not JSON"):
        read_artifact(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 9999])
def test_a_declaration_that_is_not_json_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ArtifactError, match="is not"):
        read_artifact(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x01", (10**9).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"no"],
    ids=["empty", "short", "header-beyond-file", "header-not-json"],
)
def test_a_declared_file_that_is_not_safetensors_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).unlink()
    (folder / HEAD).write_bytes(content)
    write_artifact(folder, DECLARATION)
    with pytest.raises(ArtifactError, match="not a safetensors file"):
        read_artifact(folder)


def test_a_build_keeps_the_version_of_what_it_was_built_from(folder: Path, tmp_path: Path) -> None:
    trained = read_artifact(folder)
    built_folder = tmp_path / "built"
    built_folder.mkdir()
    (built_folder / MODEL).write_bytes(b"graph")
    (built_folder / TOKENIZER).write_text("{}", encoding="utf-8")
    built = write_artifact(built_folder, replace(trained, build=Build("int8", 64, 1, 0.01, "t")))
    assert built.version == trained.version
    assert read_artifact(built_folder) == built
    assert read_trained(folder) == trained
    with pytest.raises(ArtifactError, match=f"without the trained weights.*/{built.task}"):
        read_trained(built_folder)
    assert built.files[MODEL] == FileRef(file_sha256(built_folder / MODEL), 5)
    (built_folder / TOKENIZER).unlink()
    with pytest.raises(ArtifactError, match=f"{TOKENIZER} is missing"):
        read_artifact(built_folder)


def _write_half(target: Path, failure: BaseException) -> None:
    with staged_folder(target) as folder:
        (folder / "kept.md").write_text("half", encoding="utf-8")
        raise failure


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "models" / "one"
    with pytest.raises(KeyboardInterrupt):
        _write_half(target, KeyboardInterrupt())
    assert list(target.parent.iterdir()) == []


def test_an_interrupted_replacement_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "one"
    target.mkdir()
    (target / "kept.md").write_text("first", encoding="utf-8")
    with pytest.raises(OSError, match="disk full"):
        _write_half(target, OSError("disk full"))
    assert (target / "kept.md").read_text(encoding="utf-8") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_finished_replacement_leaves_the_new_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:  # as where the system cannot
        monkeypatch.setattr("ml.outputs.exchange", lambda first, second: False)
    target = tmp_path / "one"
    target.mkdir()
    (target / "old.md").write_text("first", encoding="utf-8")
    with staged_folder(target) as folder:
        (folder / "new.md").write_text("second", encoding="utf-8")
    assert [path.name for path in target.iterdir()] == ["new.md"]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_folder_that_is_replaced_is_never_missing(tmp_path: Path) -> None:
    target, seen, over = tmp_path / "one", [], threading.Event()
    target.mkdir()

    def look() -> None:
        while not over.is_set():
            seen.append(target.is_dir())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for number in range(200):
            with staged_folder(target) as folder:
                (folder / f"{number}.md").touch()
    finally:
        over.set()
        looking.join()
    assert all(seen)
    assert [path.name for path in target.iterdir()] == ["199.md"]


REPLACING = """
import itertools, sys
from pathlib import Path
from ml.outputs import staged_folder
for number in itertools.count():
    with staged_folder(Path(sys.argv[1])) as folder:
        for name in "abc":
            (folder / name).write_text(str(number))
    print(number, flush=True)
"""


def test_a_kill_while_a_folder_is_replaced_leaves_a_whole_one(tmp_path: Path) -> None:
    target = tmp_path / "one"
    for lines in range(5, 25, 5):
        command = [sys.executable, "-c", REPLACING, str(target)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as replacing:
            assert replacing.stdout is not None
            for _ in range(lines):
                replacing.stdout.readline()
            replacing.kill()
        found = {path.name: path.read_text(encoding="utf-8") for path in target.iterdir()}
        assert (set(found), len(set(found.values()))) == ({"a", "b", "c"}, 1)


def test_an_output_that_holds_something_is_refused(folder: Path, tmp_path: Path) -> None:
    check_output(tmp_path / "new" / "deeper")
    (tmp_path / "empty").mkdir()
    check_output(tmp_path / "empty", again=True)
    check_output(folder, again=True)
    with pytest.raises(ArtifactError, match="matters: is not empty"):
        check_output(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ArtifactError, match="mine: is not empty"):
        check_output(tmp_path / "mine", again=True)
    for name in ("", "sub", "sub/deeper"):
        with pytest.raises(ArtifactError, match=r"thesis\.txt: is no folder"):
            check_output(tmp_path / "mine" / "thesis.txt" / name, again=True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="link: is no folder"):
        check_output(tmp_path / "link", again=True)


def test_folders_change_places_or_nothing_happens(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "a.md").touch()
    with pytest.raises(FileNotFoundError, match="second"):
        exchange(first, second)
    second.mkdir()
    assert exchange(first, second)
    assert [path.name for path in second.iterdir()] == ["a.md"]
