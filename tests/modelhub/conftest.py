from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.core import gateway
from apps.modelhub.models import DataSetVersion
from ml.data.readers import LabelledText
from ml.serving.engine import LocalEngine
from tests.ml.serving.tiny_models import build_model
from tests.ml.training.tiny_encoder import texts
from tests.modelhub.run_process import stored

OLDER = {"created_at": "2026-01-01T00:00:00+00:00"}


@pytest.fixture
def models(tmp_path: Path, settings: Any) -> Path:
    """Tiny built models: two versions of ``intent`` (the newer active), ``ner``, ``encoder``."""
    root = settings.ML_MODELS_DIR = tmp_path / "models"
    settings.ML_ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.VAR_DIR = tmp_path
    build_model(root, "intent", "classification", **OLDER)
    build_model(root, "intent", "classification")
    build_model(root, "ner", "ner")
    build_model(root, "encoder", "embedding")
    gateway.use_engine(LocalEngine(root))
    return root


@pytest.fixture
def versions(models: Path) -> list[str]:
    """The versions of ``intent``, oldest first."""
    return gateway.model_store().versions("intent")


@pytest.fixture
def lead(db: None) -> User:
    return User.objects.create_user(username="the-lead", password="correct-horse", role=Role.LEAD)


@pytest.fixture
def data(models: Path, lead: User) -> DataSetVersion:
    """A version of a data set of two intents."""
    return stored([LabelledText(row["text"], row["label"]) for row in texts()])
