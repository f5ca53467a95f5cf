"""Targeted sentiment from corrections to held-out answers: every row says of whom it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub.files import run_folder
from apps.modelhub.held_out import held_out_make, held_out_of
from apps.modelhub.models import DataSet, LabelledExample, LabelQueue
from apps.modelhub.services import datasets, example_add
from apps.modelhub.services.examples import example_discard
from apps.modelhub.services.labelling import queue_create
from apps.modelhub.services.run_orders import run_order
from apps.modelhub.services.runs import run_plan, run_split
from ml.data.readers import LabelledText
from ml.data.targeting import TARGETED_TASK
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model
from tests.modelhub.commands import result
from tests.modelhub.run_process import stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(lead: User, tmp_path: Path, settings: Any) -> DataSet:
    settings.VAR_DIR = tmp_path
    gateway.use_engine(FakeEngine())
    return datasets.dataset_create(actor=lead, name="Companies", task=TARGETED_TASK)


def correct(text: str, label: str = "positive") -> LabelledExample:
    return example_add(app="market", task=TARGETED_TASK, text=text, new_label=label)


def test_plain_texts_of_a_queue_cannot_say_of_whom_they_tell(
    dataset: DataSet, lead: User, client_for: ClientFor
) -> None:
    given = {"name": "news", "task": TARGETED_TASK, "texts": ["Aldo beats Brix"]}
    with pytest.raises(InvalidInput, match="one company that is marked") as error:
        queue_create(actor=lead, **given)  # type: ignore[arg-type]
    assert error.value.fields == {"task": "unusable"}
    client = client_for(lead)
    sent = client.post("/api/v1/models/queues/", given, content_type="application/json")
    assert sent.status_code == 422
    page = client.get("/models/label/").content.decode()
    assert "<option>sentiment</option>" in page
    assert TARGETED_TASK not in page
    assert not LabelQueue.objects.exists()


def test_corrections_without_a_company_make_no_version(dataset: DataSet, lead: User) -> None:
    correct("targetco beats otherco")
    plain = correct("Aldo beats Brix")
    with pytest.raises(Conflict, match="1 of these have none") as error:
        datasets.version_extend(actor=lead, dataset=dataset, base="none")
    assert error.value.code == "company_unmarked"
    example_discard(example_id=plain.pk, actor=lead)
    assert datasets.version_extend(actor=lead, dataset=dataset, base="none").rows == 1


def test_an_older_version_without_companies_is_not_trained_on(dataset: DataSet) -> None:
    version = stored([LabelledText("Aldo beats Brix", "positive")])
    version.dataset.task = TARGETED_TASK
    with pytest.raises(Conflict, match="targetco"):
        datasets.trainable_split(datasets.version_rows(version), version.dataset)


def test_what_is_exported_is_read_again(
    dataset: DataSet, lead: User, client_for: ClientFor
) -> None:
    client, versions = client_for(lead), f"/api/v1/models/data/{dataset.pk}/versions/"
    rows = {"text": "Aldo beats Brix", "entities": {"Aldo": "positive", "Brix": "negative"}}

    def sent(content: bytes) -> Any:
        return client.post(versions, {"file": SimpleUploadedFile("rows.jsonl", content)})

    assert sent(json.dumps(rows).encode()).json()["rows"] == 2
    export = client.get(f"/models/data/{dataset.pk}/v/1/export/").content
    assert [json.loads(line) for line in export.splitlines()] == [
        {"text": "otherco beats targetco", "entities": {"targetco": "negative"}},
        {"text": "targetco beats otherco", "entities": {"targetco": "positive"}},
    ]
    assert sent(export).json()["detail"] == "Version 1 has these very rows."
    correct("targetco gains")
    (example,) = client.get("/api/v1/models/examples/export/").getvalue().splitlines()
    assert json.loads(example) == {"text": "targetco gains", "entities": {"targetco": "positive"}}


def test_the_page_asks_for_companies_and_for_no_csv(
    dataset: DataSet, lead: User, client_for: ClientFor
) -> None:
    client, here = client_for(lead), f"/models/data/{dataset.pk}/"
    page = client.get(here).content.decode()
    assert "its companies with a label each" in page
    assert 'accept=".jsonl"' in page
    assert "CSV" not in page
    sheet = SimpleUploadedFile("rows.csv", b"text,label\nAldo beats Brix,positive\n")
    preview = client.post(f"{here}upload/", {"file": sheet}, follow=True).content.decode()
    assert "rows.csv: what is said here of a text is read from .jsonl." in preview


def test_held_out_answers_are_made_of_a_runs_marked_rows(models: Path, lead: User) -> None:
    built = build_model(models, TARGETED_TASK, "classification")
    dataset = datasets.dataset_create(actor=lead, name="Companies", task=TARGETED_TASK)
    for number in range(20):
        correct(f"targetco card {number}", "card")
        correct(f"targetco rate {number}", "rate")
    version = datasets.version_extend(actor=lead, dataset=dataset, base="none")
    run = run_plan(version=version).run
    run.version = built
    run.save()
    run_order(run)
    assert held_out_make() == 1
    found = held_out_of(task=TARGETED_TASK, version=built)
    assert found is not None
    assert found.rows == len(run_split(version).held_out)
    file = str(run_folder(run.pk) / "held_out.jsonl")
    asked = ["--task", TARGETED_TASK, "--file", file, "--output", str(models / "kept.json")]
    assert result("held_out", *asked)["rows"] == found.rows
