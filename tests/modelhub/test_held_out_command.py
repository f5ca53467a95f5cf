"""``held_out`` writes what stands for a version that there is, and else leaves what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from apps.modelhub.held_out import held_out_of
from ml.artifacts import read_artifact
from ml.monitoring.held_out import HeldOut
from tests.ml.serving.tiny_models import build_model
from tests.modelhub.commands import result, run, written

IN_SCOPE, OUTSIDE = {"text": "card lost", "label": "card"}, {"text": "weather", "label": "oos"}


@pytest.fixture
def kept(models: Path, tmp_path: Path, settings: Any) -> Path:
    """The shipped answers of ``intent``."""
    settings.ML_HELD_OUT_DIR = tmp_path
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    settings.VAR_DIR = tmp_path / "var"
    file = tmp_path / "intent.json"
    file.write_text("as it was")
    return file


def test_answers_stand_for_a_version_that_is_built_or_shipped(
    kept: Path, versions: list[str], tmp_path: Path, settings: Any
) -> None:
    asked = ("held_out", "--task", "intent", "--file", written(tmp_path / "a.jsonl", IN_SCOPE))
    assert result(*asked, "--stands-for", versions[0])["version"] == versions[0]
    found = held_out_of(task="intent", version=versions[0])
    assert found is not None
    assert (found.rows, kept.read_text()) == (1, "as it was")  # which is of the shipped one
    newer = {"created_at": "2026-02-01T00:00:00+00:00"}
    build_model(tmp_path / "made", "intent", "classification", **newer)
    (made,) = (one for one in (tmp_path / "made" / "intent").iterdir() if one.is_dir())
    settings.ML_PRETRAINED_DIR.mkdir()
    made.rename(settings.ML_PRETRAINED_DIR / "intent")
    shipped = read_artifact(settings.ML_PRETRAINED_DIR / "intent").version
    assert shipped not in versions
    result(*asked, "--stands-for", shipped)
    assert HeldOut.load(kept).version == shipped


def test_what_cannot_stand_for_a_version_is_refused_before_anything_is_written(
    kept: Path, tmp_path: Path
) -> None:
    inside = written(tmp_path / "inside.jsonl", IN_SCOPE, OUTSIDE)
    with pytest.raises(CommandError, match="intent has no version 'zzz'"):
        run("held_out", "--task", "intent", "--file", inside, "--stands-for", "zzz")
    outside = written(tmp_path / "outside.jsonl", OUTSIDE)
    with pytest.raises(CommandError, match="has no rows in scope"):
        run("held_out", "--task", "intent", "--file", outside)
    assert kept.read_text() == "as it was"
