"""Runs before they begin: what they are told to take, what is refused, what is asked for twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.models import Job
from apps.modelhub.models import DataSetVersion, Run
from apps.modelhub.services import runs
from apps.modelhub.services.data_reports import report_start
from tests.conftest import AtOnce, ClientFor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("asked", "epochs", "rate"),
    [
        ({}, 300.0, 4e-4),
        ({"epochs": 2.0}, 2.0, 4e-4),
        ({"advanced": 'few_shot = "off"'}, 5.0, 1e-3),
        ({"advanced": 'stated = ["learning_rate"]'}, 300.0, 1e-3),
        ({"advanced": 'stated = ["learning_rate"]', "epochs": 5.0}, 5.0, 1e-3),
        ({"advanced": "batch_size = 8"}, 100.0, 4e-4),
        ({"recipe": "shipped"}, 7.0, 1e-3),
    ],
    ids=[
        *("few rows", "asked for", "plain", "stated", "stated and asked for"),
        *("smaller batches", "shipped recipe"),
    ],
)
def test_an_estimate_and_the_form_are_of_the_recipe_that_the_run_will_have(
    data: DataSetVersion,
    lead: User,
    client_for: ClientFor,
    settings: Any,
    tmp_path: Path,
    asked: dict[str, Any],
    epochs: float,
    rate: float,
) -> None:
    settings.MODEL_RECIPES_DIR = tmp_path
    recipe = 'epochs = 7\nfew_shot = "off"\n'
    (tmp_path / "intent.toml").write_text(recipe, encoding="utf-8")
    split = runs.run_split(data)
    plan = runs.run_plan(version=data, split=split, **asked)
    assert plan.config.epochs == epochs
    per_second, beside = 100, 40
    assert plan.estimate.seconds == len(split.train) * epochs / per_second + beside
    form = client_for(lead).post(f"/models/data/{data.dataset_id}/v/1/run/", asked)
    assert f'max="300" step="any" placeholder="{epochs:g}"' in form.content.decode()
    assert f'placeholder="{rate:g}"' in form.content.decode()


def test_what_a_run_s_recipe_writes_at_its_default_stays_where_rows_are_few(
    data: DataSetVersion, settings: Any, tmp_path: Path
) -> None:
    settings.MODEL_RECIPES_DIR = tmp_path
    (tmp_path / "intent.toml").write_text("epochs = 5\n", encoding="utf-8")
    split = runs.run_split(data)
    plan = runs.run_plan(version=data, split=split, recipe="shipped", advanced="memory = 0.0")
    assert (plan.config.epochs, plan.config.memory) == (5.0, 0.0)
    assert plan.config.pooling == "normalised_mean"


def test_settings_that_do_not_go_together_are_refused_before_a_run_is_queued(
    data: DataSetVersion, lead: User, client_for: ClientFor
) -> None:
    form = f"/models/data/{data.dataset_id}/v/1/run/"
    for advanced in (
        *("patience = 2\nema = 0.9", "patience =", "label_precision = 0.9", 'loss = "crf"'),
        *('strength = 0.5\nfew_shot = "off"', 'best_by = "accuracy"'),
    ):
        for button in ("start", "estimate"):
            page = client_for(lead).post(form, {button: "1", "advanced": advanced})
            assert "cannot be started" in page.content.decode(), (button, advanced)
    asked = {"dataset": data.dataset_id, "number": 1, "advanced": "label_precision = 0.9"}
    told = client_for(lead).post("/api/v1/models/runs/", asked, content_type="application/json")
    assert told.status_code == 422
    assert "of no meaning for the kind classification" in told.json()["fields"]["advanced"]
    assert not Run.objects.exists()


def test_a_second_click_starts_no_second_run(
    data: DataSetVersion, lead: User, client_for: ClientFor
) -> None:
    client, form = client_for(lead), f"/models/data/{data.dataset_id}/v/1/run/"
    places = [
        client.post(form, {"start": "1", "epochs": epochs}).headers["Location"]
        for epochs in ("2", "2", "3")
    ]
    first, other = (f"/models/runs/{run.pk}/" for run in Run.objects.order_by("pk"))
    assert places == [first, first, other]
    Job.objects.update(status=Job.Status.FAILED)
    runs.run_start(actor=lead, version=data, epochs=2.0)
    assert Run.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_for_twice_at_a_moment_is_queued_once(
    data: DataSetVersion, lead: User, at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.core.jobs._enqueue", lambda job: None)
    first, second = at_once(*[lambda: runs.run_start(actor=lead, version=data)] * 2)
    assert first == second
    told = at_once(*[lambda: report_start(actor=lead, version=data)] * 2)
    assert sorted(type(one).__name__ for one in told) == ["Conflict", "Job"]
    assert Job.objects.count() == 2
