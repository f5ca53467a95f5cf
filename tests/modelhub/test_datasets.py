"""Data sets: made of files and corrections, immutable, compared, exported; services, pages, API."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from apps.accounts.models import AuditEntry, Role, User
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub import uploads
from apps.modelhub.files import rows_path
from apps.modelhub.models import DataSet, DataSetVersion, Upload
from apps.modelhub.services import datasets, example_add
from ml.data.row_kinds import text_of
from ml.data.versions import content_hash
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
CSV = "utterance,intent\nwhere is my card,card\nthe rate of the euro,rate\n"


@pytest.fixture(autouse=True)
def var(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    settings.ML_MODELS_DIR = tmp_path / "models"
    return tmp_path


@pytest.fixture
def dataset(lead: User) -> DataSet:
    return datasets.dataset_create(actor=lead, name="Matters", task="intent")


def kept(owner: User, content: str | bytes, name: str = "rows.csv") -> Upload:
    data = content.encode() if isinstance(content, str) else content
    return uploads.upload_create(owner=owner, file=SimpleUploadedFile(name, data))


def correct(text: str, label: str, **more: Any) -> None:
    example_add(app="support", task="intent", text=text, new_label=label, **more)


def labels(version: DataSetVersion) -> dict[str, str]:
    return {row.text: row.label for row in datasets.version_rows(version)}


def test_a_file_becomes_a_version_whose_hash_is_its_content(dataset: DataSet, lead: User) -> None:
    version = datasets.version_from_upload(actor=lead, dataset=dataset, upload=kept(lead, CSV))
    assert (version.number, version.rows, version.parent) == (1, 2, None)
    assert version.counts["labels"] == {"card": 1, "rate": 1}
    content = rows_path(version.sha256).read_text(encoding="utf-8")
    assert content_hash(content) == version.sha256
    assert AuditEntry.objects.filter(action="dataset.version").count() == 1
    jsonl = '{"text": "the rate of the euro", "label": "rate"}\n'
    jsonl += '{"label": "card", "text": "where is my card"}\n'
    with pytest.raises(Conflict, match="Version 1 has these very rows"):
        datasets.version_from_upload(
            actor=lead, dataset=dataset, upload=kept(lead, jsonl, "other.jsonl")
        )


def test_bad_rows_are_named_and_nothing_is_stored_unless_they_are_left_out(
    dataset: DataSet, lead: User
) -> None:
    upload = kept(lead, CSV + ",card\n" + "x" * 20_001 + ",card\nno label,\n")
    preview = uploads.upload_preview(upload=upload, task="intent", kind="classification")
    assert preview.bad == 3
    assert [problem.split(":")[0] for problem in preview.problems] == [
        f"rows.csv, row {row}" for row in (4, 5, 6)
    ]
    with pytest.raises(InvalidInput, match="Nothing was stored"):
        datasets.version_from_upload(actor=lead, dataset=dataset, upload=upload)
    assert not DataSetVersion.objects.exists()
    version = datasets.version_from_upload(
        actor=lead, dataset=dataset, upload=upload, skip_bad=True
    )
    assert (version.rows, version.origin["left_out"]) == (2, 3)


def test_formulas_in_a_sheet_are_named(dataset: DataSet, lead: User) -> None:
    cells = (
        "=HYPERLINK(1)",
        "@SUM(1+1)",
        "-cmd|' /C calc'!A0",
        "@anna it is late",
        "- not yet",
        "+1",
    )
    content = "text,label\n" + "".join(f'"{cell}",card\n' for cell in cells) + "a text,=1+1\n"
    found = uploads.upload_preview(upload=kept(lead, content), task="intent", kind="classification")
    assert [text_of(row) for row in found.rows] == ["@anna it is late", "- not yet", "+1"]
    assert found.problems[0] == "rows.csv, row 2: has a formula where text should be: =HYPERLINK(1)"
    assert found.bad == 4


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text,label\nhi\n", "rows.csv，第 2 行：有 1 个单元格，表头有 2 个"),
        ("text,label\n,card\n", "rows.csv，第 2 行：'text' 为空"),
        ("a,b\n1,card\n", "rows.csv：请选择包含 text, label 的各列"),
        (f"text,label\nhi,{'x' * 300}\n", "rows.csv，第 2 行：标签有 300 个字符；最多允许"),
    ],
)
def test_what_is_wrong_is_told_in_the_reader_s_language(
    lead: User, content: str, told: str
) -> None:
    upload = kept(lead, content)
    with translation.override("zh-hans"):
        found = uploads.upload_preview(upload=upload, task="intent", kind="classification")
    assert found.problems[0].startswith(told)


def test_bad_rows_at_the_head_of_a_file_are_named_like_others(lead: User) -> None:
    rows = ["not json", '{"text": 1, "label": "x"}', '{"text": "where is it", "label": "card"}']
    found = uploads.upload_preview(
        upload=kept(lead, "\n".join(rows), "t.jsonl"), task="intent", kind="classification"
    )
    assert found.columns == ["label", "text"]
    assert [text_of(row) for row in found.rows] == ["where is it"]
    assert found.bad == 2
    assert found.problems[0].startswith("t.jsonl, row 1")
    assert "row 2: 'text' is not a text" in found.problems[1]


def test_columns_are_guessed_or_chosen(lead: User) -> None:
    upload = kept(lead, "a,b,c\n1,card,where is it\n")
    preview = uploads.upload_preview(upload=upload, task="intent", kind="classification")
    assert "choose the column" in preview.problems[0]
    chosen = uploads.upload_preview(
        upload=upload,
        task="intent",
        kind="classification",
        mapping={"text": "c", "label": "b"},
    )
    assert [(row.text, row.label) for row in chosen.rows] == [("where is it", "card")]


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"text": "d", "label": "b"}, "no column “d” that could be the text; it has a, b, c"),
        ({"text": "c", "label": "c"}, "the column “c” cannot be both the text and the label"),
        ({"text": "c", "tags": "b"}, "its rows have no tags; they may have text, label"),
    ],
)
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_columns_that_cannot_be_are_told_and_nothing_is_stored(
    dataset: DataSet, lead: User, name: str, mapping: dict[str, str], told: str
) -> None:
    table = name.endswith("csv")
    content = "a,b,c\n1,card,where\n" if table else '{"a": "1", "b": "card", "c": "where"}\n'
    preview = uploads.upload_preview(
        upload=kept(lead, content, name), task="intent", kind="classification", mapping=mapping
    )
    assert (preview.bad, len(preview.rows)) == (1, 0)
    assert preview.problems[0].startswith(name)
    assert told in preview.problems[0]
    with pytest.raises(InvalidInput, match="Nothing was stored"):
        datasets.version_from_upload(
            actor=lead, dataset=dataset, upload=kept(lead, content, name), mapping=mapping
        )
    assert not DataSetVersion.objects.exists()


def test_a_packed_file_is_named_for_what_it_is_not(dataset: DataSet, lead: User) -> None:
    upload = kept(lead, gzip.compress(bytes(1_000_000)), "rows.jsonl")
    with pytest.raises(InvalidInput, match=r"rows\.jsonl, row 1: is not UTF-8 \(byte 1\)\.$"):
        datasets.version_from_upload(actor=lead, dataset=dataset, upload=upload)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.pkl", b"x", "neither CSV, JSONL nor CoNLL"),
        ("rows.zip", b"PK", "neither CSV, JSONL nor CoNLL"),
        ("", b"x", "Choose a file"),
    ],
)
def test_other_files_are_refused(lead: User, name: str, content: bytes, says: str) -> None:
    file = SimpleUploadedFile(name, content) if name else None
    with pytest.raises(InvalidInput, match=says):
        uploads.upload_create(owner=lead, file=file)


def test_a_file_that_is_too_large_is_refused(lead: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="are allowed"):
        kept(lead, "x" * 11)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; the first line names the columns"),
        (b"\x00\x01\xff,\x03\n", "is not UTF-8"),
        (CSV.encode("utf-16-le"), "is not UTF-8"),
    ],
)
def test_what_is_no_table_says_so(dataset: DataSet, lead: User, content: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=rf"rows\.csv, row 1: {says}"):
        datasets.version_from_upload(actor=lead, dataset=dataset, upload=kept(lead, content))


def test_corrections_win_over_rows_of_the_same_text(dataset: DataSet, lead: User) -> None:
    datasets.version_from_upload(actor=lead, dataset=dataset, upload=kept(lead, CSV))
    correct("Where is  my card", "card_arrival")
    correct("can we share an account", "joint_account")
    second = datasets.version_extend(actor=lead, dataset=dataset)
    assert labels(second) == {
        "Where is  my card": "card_arrival",
        "the rate of the euro": "rate",
        "can we share an account": "joint_account",
    }
    assert (second.number, second.parent.number, second.origin["corrections"]) == (2, 1, 2)
    with pytest.raises(Conflict, match="Version 2"):
        datasets.version_extend(actor=lead, dataset=dataset)
    correct("where is my card", "card")
    assert (
        labels(datasets.version_extend(actor=lead, dataset=dataset))["where is my card"] == "card"
    )
    alone = datasets.version_extend(actor=lead, dataset=dataset, base="none")
    assert alone.rows == 2


def test_a_base_file_of_the_server_is_extended(
    dataset: DataSet, lead: User, var: Path, settings: Any
) -> None:
    with pytest.raises(Conflict, match="MODEL_BASE_FILES"):
        datasets.version_extend(actor=lead, dataset=dataset, base="shipped")
    base = var / "base.jsonl"
    base.write_text(json.dumps({"text": "lost card", "label": "card"}) + "\n")
    settings.MODEL_BASE_FILES = {"intent": str(base)}
    correct("new", "rate")
    version = datasets.version_extend(actor=lead, dataset=dataset, base="shipped")
    assert labels(version) == {"lost card": "card", "new": "rate"}
    assert version.origin["file"] == "base.jsonl"


def test_without_rows_there_is_no_version(dataset: DataSet, lead: User) -> None:
    for base, says in (("latest", "no version yet"), ("none", "Nobody has corrected")):
        with pytest.raises(Conflict, match=says):
            datasets.version_extend(actor=lead, dataset=dataset, base=base)
    with pytest.raises(InvalidInput, match="base"):
        datasets.version_extend(actor=lead, dataset=dataset, base="other")


def test_a_file_that_was_changed_is_told(
    dataset: DataSet, lead: User, client_for: ClientFor
) -> None:
    version = datasets.version_from_upload(actor=lead, dataset=dataset, upload=kept(lead, CSV))
    path = rows_path(version.sha256)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(Conflict, match="was changed"):
        datasets.version_rows(version)
    here = f"/models/data/{dataset.pk}/v/1/"
    assert "was changed" in client_for(lead).get(here).content.decode()
    path.unlink()
    with pytest.raises(Conflict, match="is gone"):
        datasets.version_rows(version)


def test_names_are_checked_and_taken_once(dataset: DataSet, lead: User) -> None:
    with pytest.raises(Conflict, match="Matters"):
        datasets.dataset_create(actor=lead, name=" Matters ", task="intent")
    with pytest.raises(InvalidInput) as error:
        datasets.dataset_create(actor=lead, name="", task="../up")
    assert sorted(error.value.fields) == ["name", "task"]


def test_targeted_rows_come_marked(lead: User) -> None:
    dataset = datasets.dataset_create(actor=lead, name="Targeted", task="targeted_sentiment")
    row = {"text": "Acme gains as Rome falls", "entities": {"Acme": "positive"}}
    upload = kept(lead, json.dumps(row) + "\n", "t.jsonl")
    version = datasets.version_from_upload(actor=lead, dataset=dataset, upload=upload)
    assert labels(version) == {"targetco gains as Rome falls": "positive"}


def test_a_version_of_frozen_rows_alone_is_refused(
    dataset: DataSet, lead: User, client_for: ClientFor
) -> None:
    datasets.dataset_freeze(actor=lead, dataset=dataset, upload=kept(lead, CSV))
    client, versions = client_for(lead), f"/api/v1/models/data/{dataset.pk}/versions/"
    sheet = SimpleUploadedFile("rows.csv", CSV.upper().encode())  # texts are told apart by words
    refused = client.post(versions, {"file": sheet, "text": "UTTERANCE", "label": "INTENT"})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_train")
    assert "frozen rows of Matters" in refused.json()["detail"]
    correct("where is my card", "lost")
    page = client.post(f"/models/data/{dataset.pk}/extend/", {"base": "none"})
    assert page.status_code == 409
    assert "add texts that are not" in page.content.decode()
    assert not DataSetVersion.objects.exists()
    correct("what does it cost", "fee")
    assert datasets.version_extend(actor=lead, dataset=dataset, base="none").rows == 2


def test_the_pages_lead_from_a_file_to_a_difference(lead: User, client_for: ClientFor) -> None:
    client = client_for(lead)
    assert "no data set yet" in client.get("/models/data/").content.decode()
    made = client.post("/models/data/", {"name": "Matters", "task": "intent"})
    here = made.headers["Location"]
    assert "No version yet" in client.get(here).content.decode()
    refused = client.post("/models/data/", {"name": "Matters", "task": "intent"})
    assert refused.status_code == 409
    sent = client.post(f"{here}upload/", {"file": SimpleUploadedFile("rows.csv", CSV.encode())})
    preview = sent.headers["Location"]
    assert "where is my card" in client.get(preview).content.decode()
    doubled = client.post(preview, {"text": "utterance", "label": "utterance"}).content.decode()
    assert "the column “utterance” cannot be both the “Text” and the “Label”" in doubled
    stored = client.post(preview, {"store": "version", "text": "utterance", "label": "intent"})
    first = stored.headers["Location"]
    assert "the rate of the euro" in client.get(first).content.decode()
    correct("where is my card", "lost")
    second = client.post(f"{here}extend/", {"base": "latest"}).headers["Location"]
    page = client.get(second).content.decode()
    assert "1 relabelled" in page
    assert "<s class" in page
    again = client.post(f"{here}extend/", {"base": "latest"})
    assert again.status_code == 409
    export = client.get(f"{second}export/")
    assert "attachment" in export.headers["Content-Disposition"]
    assert len(export.content.decode().splitlines()) == 2
    frozen = client.post(preview, {"store": "frozen"})
    assert frozen.status_code == 409
    assert "rows.csv holds every text of version 2" in frozen.content.decode()
    measured = SimpleUploadedFile("measured.csv", b"text,label\nthe rate of the euro,rate\n")
    preview = client.post(f"{here}upload/", {"file": measured}).headers["Location"]
    frozen = client.post(preview, {"store": "frozen"}, follow=True)
    assert "1 frozen row" in frozen.content.decode()
    assert client.post(f"{here}upload/", {}).status_code == 422


def test_the_api_makes_versions_and_tells_differences(
    lead: User, dataset: DataSet, client_for: ClientFor
) -> None:
    client, base = client_for(lead), f"/api/v1/models/data/{dataset.pk}/"
    sheet = SimpleUploadedFile("rows.csv", CSV.encode() + b"no label,\n")
    seen = client.post(f"{base}preview/", {"file": sheet}).json()
    assert (seen["rows"], seen["bad"]) == (2, 1)
    assert (seen["mapping"]["label"], len(seen["shown"])) == ("intent", 2)
    assert seen["problems"] == ["rows.csv, row 4: 'intent' is empty"]
    assert client.get(f"{base}versions/").json() == []
    for field, column in (("text", "body"), ("label", "utterance"), ("tags", "intent")):
        sheet = SimpleUploadedFile("rows.csv", CSV.encode())
        refused = client.post(f"{base}versions/", {"file": sheet, field: column})
        assert (refused.status_code, refused.json()["code"]) == (422, "rows_refused"), field
        assert "rows.csv" in refused.json()["detail"]
    file = SimpleUploadedFile("rows.csv", CSV.encode())
    made = client.post(f"{base}versions/", {"file": file})
    assert (made.status_code, made.json()["number"]) == (201, 1)
    swapped = SimpleUploadedFile("rows.csv", b"intent,utterance\nmy card,card\nthe rate,rate\n")
    chosen = {"file": swapped, "text": "intent", "label": "utterance"}
    seen = client.post(f"{base}preview/", chosen).json()
    assert seen["shown"][0] == {"text": "my card", "label": "card"}
    correct("a new text", "card")
    second = client.post(f"{base}versions/", {"base": "latest"}, content_type="application/json")
    assert second.json()["rows"] == 3
    told = client.get(f"{base}versions/2/difference/1/").json()
    assert (told["added"], told["removed"], told["relabelled"]) == (1, 0, 0)
    assert told["rows"]["added"] == [{"text": "a new text", "label": "card"}]
    rows = client.get(f"{base}versions/2/rows/").content.decode().splitlines()
    assert len(rows) == 3
    assert [row["number"] for row in client.get(f"{base}versions/").json()] == [2, 1]
    assert client.get("/api/v1/models/data/").json()[0]["versions"] == [2, 1]
    bad = client.post(
        "/api/v1/models/data/", {"name": "x", "task": "a b"}, content_type="application/json"
    )
    assert bad.status_code == 422


def test_who_is_no_lead_is_refused(
    dataset: DataSet, operator: User, analyst: User, member: User, client_for: ClientFor
) -> None:
    pages = ("/models/data/", f"/models/data/{dataset.pk}/")
    endpoints = ("/api/v1/models/data/", f"/api/v1/models/data/{dataset.pk}/versions/")
    for person in (operator, analyst, member):
        client = client_for(person)
        for path in (*pages, *endpoints):
            assert client.get(path).status_code == 403, path
        preview = endpoints[1].replace("versions", "preview")
        for path in (pages[0], f"{pages[1]}extend/", f"{pages[1]}upload/", preview, *endpoints):
            assert client.post(path, {}).status_code == 403, path
    for path in endpoints:
        assert Client().get(path).status_code == 401
    assert Client().get(pages[0]).status_code == 302


def test_an_upload_is_its_owners_alone(dataset: DataSet, lead: User, client_for: ClientFor) -> None:
    other = User.objects.create_user(username="other", password="correct-horse", role=Role.LEAD)
    upload = kept(lead, CSV)
    here = f"/models/data/{dataset.pk}/upload/{upload.pk}/"
    assert client_for(lead).get(here).status_code == 200
    assert client_for(other).get(here).status_code == 404
