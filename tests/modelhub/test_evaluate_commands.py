from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from apps.core import gateway
from tests.ml.serving.tiny_models import build_model
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db


def test_evaluate_measures_a_classifier(models: Path, versions: list[str], tmp_path: Path) -> None:
    file = written(
        tmp_path / "rows.jsonl",
        {"text": "card lost", "label": "card"},
        {"text": "euro", "label": "rate"},
        {"text": "rate", "label": "card"},
        {"text": "card"},
    )
    report = result("evaluate", "--task", "intent", "--file", file)
    assert (report["task"], report["version"], report["n"]) == ("intent", versions[1], 3)
    assert report["accuracy"] == pytest.approx(2 / 3)
    assert {"macro_f1", "ece", "seconds"} <= set(report)
    assert report["bad_rows"] == 1
    assert "4" in report["problems"][0]
    older = result("evaluate", "--task", "intent", "--file", file, "--version", versions[0])
    assert older["version"] == versions[0]


def test_evaluate_measures_a_tagger(models: Path, tmp_path: Path) -> None:
    conll = ["Acme B-ORG", "in O", "Rome B-LOC", "", "the O", "Bank B-ORG", ""]
    report = result("evaluate", "--task", "ner", "--file", written(tmp_path / "a.conll", *conll))
    assert report["n"] == 2
    assert report["precision"] == 1.0
    assert report["recall"] == pytest.approx(2 / 3)
    assert set(report["per_type"]) == {"LOC", "ORG"}


def test_out_of_scope_rows_alone_leave_nothing_else_to_measure(
    models: Path, versions: list[str], tmp_path: Path
) -> None:
    file = written(tmp_path / "rows.jsonl", {"text": "weather", "label": "oos"})
    looks = ("--slices", "--against", versions[0], "--report", str(tmp_path / "report"))
    report = result("evaluate", "--task", "intent", "--file", file, *looks)
    assert (report["n"], report["n_oos"]) == (1, 1)
    assert not {"accuracy", "ece", "roc_auc", "pr_auc", "aurc", "oos_auroc"} & set(report)
    out, _ = run("evaluate", "--task", "intent", "--file", file, "--against", versions[0])
    assert "auc" not in out


def test_types_that_a_tagger_does_not_have_are_told(models: Path, tmp_path: Path) -> None:
    conll = ["Acme B-ORG", "in O", "Rome B-city", "", "the O", "Old B-event", "Days I-event", ""]
    file = written(tmp_path / "a.conll", *conll)
    report = result(
        "evaluate", "--task", "ner", "--file", file, "--report", str(tmp_path / "report")
    )
    assert report["unknown_labels"] == {"city": 1, "event": 1}
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Types that the model does not have" in page
    assert "event (1)" in page
    out, _ = run("evaluate", "--task", "ner", "--file", file)
    assert "1 city, 1 event" in out


def test_evaluate_measures_a_sentence_encoder(models: Path, tmp_path: Path) -> None:
    same = [
        {"text": "card", "positive": "card card"},
        {"text": "rate", "positive": "rate rate"},
        {"text": "euro", "positive": "euro euro"},
        {"text": "euro"},
    ]
    report = result("evaluate", "--task", "encoder", "--file", written(tmp_path / "a.jsonl", *same))
    assert (report["n"], report["candidates"], report["bad_rows"]) == (3, 3, 1)
    assert set(report["intervals"]) == {"recall@1", "recall@3", "mrr@10"}
    first, second, third = (row["positive"] for row in same[:3])
    turned = [row | {"positive": p} for row, p in zip(same, (second, third, first), strict=False)]
    worse = result(
        "evaluate", "--task", "encoder", "--file", written(tmp_path / "b.jsonl", *turned)
    )
    assert worse["recall@1"] < report["recall@1"] == 1


def test_a_report_of_a_sentence_encoder_shows_what_is_found_instead(
    models: Path, tmp_path: Path
) -> None:
    file = written(
        tmp_path / "a.jsonl",
        {"text": "card <b>", "positive": "euro", "source": "chat"},
        {"text": "rate", "positive": "rate rate", "source": "mail"},
        {"text": "euro", "positive": "card card", "source": "mail"},
    )
    folder = tmp_path / "report"
    report = result("evaluate", "--task", "encoder", "--file", file, "--report", str(folder))
    groups = {row["group"]: row for row in report["slices"]["source"]}
    assert (groups["mail"]["n"], groups["chat"]["recall@1"]) == (2, 0.0)
    assert report["report"] == str(folder / "report.html")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "card &lt;b&gt;" in page
    assert "cosine" in page
    assert "Every text finds" not in page
    missed = json.loads((folder / "report.json").read_text())["curves"]["missed"]
    assert missed[0]["found"]["rank"] >= missed[-1]["found"]["rank"] > 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--task", "encoder"], "no usable row: a label needs two texts"),
        (["--task", "encoder", "--robustness"], "gives vectors"),
        (["--task", "weather"], "weather"),
        (["--task", "intent", "--version", "20200101-00000000"], "20200101-00000000"),
        (["--task", "intent", "--version", "../../etc"], "version"),
    ],
)
def test_evaluate_refuses_what_it_cannot_measure(
    models: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    file = written(tmp_path / "rows.jsonl", {"text": "card", "label": "card"})
    with pytest.raises(CommandError, match=named):
        run("evaluate", *arguments, "--file", file)


@pytest.mark.parametrize("rows", [[], [{"text": "card"}], ["{"]])
def test_evaluate_refuses_a_file_without_a_usable_row(
    models: Path, tmp_path: Path, rows: list[Any]
) -> None:
    with pytest.raises(CommandError, match=r"rows\.jsonl"):
        run("evaluate", "--task", "intent", "--file", written(tmp_path / "rows.jsonl", *rows))


ROWS = [
    {"text": "card lost", "label": "card", "source": "chat"},
    {"text": "euro", "label": "rate", "source": "mail"},
    {"text": "rate is in the bank", "label": "card", "source": "mail"},
]


def test_evaluate_tells_more_without_changing_the_contract(models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    report = result("evaluate", "--task", "intent", "--file", file)
    low, high = report["intervals"]["accuracy"]
    assert low <= report["accuracy"] <= high
    assert {row["label"] for row in report["per_class"]} == {"card", "rate"}
    assert report["most_confused"][0]["gold"] == "card"
    assert report["ece_before_scaling"] == pytest.approx(report["ece"])
    assert not {"slices", "robustness", "fairness", "against", "report"} & set(report)


def test_evaluate_looks_closer_at_a_classifier(
    models: Path, versions: list[str], tmp_path: Path
) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    looks = ("--slices", "--robustness", "--fairness", "--against", versions[0])
    report = result("evaluate", "--task", "intent", "--file", file, *looks)
    by_source = {row["group"]: row["accuracy"] for row in report["slices"]["source"]}
    assert by_source == {"chat": 1.0, "mail": 0.5}
    assert set(report["slices"]) == {"length", "language", "source", "entities"}
    assert {one["name"] for one in report["robustness"]} >= {"typos", "upper_case", "negation"}
    assert {one["name"] for one in report["fairness"]} >= {"gender of the speaker"}
    assert report["against"]["version"] == versions[0]
    assert report["against"]["mcnemar"]["p_value"] == 1.0
    out, _ = run("evaluate", "--task", "intent", "--file", file, *looks)
    assert "by source" in out
    assert f"against {versions[0]}" in out


def test_versions_of_two_kinds_are_not_compared(models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    other = build_model(models, "intent", "multi_label", created_at="2026-01-03T00:00:00+00:00")
    mine = gateway.model_store().versions("intent")[0]
    asked = ("--task", "intent", "--version", mine, "--file", file, "--against", other)
    with pytest.raises(CommandError, match=f"names {other} of the kind multi_label; {mine}"):
        run("evaluate", *asked)


def test_evaluate_looks_closer_at_a_tagger(models: Path, tmp_path: Path) -> None:
    conll = ["Acme B-ORG", "in O", "Rome B-LOC", "", "the O", "Bank B-ORG", ""]
    file = written(tmp_path / "a.conll", *conll)
    report = result("evaluate", "--task", "ner", "--file", file, "--slices", "--robustness")
    assert report["errors"]["correct"] == 2
    assert report["errors"]["missed"] == 1
    assert report["schemes"]["strict"]["recall"] == report["recall"]
    changes = {one["name"]: one for one in report["robustness"]}
    assert changes["lower_case"]["after"] == 0  # the tiny tagger needs capitals


def test_evaluate_writes_a_page_that_needs_nothing_else(models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS, {"text": "<b>card</b>", "label": "<b>card</b>"})
    folder = tmp_path / "new" / "report"
    report = result("evaluate", "--task", "intent", "--file", file, "--report", str(folder))
    assert report["report"] == str(folder / "report.html")
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<b>card</b>" not in page
    assert "&lt;b&gt;card" in page
    assert not re.search(r"<script|<link|(?:src|href)=|url\(|https?:", page)
    numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert numbers["accuracy"] == report["accuracy"]
    assert numbers["slices"]["source"]
    assert sum(map(sum, numbers["curves"]["confusion"]["matrix"])) == 4


def test_evaluate_refuses_a_folder_that_holds_something(models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CommandError, match="kept: is not empty"):
        run("evaluate", "--task", "intent", "--file", file, "--report", str(tmp_path / "kept"))
    with pytest.raises(CommandError, match=r"rows\.jsonl: is no folder"):
        run("evaluate", "--task", "intent", "--file", file, "--report", file)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["notes.txt"]


def test_evaluate_refuses_to_compare_a_version_with_itself(
    models: Path, versions: list[str], tmp_path: Path
) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    with pytest.raises(CommandError, match="evaluated itself"):
        run("evaluate", "--task", "intent", "--file", file, "--against", versions[1])
