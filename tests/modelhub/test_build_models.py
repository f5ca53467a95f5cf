"""What lies in the folder of built models and cannot be served: who tells, and how it is mended."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client

from apps.core import gateway
from apps.core.errors import ModelUnavailable
from apps.core.management.commands import serve
from apps.modelhub.management.commands import build_models
from ml.artifacts import Build, read_artifact, write_artifact
from ml.serving.engine import LocalEngine
from tests.ml.processors import processor_that
from tests.modelhub.commands import run, train_tiny

pytestmark = pytest.mark.django_db


@pytest.fixture
def elsewhere(models: Path, versions: list[str], settings: Any) -> Iterator[Path]:
    """The folder of the live version of ``intent``, which was built for another processor."""
    settings.ML_BACKEND = "local"
    folder = models / "intent" / versions[1]
    _carried(folder)
    with processor_that(overflows=True):
        yield folder


def _carried(folder: Path) -> None:
    """Let a build tell that it has weights of 8 bits."""
    build = Build("int8", 68, 1.0, 0.01, "a tool", 8)
    write_artifact(folder, replace(read_artifact(folder), build=build), overwrite=True)


@pytest.fixture
def trained(tmp_path: Path, settings: Any) -> dict[str, Any]:
    """A model of our own that is built and live, and its recipe."""
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    settings.ML_ENCODER = str(tmp_path / "encoder")
    return train_tiny(tmp_path, settings)


def test_a_server_tells_what_cannot_be_served_here(
    elsewhere: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelUnavailable, match=r"another processor.*build_models"):
        gateway.classify("intent", ["card"])
    assert gateway.tag(["Acme"]), "the others answer"

    told = client.get("/readyz")
    assert told.status_code == 503
    assert told.json()["checks"]["models"] == (
        "missing: sentiment, targeted_sentiment, topic; "
        "unusable (manage.py check --deploy tells why): intent"
    )
    (error,) = [
        one for one in run_checks(include_deployment_checks=True) if one.id == "modelhub.E001"
    ]
    assert "task intent cannot be served" in str(error.msg)
    assert str(elsewhere) in str(error.msg)

    serve.Command()._tell_unusable()
    told_at_start = capsys.readouterr().err
    assert f"intent: {elsewhere}: was built for another processor" in told_at_start
    assert "No models are built" not in told_at_start


def test_nothing_is_told_where_the_processor_suits(models: Path, settings: Any) -> None:
    settings.ML_BACKEND = "local"
    assert gateway.unusable() == {}
    assert "modelhub.E001" not in [one.id for one in run_checks(include_deployment_checks=True)]


def test_builds_of_our_own_are_made_anew_for_this_processor(
    trained: dict[str, Any], settings: Any
) -> None:
    folder = settings.ML_MODELS_DIR / "mine" / trained["version"]
    _carried(folder)
    with processor_that(overflows=True):
        told = run("build_models", "--task", "mine")[1]
        assert f"mine: rebuilding {trained['version']}, {folder}: was built for another" in told
        build = read_artifact(folder).build
        assert build is not None
        assert build.weight_bits in (7, None)  # of 8-bit weights; floats have none
        assert run("build_models", "--task", "mine")[1] == ""
        gateway.use_engine(LocalEngine(settings.ML_MODELS_DIR))
        assert gateway.classify("mine", ["card lost"])


def test_a_version_that_is_not_live_is_mended_and_not_made_live(
    trained: dict[str, Any], settings: Any
) -> None:
    task = settings.ML_MODELS_DIR / "mine"
    (task / "active.json").unlink()
    _carried(task / trained["version"])
    with processor_that(overflows=True):
        assert "rebuilding" in run("build_models", "--task", "mine")[1]
        assert gateway.model_store().artifact("mine", trained["version"])
    assert not (task / "active.json").exists()


def test_a_build_without_its_artifact_is_named_and_fails_only_where_it_is_live(
    trained: dict[str, Any], settings: Any
) -> None:
    folder = settings.ML_MODELS_DIR / "mine" / trained["version"]
    artifact = settings.ML_ARTIFACTS_DIR / "mine" / trained["version"]
    shutil.rmtree(artifact)
    _carried(folder)
    before = read_artifact(folder)
    with processor_that(overflows=True):
        with pytest.raises(CommandError, match="could not build mine; the others are ready"):
            run("build_models")
        (settings.ML_MODELS_DIR / "mine" / "active.json").unlink()
        told = run("build_models")[1]
    assert f"mine: {folder}: was built for another processor" in told
    assert f"mine: {artifact}: is not there to build it from" in told
    assert read_artifact(folder) == before, "it is right where it was built"


def test_a_file_in_the_place_of_a_folder_is_named_and_the_others_are_built(
    trained: dict[str, Any], settings: Any
) -> None:
    shutil.copytree(Path(trained["folder"]), settings.ML_PRETRAINED_DIR / "mine")
    shutil.rmtree(settings.ML_MODELS_DIR)
    settings.ML_MODELS_DIR.mkdir()
    (settings.ML_MODELS_DIR / "encoder").write_text("in the way", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(build_models, "check_shippable", lambda *_: None)
        out, told = io.StringIO(), io.StringIO()
        with pytest.raises(CommandError, match="could not build encoder; the others are ready"):
            call_command("build_models", stdout=out, stderr=told)
    assert f"encoder: {settings.ML_MODELS_DIR / 'encoder'}: " in told.getvalue()
    assert gateway.model_store().active_version("mine") == trained["version"]
