"""The pages of data sets: labels of any name, what a preview keeps, where links lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import Role, User
from apps.modelhub.models import DataSet
from apps.modelhub.services import datasets, example_add
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def lead(db: None, tmp_path: Path, settings: Any) -> User:
    settings.VAR_DIR = tmp_path
    settings.ML_MODELS_DIR = tmp_path / "models"
    return User.objects.create_user(username="the-lead", password="correct-horse", role=Role.LEAD)


@pytest.fixture
def client(lead: User, client_for: ClientFor) -> Client:
    return client_for(lead)


@pytest.fixture
def dataset(lead: User) -> DataSet:
    return datasets.dataset_create(actor=lead, name="Matters", task="intent")


def previewed(client: Client, dataset: DataSet, content: str) -> str:
    """The page that shows what is in a file."""
    file = SimpleUploadedFile("rows.csv", content.encode())
    sent = client.post(f"/models/data/{dataset.pk}/upload/", {"file": file})
    return sent.headers["Location"]


def shown(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_a_label_may_be_called_items(client: Client, dataset: DataSet) -> None:
    example_add(app="support", task="intent", text="one more", new_label="items")
    preview = previewed(client, dataset, "text,label\na b,items\n")
    assert "items · 1" in shown(client, preview)
    version = client.post(preview, {"store": "version"}).headers["Location"]
    assert 'href="?label=items#rows"' in shown(client, version)
    assert "items · 1" in shown(client, f"/models/data/{dataset.pk}/")
