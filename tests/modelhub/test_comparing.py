"""Runs side by side: page, API, who may see them, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.core.models import Job
from apps.modelhub import origins
from apps.modelhub.files import rows_path, rows_store, run_folder
from apps.modelhub.models import DataSet, DataSetVersion, Run
from apps.modelhub.run_charts import curves
from apps.modelhub.services import runs
from ml.data.readers import LabelledText
from ml.runs.answers import ANSWERS, Answer, answers_write
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
PAGE, API = "/models/runs/compare/", "/api/v1/models/runs/compare/"
ROWS = [LabelledText(f"text {n}", "card" if n % 2 else "rate") for n in range(80)]


@pytest.fixture
def lead(db: None, settings: Any, tmp_path: Path) -> User:
    settings.VAR_DIR = tmp_path
    return User.objects.create_user(username="the-lead", password="correct-horse", role=Role.LEAD)


def data(task: str = "intent", rows: list[LabelledText] = ROWS) -> DataSetVersion:
    dataset = DataSet.objects.create(name=f"set {DataSet.objects.count()}", task=task)
    return DataSetVersion.objects.create(
        dataset=dataset, number=1, sha256=rows_store(rows), rows=len(rows)
    )


def ended(
    version: DataSetVersion, wrong: int = 0, rows: list[LabelledText] = ROWS, **options: Any
) -> Run:
    """A run that was measured by ``rows``, the first ``wrong`` of which it has wrong."""
    run = Run.objects.create(
        dataset_version=version,
        task=version.dataset.task,
        base="base",
        method="lora",
        options=options,
        job=Job.objects.create(kind=runs.RUN_JOB, title="t", status=Job.Status.SUCCEEDED),
        result={"candidate": {"n": len(rows), "accuracy": 1 - wrong / len(rows)}},
        gate={"passed": True},
    )
    folder = run_folder(run.pk)
    folder.mkdir(parents=True)
    lines = (json.dumps({"text": row.text, "label": row.label}) for row in rows)
    (folder / "held_out.jsonl").write_text("\n".join(lines))
    answers = [
        Answer("other" if index < wrong else row.label, 0.9) for index, row in enumerate(rows)
    ]
    answers_write(folder / ANSWERS, answers)
    (folder / "curves.jsonl").write_text('{"phase": "fit", "step": 5, "loss": 0.5}\n')
    return run


def test_four_runs_stand_side_by_side(lead: User, client_for: ClientFor) -> None:
    version = data()
    four = [ended(version, wrong, epochs=wrong + 1.0) for wrong in (40, 0, 41, 40)]
    query = "&".join(f"run={run.pk}" for run in four)
    client = client_for(lead)
    page = client.get(f"{PAGE}?{query}").content.decode()
    for words in ("On the same 80 rows", "+50.0", "Epochs", "40 : 0", "Page 1 of 1", "polyline"):
        assert words in page, words
    assert page.count("Compare the others with it") == 3
    body = client.get(f"{API}?{query}").json()
    assert body["compared"] == [run.pk for run in four]
    assert body["changed"] == 41
    assert [one["differences"]["accuracy"]["difference"] for one in body["numbers"]["against"]] == [
        0.5,
        pytest.approx(-1 / 80),
        0.0,
    ]
    assert {one["name"] for one in body["settings"] if one["differs"]} == {"epochs"}
    worse = client.get(f"{API}?{query}&verdict=worse&against={four[2].pk}").json()
    assert [row["text"] for row in worse["rows"]] == ["text 40"]
    assert worse["rows"][0]["said"] == ["rate", "rate", "other", "rate"]
    assert client.get(f"{API}?{query}&label=card&q=TEXT 3").json()["changed"] == 6
    turned = client.get(f"{API}?run={four[1].pk},{four[0].pk}").json()
    assert turned["numbers"]["against"][0]["differences"]["accuracy"]["difference"] == -0.5


def test_what_cannot_be_compared_is_told(lead: User, client_for: ClientFor) -> None:
    version = data()
    first, old = ended(version), ended(version)
    (run_folder(old.pk) / ANSWERS).unlink()
    apart = [LabelledText(f"else {n}", "card") for n in range(9)]
    other_rows, other_task = ended(data(rows=apart), rows=apart), ended(data("topic"))
    some = ended(version, 1, ROWS[:30])
    client = client_for(lead)

    def notes(*others: Run) -> dict[str, Any]:
        query = "&".join(f"run={run.pk}" for run in (first, *others))
        found: dict[str, Any] = client.get(f"{API}?{query}").json()
        return found

    told = notes(old, other_rows, other_task)
    assert told["numbers"] is None
    assert [note.partition(":")[0] for note in told["notes"]] == [
        f"What run {old.pk} answered on each row was not kept",
        f"Run {other_rows.pk} was measured by other rows than run {first.pk}",
        f"Run {other_task.pk} is of topic, run {first.pk} of intent",
    ]
    shared = notes(some)
    assert shared["numbers"]["rows"] == 30
    assert "The 30 rows that all were measured by" in shared["notes"][0]
    page = client.get(f"{PAGE}?run={first.pk}&run={other_task.pk}")
    assert (page.status_code, "cannot be compared" in page.content.decode()) == (200, True)


@pytest.mark.parametrize(
    ("query", "status"), [("", 422), ("run=1", 422), ("run=x&run=y", 422), ("run=8&run=9", 404)]
)
def test_two_to_four_runs_are_asked_for(
    lead: User, client_for: ClientFor, query: str, status: int
) -> None:
    for path in (PAGE, API):
        assert client_for(lead).get(f"{path}?{query}").status_code == status, path


def test_rows_that_the_person_may_not_read_are_left_out(
    lead: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "_origins", {})
    origins.register_origin("support", key="conversation", seen=lambda person, keys: set())
    rows = [
        LabelledText(row.text, row.label, source="support", group="support:1" if at == 0 else "")
        for at, row in enumerate(ROWS)
    ]
    version = data(rows=rows)
    query = "&".join(f"run={run.pk}" for run in (ended(version), ended(version, 2)))
    found = client_for(lead).get(f"{API}?{query}").json()
    assert [row["text"] for row in found["rows"]] == ["text 1"]
    assert found["numbers"]["against"][0]["mcnemar"]["only_first"] == 2
    rows_path(version.sha256).unlink()
    found = client_for(lead).get(f"{API}?{query}").json()
    assert (found["rows"], "is gone" in found["notes"][0]) == ([], True)
    assert "is gone" in client_for(lead).get(f"{PAGE}?{query}").content.decode()


def test_who_is_no_lead_sees_no_comparison(operator: User, client_for: ClientFor) -> None:
    for path in (PAGE, API):
        assert client_for(operator).get(f"{path}?run=1&run=2").status_code == 403
        assert Client().get(f"{path}?run=1&run=2").status_code in (302, 401)


def test_each_answer_names_its_run_where_the_heads_are_not_seen(
    lead: User, client_for: ClientFor
) -> None:
    version = data()
    two = [ended(version, wrong) for wrong in (40, 0)]
    query = "&".join(f"run={run.pk}" for run in two)
    page = client_for(lead).get(f"{PAGE}?{query}").content.decode()
    for run in two:
        assert page.count(f'data-head="Run {run.pk}"') == 40
    for label in ("card", "rate"):
        assert f'<option value="{label}"></option>' in page, "offered to choose rows by"
    assert "50.0%" in page
    assert "0.500</td>" not in page, "one number is written in one way"


def test_where_nothing_is_compared_no_run_is_said_to_be(lead: User, client_for: ClientFor) -> None:
    first, other = ended(data()), ended(data("topic"))
    page = client_for(lead).get(f"{PAGE}?run={first.pk}&run={other.pk}").content.decode()
    assert page.count("Nothing is compared with it.") == 2
    assert "The others are compared" not in page


def test_a_single_reading_is_a_dot() -> None:
    found = curves({1: [{"phase": "fit", "step": 5, "loss": 0.5}]})
    assert found is not None
    (line,) = found.lines
    assert line.single
    assert line.points == "1000.0,0.0 1000.0,0.0"
    more = curves({1: [{"phase": "fit", "step": step, "loss": 0.5} for step in (1, 2)]})
    assert more is not None
    assert not more.lines[0].single
