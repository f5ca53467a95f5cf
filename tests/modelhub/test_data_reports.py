"""Reports on versions of data sets: what is found, what is kept, who reads which rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.core.jobs import NoProgress
from apps.core.models import Job
from apps.modelhub.files import report_path, rows_store
from apps.modelhub.models import DataSet, DataSetVersion
from apps.modelhub.selectors.data_reports import report_get
from apps.modelhub.services.data_reports import REPORT_JOB, report_make, report_start
from ml.data.readers import LabelledText, TaggedSentence
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
FRUIT = ("apples are sold", "a pear is ripe", "plums on the tree", "the cherry is red")
TOOLS = ("a hammer is heavy", "saws are sharp", "the drill is loud", "nails and screws")


def version(rows: list[Any], settings: Any, tmp_path: Path, kind: str) -> DataSetVersion:
    settings.VAR_DIR = tmp_path
    settings.ML_MODELS_DIR = tmp_path / "models"
    dataset = DataSet.objects.create(name=f"data of {kind}", task="intent", kind=kind)
    counts = {"labels": {}, "lengths": {"median": 1, "p95": 1, "most": 1}}
    return DataSetVersion.objects.create(
        dataset=dataset,
        number=1,
        sha256=rows_store(rows),
        rows=len(rows),
        counts=counts,
        origin={"kind": "upload", "file": "rows.csv"},
    )


def test_a_report_names_leaking_rows_and_keeps_no_text(
    lead: User, client_for: ClientFor, settings: Any, tmp_path: Path
) -> None:
    rows = [
        LabelledText(f"{text} in the market of town number {n}", label, 0)
        for n in range(12)
        for label, texts in (("fruit", FRUIT), ("tools", TOOLS))
        for text in texts
    ]
    made = version(rows, settings, tmp_path, "classification")
    client, url = client_for(lead), f"/api/v1/models/data/{made.dataset_id}/versions/1/report/"
    assert client.get(url).json() == {"job": None, "report": None}
    assert client.post(url).status_code == 202
    with pytest.raises(Conflict, match="being made"):
        report_start(actor=lead, version=made)
    report_make(NoProgress(), version_id=made.pk)
    kept = report_path(made.sha256, "").read_text(encoding="utf-8")
    assert "market" not in kept
    found = client.get(url).json()["report"]
    assert found["rows"]["train"] + found["rows"]["valid"] == len(rows)
    assert found["leaking"] > 0
    first, second = found["leaks"][0]
    assert first["text"] != second["text"]
    assert {first["text"], second["text"]} <= {row.text for row in rows}
    Job.objects.filter(kind=REPORT_JOB).update(status=Job.Status.SUCCEEDED)
    page = client.get(f"/models/data/{made.dataset_id}/v/1/").content.decode()
    assert "pairs of near duplicates span both parts" in page
    assert page.count("report-warnings") == 1, "one list, however many there are"
    with translation.override("zh-hans"):
        told = report_get(version=made, person=lead)
    assert told is not None
    assert any("对近似重复的文本分处两个部分" in words for words in told["warnings"])
    assert first["text"] in page


def test_entities_and_several_labels_are_looked_at_in_their_own_way(
    lead: User, settings: Any, tmp_path: Path
) -> None:
    said = [("B-ORG", n) for n in range(20)] + [("B-LOC", 20)]
    rows = [TaggedSentence(("Acme", "grows", f"by {n}"), (tag, "O", "O"), 0) for tag, n in said]
    made = version(rows, settings, tmp_path, "ner")
    report_make(NoProgress(), version_id=made.pk)
    found = report_get(version=made, person=lead)
    assert found is not None
    assert found["judged"] is None
    assert found["rows"]["train"] > 0


def test_only_leads_let_a_version_be_looked_at(
    operator: User, client_for: ClientFor, settings: Any, tmp_path: Path
) -> None:
    rows = [LabelledText(f"{text} today", "fruit", 0) for text in FRUIT]
    made = version(rows, settings, tmp_path, "classification")
    client = client_for(operator)
    assert client.post(f"/models/data/{made.dataset_id}/v/1/report/").status_code == 403
    url = f"/api/v1/models/data/{made.dataset_id}/versions/1/report/"
    assert client.get(url).status_code == client.post(url).status_code == 403
