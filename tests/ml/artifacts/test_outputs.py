"""Folders that are written whole or not at all, beside other processes and on a full disk."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest

from ml.errors import ArtifactError
from ml.outputs import scratch_folder, staged_folder
from tests.ml.full_disk import full_disk


def test_a_folder_that_another_process_writes_meanwhile_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "one"

    def missing(path: Path) -> bool:
        """The other process is done just after it was looked."""
        (path / "theirs").mkdir(parents=True)
        return False

    with staged_folder(target) as folder:
        (folder / "ours.md").write_text("whole", encoding="utf-8")
        monkeypatch.setattr(Path, "exists", missing)
    monkeypatch.undo()
    assert [path.name for path in target.iterdir()] == ["ours.md"]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_temporary_folder_that_is_full_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    with (
        full_disk(1024),
        pytest.raises(ArtifactError, match="scratch: cannot be written"),
        scratch_folder("some-") as place,
    ):
        (place / "graph").write_bytes(b"0" * 4096)
    assert list((tmp_path / "scratch").iterdir()) == []
    with pytest.raises(PermissionError), scratch_folder("some-"):
        raise PermissionError(errno.EACCES, "of something else", str(tmp_path / "rows"))
