"""Shipped models that are newer than what is served: who is told, and how they are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import Conflict, NotAllowed
from apps.modelhub.selectors import newer_shipped
from apps.modelhub.services.promotions import version_roll_back
from apps.modelhub.services.shipped import shipped_take
from ml.serving.registry import ModelStore
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def shipped(models: Path, versions: list[str], tmp_path: Path, settings: Any) -> str:
    """The newer version of ``intent`` is the shipped one; the older is served. Its name."""
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    build_model(tmp_path / "made", "intent", "classification")
    folder = ModelStore(tmp_path / "made").root / "intent" / versions[1]
    settings.ML_PRETRAINED_DIR.mkdir()
    folder.rename(settings.ML_PRETRAINED_DIR / "intent")
    gateway.model_store().activate("intent", versions[0])
    return versions[1]


def test_a_newer_shipped_version_is_told_and_taken(
    administrator: User, client_for: ClientFor, shipped: str, versions: list[str]
) -> None:
    client = client_for(administrator)
    (told,) = client.get("/api/v1/models/promotions/shipped/").json()
    assert told == {
        **{"task": "intent", "name": "intent", "version": shipped},
        **{"live": versions[0], "built": True},
    }
    page = client.get("/models/").content.decode()
    assert "A newer version of intent was shipped" in page
    assert "Serve it" in page
    (hint,) = [
        one for one in run_checks(include_deployment_checks=True) if one.id == "modelhub.I001"
    ]
    assert shipped in str(hint.hint)
    client.post("/models/take-shipped/", {"name": "intent"})
    assert gateway.model_store().active_version("intent") == shipped
    assert newer_shipped() == []
    version_roll_back(actor=administrator, task="intent")
    assert newer_shipped() == [], "who took it back is not told again"


def test_only_administrators_take_what_no_run_judged(
    client_for: ClientFor, shipped: str, db: None
) -> None:
    lead = User.objects.create_user(username="the-lead", password="correct-horse", role="lead")
    client = client_for(lead)
    page = client.get("/models/").content.decode()
    assert "an administrator may take it" in page
    assert "Serve it" not in page
    assert client.post("/models/take-shipped/", {"name": "intent"}).status_code == 403
    url = "/api/v1/models/promotions/shipped/"
    assert client.post(url, {"name": "intent"}).status_code == 403
    with pytest.raises(NotAllowed):
        shipped_take(actor=lead, name="intent")


def test_what_is_not_built_or_not_newer_is_refused(
    administrator: User, models: Path, shipped: str
) -> None:
    with pytest.raises(Conflict, match="No shipped topic"):
        shipped_take(actor=administrator, name="topic")
    (models / "intent" / shipped).rename(models / "elsewhere")
    with pytest.raises(Conflict, match="build_models"):
        shipped_take(actor=administrator, name="intent")
