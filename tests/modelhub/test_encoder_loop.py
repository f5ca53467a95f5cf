"""From what a lead says fits to an encoder that answers by it: corrections, data set, run, gate,
promotion, vectors made anew, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import Conflict
from apps.core.jobs import NoProgress
from apps.modelhub.models import DataSet, DataSetVersion
from apps.modelhub.selectors.data_reports import report_get
from apps.modelhub.services import datasets, runs
from apps.modelhub.services.data_reports import report_make
from apps.modelhub.services.promotions import version_promote, version_roll_back
from apps.modelhub.services.run_orders import run_split
from apps.recommend import index, page
from apps.recommend.services.catalogue import items_embed, items_upsert
from apps.recommend.services.matches import asked, match_say
from apps.support import knowledge
from ml.data.splits import text_key
from ml.export.build import build_encoder
from ml.runs.__main__ import run as run_order
from ml.serving.engine import LocalEngine
from tests.ml.training.tiny_encoder import ARTICLES, make_encoder, texts
from tests.recommend.factories import item_row

pytestmark = pytest.mark.django_db(transaction=True)
HISTORY = "/models/history/"
ITEMS = {"card": "Acme Bank of Rome", "rate": "the bank in Rome"}
assert ITEMS == ARTICLES


@pytest.fixture
def live(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A tiny encoder that knows nothing, served; its version."""
    settings.VAR_DIR = tmp_path
    settings.ML_MODELS_DIR = tmp_path / "models"
    settings.ML_ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.MODEL_GATE = {"rows": 3, "slice_rows": 1000}
    settings.ML_ENCODER = str(make_encoder(tmp_path / "tiny"))
    version = build_encoder(settings.ML_ENCODER, settings.ML_MODELS_DIR).version
    gateway.model_store().activate("encoder", version)
    previous = gateway.use_engine(LocalEngine(settings.ML_MODELS_DIR))
    monkeypatch.setattr(runs, "follow_run", lambda order, tell, beat: run_order(order))
    index.reset()
    knowledge.forget()  # articles that another test had in memory have no part in this
    items_upsert(rows=[item_row({"item_id": k, "title": v}) for k, v in ITEMS.items()])
    items_embed(progress=NoProgress())
    yield version
    engine = gateway.use_engine(previous)
    assert engine is not None
    engine.close()
    index.reset()


def judged(lead: User) -> None:
    """The lead says of each query which of the two items fits and which does not."""
    for row in texts():
        for item in ITEMS:
            match_say(
                actor=lead,
                against=asked(query=row["text"]),
                item_id=item,
                fits=item == row["label"],
            )


def found_first(queries: list[dict[str, Any]]) -> list[str]:
    """What the vectors find first: no query shares a rare word with just one of the items."""
    catalogue = index.snapshot()
    vectors = [page.query_vector(catalogue, row["text"]) for row in queries]
    best = [int((catalogue.matrix @ vector).argmax()) for vector in vectors]
    return [catalogue.entries[at].external_id for at in best]


def version_of(lead: User) -> DataSetVersion:
    dataset = datasets.dataset_create(actor=lead, name="What fits", task="encoder")
    assert dataset.kind == "embedding"
    return datasets.version_extend(actor=lead, dataset=dataset, base="none")


def asked_about(client: Client, version: str) -> list[dict[str, Any]]:
    """What the API tells of apps that make their vectors anew by a version."""
    answer = client.get(f"/api/v1/models/versions/encoder/{version}/")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["changeovers"]
    return found


def test_what_a_lead_says_becomes_the_encoder_that_answers(lead: User, live: str) -> None:
    held_out = texts(ending="in")
    wanted = [row["label"] for row in held_out]
    before = found_first(held_out)
    judged(lead)
    version = version_of(lead)
    assert version.counts["pairs"] == {
        "texts": 30,
        "pairs": 30,
        "negatives": 30,
        "labelled": 0,
        "kept": 0,
    }
    report_make(NoProgress(), version_id=version.pk)
    report = report_get(version=version, person=lead)
    assert report is not None
    assert sum(report["rows"].values()) == version.rows
    assert (report["repeats"], report["conflicts"], report["judged"]) == (0, 0, None)
    split = run_split(version)
    sides = [{text_key(row.text) for row in rows} for rows in (split.train, split.held_out)]
    assert all(sides)
    assert not sides[0] & sides[1]

    advanced = "bf16 = false\nmax_length = 16\nbatch_size = 8"
    run = runs.run_start(
        actor=lead, version=version, epochs=20, learning_rate=5e-3, advanced=advanced
    )
    run.refresh_from_db()
    assert (run.base, run.state) == ("live", "succeeded")
    candidate, old = run.result["candidate"], run.result["live"]
    assert candidate["recall@1"] > old["recall@1"]
    assert {"recall@3", "mrr@10", "slips_recall@1"} <= set(candidate)
    assert {row["verdict"] for row in run.result["changed"]} <= {"better", "worse", "other"}
    names = {check["name"] for check in run.gate["checks"]}
    assert {"recall@1", "mrr@10", "latency_ms", "size_bytes"} <= names
    assert run.gate["passed"]
    assert run.gate["live"] == live

    version_promote(actor=lead, task="encoder", version=run.version, expected=live)
    assert index.snapshot().encoder == live
    assert found_first(held_out) == before  # until all vectors are there, the old ones answer
    client = Client()
    client.force_login(lead)
    (told,) = asked_about(client, run.version)
    assert (told["app"], told["answering"], told["process"]) == ("discover", live, False)
    assert (told["done"], told["total"]) == (0, len(ITEMS))
    for page_of in (reverse("modelhub:version", args=["encoder", run.version]), HISTORY):
        assert b"items of Discover are being made anew" in client.get(page_of).content
    assert items_embed(progress=NoProgress()) == len(ITEMS)
    assert asked_about(client, run.version) == []
    assert b"being made anew" not in client.get(HISTORY).content
    assert index.snapshot().encoder == run.version
    after = found_first(held_out)
    assert sum(a == b for a, b in zip(after, wanted, strict=True)) >= 24
    assert after != before

    version_roll_back(actor=lead, task="encoder")
    items_embed(progress=NoProgress())
    assert index.snapshot().encoder == live
    assert found_first(held_out) == before


def test_what_does_not_fit_leaves_a_base_of_an_earlier_version(lead: User, live: str) -> None:
    query = asked(query="the card")
    match_say(actor=lead, against=query, item_id="card", fits=True)
    first = version_of(lead)
    assert [(row.text, row.positive) for row in datasets.version_rows(first)] == [
        ("the card", ITEMS["card"])
    ]
    match_say(actor=lead, against=query, item_id="card", fits=False)
    with pytest.raises(Conflict, match="Nobody has corrected"):
        datasets.version_extend(actor=lead, dataset=first.dataset, base="none")
    match_say(actor=lead, against=asked(query="euro"), item_id="rate", fits=True)
    second = datasets.version_extend(actor=lead, dataset=first.dataset)
    assert [row.text for row in datasets.version_rows(second)] == ["euro"]


def test_pairs_are_uploaded_with_their_columns_and_bad_rows_are_told(
    client: Client, lead: User, live: str, tmp_path: Path
) -> None:
    client.force_login(lead)
    dataset = DataSet.objects.create(name="Uploaded", task="encoder", kind="embedding")
    file = tmp_path / "pairs.csv"
    file.write_text(
        "question,answer,wrong\nwhere is it,Track it,Close it\nhello,,\nsame,same,\n=1+1,Sum,\n",
        encoding="utf-8",
    )
    fields = {"text": "question", "positive": "answer", "negative": "wrong"}
    address = f"/api/v1/models/data/{dataset.pk}"
    with file.open("rb") as content:
        found = client.post(f"{address}/preview/", {"file": content, **fields}).json()
    assert (found["rows"], found["bad"]) == (1, 3)
    assert found["mapping"] == fields
    for words in ("row 3", "row 4", "row 5: has a formula"):
        assert any(words in problem for problem in found["problems"]), found["problems"]
    with file.open("rb") as content:
        made = client.post(f"{address}/versions/", {"file": content, "skip_bad": "true", **fields})
    assert made.status_code == 201, made.content
    rows = client.get(f"{address}/versions/1/rows/").content.decode()
    assert rows == '{"negative":"Close it","positive":"Track it","text":"where is it"}\n'
    for name, args in (("dataset", []), ("dataset-version", [1]), ("run-new", [1])):
        assert client.get(reverse(f"modelhub:{name}", args=[dataset.pk, *args])).status_code == 200
    refused = client.post(
        "/api/v1/models/runs/", {"dataset": dataset.pk, "number": 1, "method": "head"}
    )
    assert refused.status_code == 422
    assert "sentence encoder" in refused.json()["detail"]
