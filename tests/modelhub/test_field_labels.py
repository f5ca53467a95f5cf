"""What is wrong with a field is told by its label on a page, and by its name in the API."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User
from apps.modelhub import uploads
from apps.modelhub.models import DataSetVersion
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
CHINESE = {"accept-language": "zh-hans"}


@pytest.fixture
def client(lead: User, client_for: ClientFor) -> Client:
    return client_for(lead)


def told(client: Client, page: str, form: dict[str, Any], **more: Any) -> str:
    return unescape(client.post(page, form, follow=True, **more).content.decode())


def refused(client: Client, path: str, body: dict[str, Any], method: str = "post") -> str:
    answer = getattr(client, method)(
        f"/api/v1/models/{path}", body, content_type="application/json"
    )
    assert answer.status_code == 422
    return str(answer.json()["detail"])


def test_of_a_nightly_loop(client: Client, data: DataSetVersion) -> None:
    form = {"dataset": data.dataset_id, "least_new": "0", "hour": "3", "method": "lora"}
    form |= {"recipe": "plain"}
    page = "/models/nightly/"
    assert "“New corrections, at least”: '0' is no whole number" in told(client, page, form)
    assert "“新更正至少”：'0' " in told(client, page, form, headers=CHINESE)
    form |= {"least_new": "9", "hour": "24"}
    assert "“Hour (UTC)”: '24' is no whole number" in told(client, page, form)
    form |= {"hour": "3", "method": "magic", "recipe": "stew"}
    assert "The loop's “Method”, “Recipe” cannot be used." in told(client, page, form)
    body = {"dataset": data.dataset_id, "enabled": True, "method": "lora", "epochs": 0}
    assert refused(client, "nightly/", body, "put") == "The loop's epochs cannot be used."


def test_of_a_run(client: Client, data: DataSetVersion) -> None:
    page = f"/models/data/{data.dataset_id}/v/1/run/"
    for form, words in (
        ({"learning_rate": "fast"}, "“Learning rate”: 'fast' is not a number."),
        (
            {"learning_rate": "0", "advanced": "=", "start": "1"},
            "cannot be started: “Learning rate”: above 0, 1 at most; “Advanced”: is not TOML",
        ),
        ({"base": "x"}, "cannot be started: “Base encoder”: not a base"),
    ):
        assert words in told(client, page, form)
    assert "训练无法开始：“学习率”: " in told(client, page, {"learning_rate": "0"}, headers=CHINESE)
    asked = {"dataset": data.dataset_id, "number": 1, "learning_rate": 0.0}
    assert "cannot be started: learning_rate: above 0" in refused(client, "runs/", asked)


def test_of_a_queue_of_labelling(client: Client, data: DataSetVersion) -> None:
    form = {"name": "", "task": "intent", "texts": "my card", "strategy": "x"}
    page = told(client, "/models/label/new/", form)
    assert "The queue's “Name”, “Order” cannot be used; it takes" in page
    body = {"name": "cards", "task": "intent", "texts": [" "]}
    assert "The queue's texts cannot be used" in refused(client, "queues/", body)


def test_of_the_columns_of_an_upload(client: Client, lead: User, data: DataSetVersion) -> None:
    file = SimpleUploadedFile("rows.csv", b"a,b\n1,2\n")
    kept = uploads.upload_create(owner=lead, file=file)
    page = f"/models/data/{data.dataset_id}/upload/{kept.pk}/"
    words = "rows.csv: choose the columns that hold “Text”, “Label”"
    assert words in unescape(client.get(page).content.decode())
    both = {"text": "a", "label": "a"}
    assert "“a” cannot be both the “Text” and the “Label”" in told(client, page, both)
    preview = f"/api/v1/models/data/{data.dataset_id}/preview/"
    problems = client.post(preview, {"file": SimpleUploadedFile("r.csv", b"a,b\n1,2\n")}).json()
    assert problems["problems"] == ["r.csv: choose the columns that hold text, label"]
