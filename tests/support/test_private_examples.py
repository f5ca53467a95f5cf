"""What a private team's customer wrote teaches models, and who may not see it reads it nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role, User
from apps.modelhub.files import rows_store
from apps.modelhub.models import DataSet, DataSetVersion, LabelledExample, Run
from apps.modelhub.services.datasets import version_extend, version_rows
from apps.support import services
from apps.support.models import Conversation, Message
from apps.support.services import corrections
from ml.data.readers import LabelledText
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db
SECRET = "the card was used in Lima"
API = "/api/v1/models"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def secret(conversation: Conversation, omar: User) -> LabelledExample:
    """A message of a conversation that a private team has, corrected by its member."""
    lead = user("its-lead", Role.LEAD)
    team = services.team_save(
        team_id=None, actor=lead, name="Fraud", private=True, member_ids=[omar.pk, lead.pk]
    )
    Conversation.objects.filter(pk=conversation.pk).update(team=team)
    Message.objects.create(
        conversation=conversation, seq=1, author=Message.Author.VISITOR, text=SECRET
    )
    given = corrections.intent_correct(
        conversation_id=conversation.pk, seq=1, operator=omar, label="lost"
    ).given
    assert given is not None
    return given


@pytest.fixture
def version(secret: LabelledExample) -> DataSetVersion:
    dataset = DataSet.objects.create(name="cards", task="intent")
    rows = [LabelledText("when does it arrive", "card_arrival")]
    DataSetVersion.objects.create(
        dataset=dataset, number=1, sha256=rows_store(rows), rows=1, counts={"labels": {}}
    )
    return version_extend(actor=None, dataset=dataset)


def read(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


def pages(version: DataSetVersion, run: Run) -> list[str]:
    at = f"{version.dataset_id}/versions/{version.number}"
    return [
        "/models/examples/",
        f"{API}/examples/",
        f"{API}/examples/export/",
        f"/models/data/{version.dataset_id}/v/{version.number}/",
        f"/models/data/{version.dataset_id}/v/{version.number}/export/",
        f"{API}/data/{at}/rows/",
        f"{API}/data/{at}/difference/1/",
        f"/models/runs/{run.pk}/",
        f"{API}/runs/{run.pk}/",
        f"{API}/runs/",
    ]


@pytest.fixture
def run(version: DataSetVersion) -> Run:
    changed = {"text": SECRET[:20], "label": "lost", "live": "a", "candidate": "lost"}
    numbers = {"n": 1, "accuracy": 1.0, "per_label": {}}
    result = {"candidate": numbers, "live": numbers, "changed": [changed], "wrong": [changed]}
    return Run.objects.create(
        dataset_version=version, task="intent", base="b", method="lora", result=result
    )


def test_the_member_reads_it_everywhere(version: DataSetVersion, run: Run) -> None:
    client = client_of(User.objects.get(username="its-lead"))
    for path in pages(version, run):
        assert SECRET[:20] in read(client, path), path


def test_who_may_not_see_the_conversation_reads_it_nowhere(
    version: DataSetVersion, run: Run
) -> None:
    lead = user("other-lead", Role.LEAD)
    client = client_of(lead)
    for path in pages(version, run):
        assert SECRET[:20] not in read(client, path), path
    shown = json.loads(read(client, f"{API}/examples/"))
    (row,) = shown["results"] if isinstance(shown, dict) else shown
    assert (row["text"], row["hidden"], row["new_label"]) == ("", True, "lost")
    assert "1 row is of a conversation" in read(
        client, f"/models/data/{version.dataset_id}/v/{version.number}/"
    )
    assert SECRET in {one.text for one in version_rows(version)}
    Conversation.objects.update(team=None)
    for path in pages(version, run):
        assert SECRET[:20] in read(client, path), path


def test_whose_examples_are_hidden_is_asked_once_for_a_page(secret: LabelledExample) -> None:
    client = client_of(user("other-lead", Role.LEAD))

    def asked(rows: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            shown = client.get(f"{API}/examples/").json()["results"]
        assert (len(shown), {row["hidden"] for row in shown}) == (rows, {True})
        return len(queries)

    asked(1)
    alone = asked(1)
    for number in range(9):
        secret.pk, secret.subject = None, f"message:{number}"
        secret.save()
    assert asked(10) == alone


def test_rows_of_versions_made_before_are_known_by_their_text(
    secret: LabelledExample, version: DataSetVersion
) -> None:
    old = [LabelledText(SECRET, "lost", source="support"), LabelledText("b", "b")]
    before = DataSetVersion.objects.create(
        dataset=version.dataset, number=9, sha256=rows_store(old), rows=2, counts={"labels": {}}
    )
    client = client_of(user("other-lead", Role.LEAD))
    path = f"{API}/data/{before.dataset_id}/versions/9/rows/"
    assert [json.loads(line)["text"] for line in read(client, path).splitlines()] == ["b"]
    secret.delete()
    uploaded = [LabelledText("c", "c", source="support", group="support:nonsense")]
    forged = DataSetVersion.objects.create(
        dataset=version.dataset, number=10, sha256=rows_store(uploaded), rows=1, counts={}
    )
    assert read(client, f"{API}/data/{forged.dataset_id}/versions/10/rows/") == ""
