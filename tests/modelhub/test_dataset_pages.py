"""The pages of data sets: labels of any name, what a preview keeps, where links lead."""

from __future__ import annotations

import re
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


def test_a_preview_keeps_what_was_ticked(client: Client, dataset: DataSet) -> None:
    def ticked(page: str) -> dict[str, bool]:
        boxes = re.findall(r'<input type="checkbox" name="(\w+)"([^>]*)>', page)
        return {name: "checked" in state for name, state in boxes}

    def posted(path: str, **form: str) -> dict[str, bool]:
        return ticked(client.post(path, form).content.decode())

    example_add(app="support", task="intent", text="one more", new_label="card")
    preview = previewed(client, dataset, "text,label\na b,card\nno label,\n")
    assert ticked(shown(client, preview)) == {"skip_bad": False, "corrections": True}
    left = {"offered": "corrections"}
    assert posted(preview, **left, skip_bad="on") == {"skip_bad": True, "corrections": False}
    refused = posted(preview, **left, store="version", corrections="on")
    assert refused == {"skip_bad": False, "corrections": True}
    unread = previewed(client, dataset, "a,b\na b,card\n")
    assert ticked(shown(client, unread)) == {}
    assert posted(unread, text="a", label="b") == {"corrections": True}


def test_a_column_is_chosen_by_its_whole_name(client: Client, dataset: DataSet) -> None:
    preview = previewed(client, dataset, '"the\nwords","what  it is"\na b,card\n')
    page = shown(client, preview)
    for name in ("the\nwords", "what  it is"):
        assert f'<option value="{name}"' in page, "without a value a browser sends single blanks"
    chosen = {"text": "the\r\nwords", "label": "what  it is"}
    assert "card · 1" in client.post(preview, chosen).content.decode()
    made = client.post(preview, chosen | {"store": "version"})
    assert made.headers["Location"] == f"/models/data/{dataset.pk}/v/1/"


def test_links_of_a_version_keep_what_it_is_compared_with(client: Client, dataset: DataSet) -> None:
    for number in range(1, 4):
        preview = previewed(client, dataset, f"text,label\na b,card\ntext {number},rate\n")
        client.post(preview, {"store": "version"})
    here = f"/models/data/{dataset.pk}/v/3/"
    page = shown(client, f"{here}?against=1&label=card")
    assert 'href="?against=1&amp;label=rate#rows"' in page
    assert '<input type="hidden" name="label" value="card">' in page


def test_numbers_that_no_data_set_has_are_not_found(client: Client, dataset: DataSet) -> None:
    client.post(previewed(client, dataset, "text,label\na b,card\n"), {"store": "version"})
    large = 10**30
    for path in (f"/models/data/{large}/v/1/", f"/models/data/{dataset.pk}/v/{large}/"):
        assert client.get(path).status_code == 404, path
    assert client.get(f"/models/data/{dataset.pk}/v/1/?against={'9' * 5000}").status_code == 200
    assert client.get(f"/models/runs/compare/?run={'9' * 5000}").status_code == 422
    for dataset_id, number in ((large, 1), (dataset.pk, large)):
        body = {"dataset": dataset_id, "number": number}
        response = client.post("/api/v1/models/runs/", body, content_type="application/json")
        assert response.status_code == 404, body
