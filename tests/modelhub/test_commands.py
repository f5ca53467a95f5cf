from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import AuditEntry
from apps.core import gateway
from ml.artifacts import read_artifact
from tests.ml.serving.tiny_models import build_model
from tests.ml.training.tiny_encoder import make_encoder, texts

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    """What a command writes to its output and to its error output."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def result(*arguments: str) -> Any:
    """The JSON object on the last line of a command."""
    return json.loads(run(*arguments, "--json")[0].splitlines()[-1])


def written(path: Path, *rows: Any) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


# models --------------------------------------------------------------------------------------


def test_models_lists_every_version(versions: list[str]) -> None:
    rows = result("models")
    assert [(row["task"], row["active"]) for row in rows] == [
        ("encoder", True),
        ("intent", False),
        ("intent", True),
        ("ner", True),
    ]
    assert [row["version"] for row in rows if row["task"] == "intent"] == versions
    assert rows[2]["metrics"] == {"accuracy": 1.0}
    assert rows[2]["labels"] == 3
    assert "accuracy 1.000" in run("models")[0]


def test_models_shows_a_broken_version_beside_the_others(models: Path, versions: list[str]) -> None:
    (models / "intent" / versions[0] / "model.onnx").write_bytes(b"cut off")
    problems = {row["version"]: row["problem"] for row in result("models")}
    assert "model.onnx" in problems[versions[0]]
    assert problems[versions[1]] == ""


def test_models_says_what_to_do_when_none_is_built(tmp_path: Path, settings: Any) -> None:
    settings.ML_MODELS_DIR = tmp_path / "none"
    assert result("models") == []
    assert "build_models" in run("models")[1]


# predict -------------------------------------------------------------------------------------


def test_predict_classifies(models: Path) -> None:
    found = result("predict", "--task", "intent", "--text", "card lost", "--text", "euro rate")
    assert [one["label"] for one in found["predictions"]] == ["card", "rate"]
    assert found["predictions"][0]["text"] == "card lost"


def test_predict_finds_entities_and_vectors(models: Path) -> None:
    (tagged,) = result("predict", "--task", "ner", "--text", "Acme in Rome")["predictions"]
    assert [(one["text"], one["label"]) for one in tagged["entities"]] == [
        ("Acme", "ORG"),
        ("Rome", "LOC"),
    ]
    (embedded,) = result("predict", "--task", "encoder", "--text", "card")["predictions"]
    assert len(embedded["vector"]) == 8


def test_predict_reads_a_file(models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "texts.jsonl", {"text": "card"}, {"text": "euro"})
    out, _ = run("predict", "--task", "intent", "--file", file)
    assert [line.split()[0] for line in out.splitlines()] == ["card", "rate"]


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([{"text": "card"}, {"text": 7}], "2"),
        ([{"text": "card"}, "{"], "2"),
        ([{"words": "card"}], "text"),
        ([], "no rows"),
    ],
)
def test_predict_names_the_file_and_the_row(
    models: Path, tmp_path: Path, rows: list[Any], named: str
) -> None:
    file = written(tmp_path / "texts.jsonl", *rows)
    with pytest.raises(CommandError) as error:
        run("predict", "--task", "intent", "--file", file)
    assert "texts.jsonl" in str(error.value)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("task", ["weather", "../secrets"])
def test_predict_names_an_unknown_task(models: Path, task: str) -> None:
    with pytest.raises(CommandError, match=task):
        run("predict", "--task", task, "--text", "card")


def test_predict_chooses_among_described_labels(models: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"lost": "card lost", "money": "euro rate"}), encoding="utf-8")
    found = result("predict", "--labels", str(labels), "--text", "euro rate", "--text", "card lost")
    assert [one["label"] for one in found["predictions"]] == ["money", "lost"]
    assert not found["predictions"][0]["confident"]
    assert found["predictions"][0]["version"].startswith("zero-shot-")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--labels", "card"], "two labels"),
        (["--labels", "card,rate", "--task", "intent"], "sentence encoder"),
        ([], "--task"),
    ],
)
def test_predict_names_labels_that_cannot_be(
    models: Path, arguments: list[str], named: str
) -> None:
    with pytest.raises(CommandError, match=named):
        run("predict", *arguments, "--text", "card")


# suggest_texts -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["margin", "mixed"])
def test_suggest_texts_asks_for_new_texts_once(models: Path, tmp_path: Path, strategy: str) -> None:
    rows = [
        {"text": text} for text in ("card lost", "card rate", "Card  lost", "euro rate", "rome")
    ]
    new = written(tmp_path / "new.jsonl", *rows)
    known = written(tmp_path / "known.jsonl", {"text": "euro rate", "label": "rate"})
    found = result(
        *("suggest_texts", "--task", "intent", "--file", new, "--labelled", known),
        *("--strategy", strategy, "--count", "9"),
    )
    assert sorted(one["text"] for one in found["texts"]) == ["card lost", "card rate", "rome"]
    if strategy == "margin":
        assert [one["doubt"] for one in found["texts"]] == sorted(
            (one["doubt"] for one in found["texts"]), reverse=True
        )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--task", "encoder"], "classification"),
        (["--task", "intent", "--encoder", "ner"], "embedding"),
        (["--task", "intent", "--count", "0"], "--count"),
    ],
)
def test_suggest_texts_names_what_is_wrong(
    models: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    file = written(tmp_path / "new.jsonl", {"text": "card"})
    with pytest.raises(CommandError, match=named):
        run("suggest_texts", "--file", file, *arguments)


def test_predict_needs_a_text_or_a_file(models: Path) -> None:
    with pytest.raises(CommandError, match="--text"):
        run("predict", "--task", "intent")
    with pytest.raises(CommandError, match=r"missing\.jsonl"):
        run("predict", "--task", "intent", "--file", "missing.jsonl")


# evaluate ------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--task", "encoder"], "evaluate_retrieval"),
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
    with pytest.raises(CommandError, match=r"rows\.jsonl: is a file"):
        run("evaluate", "--task", "intent", "--file", file, "--report", file)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["notes.txt"]


def test_evaluate_refuses_to_compare_a_version_with_itself(
    models: Path, versions: list[str], tmp_path: Path
) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    with pytest.raises(CommandError, match="evaluated itself"):
        run("evaluate", "--task", "intent", "--file", file, "--against", versions[1])


# promote -------------------------------------------------------------------------------------


def test_promote_serves_another_version_and_records_it(versions: list[str]) -> None:
    assert gateway.classify("intent", ["card"])[0].version == versions[1]
    answer = result("promote", "--task", "intent", "--version", versions[0])
    assert answer == {"task": "intent", "version": versions[0], "previous": versions[1]}
    assert gateway.classify("intent", ["card"])[0].version == versions[0]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == ("model.promoted", "intent")
    assert entry.details == {"from": versions[1], "to": versions[0]}


def test_promote_refuses_an_unknown_or_broken_version(models: Path, versions: list[str]) -> None:
    with pytest.raises(CommandError, match="20200101-00000000"):
        run("promote", "--task", "intent", "--version", "20200101-00000000")
    (models / "intent" / versions[0] / "model.onnx").write_bytes(b"cut off")
    with pytest.raises(CommandError, match=r"model\.onnx"):
        run("promote", "--task", "intent", "--version", versions[0])
    assert gateway.model_store().active_version("intent") == versions[1]
    assert not AuditEntry.objects.exists()


# build_models, finetune ----------------------------------------------------------------------


def test_build_models_names_an_unknown_model(models: Path) -> None:
    with pytest.raises(CommandError, match="weather"):
        run("build_models", "--task", "weather")


def test_build_models_builds_what_it_can_and_names_the_rest(
    models: Path, tmp_path: Path, settings: Any
) -> None:
    settings.ML_PRETRAINED_DIR = tmp_path / "pretrained"
    (settings.ML_PRETRAINED_DIR / "bad").mkdir(parents=True)
    (settings.ML_PRETRAINED_DIR / "bad" / "artifact.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CommandError, match="could not build bad"):
        run("build_models", "--task", "bad")


def finetune(tmp_path: Path, *more: str, kind: str = "classification", name: str = "mine") -> None:
    train = str(tmp_path / "train.jsonl")
    run("finetune", "--kind", kind, "--name", name, "--train", train, *more)


def test_finetune_names_the_file_and_the_row(models: Path, tmp_path: Path) -> None:
    written(tmp_path / "train.jsonl", {"text": "a", "label": "x"}, {"text": "b"})
    with pytest.raises(CommandError, match=r"train\.jsonl.*2"):
        finetune(tmp_path)
    assert not (tmp_path / "artifacts" / "mine").exists()


def test_finetune_refuses_a_file_that_is_not_there(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"train\.jsonl"):
        finetune(tmp_path)


def test_finetune_refuses_rows_of_one_label(models: Path, tmp_path: Path) -> None:
    rows = [{"text": f"text {number}", "label": "same"} for number in range(20)]
    written(tmp_path / "train.jsonl", *rows)
    with pytest.raises(CommandError, match="one class 'same'"):
        finetune(tmp_path)


@pytest.mark.parametrize("name", ["../up", "a b", "", "x" * 61])
def test_finetune_refuses_a_name_that_is_no_name(models: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match="--name"):
        finetune(tmp_path, name=name)


def test_finetune_names_an_unknown_setting(models: Path, tmp_path: Path) -> None:
    written(tmp_path / "train.jsonl", {"text": "a", "label": "x"}, {"text": "b", "label": "y"})
    (tmp_path / "recipe.toml").write_text("learning_speed = 3\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"recipe\.toml.*learning_speed"):
        finetune(tmp_path, "--config", str(tmp_path / "recipe.toml"))


def test_finetune_takes_any_method_with_its_own_settings(
    models: Path, tmp_path: Path, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    written(tmp_path / "train.jsonl", *texts())
    recipe = tmp_path / "recipe.toml"
    encoder = make_encoder(tmp_path / "encoder")
    recipe.write_text(
        f'encoder = "{encoder}"\nmax_length = 16\n[adapter]\nsize = 3\n', encoding="utf-8"
    )
    arguments = ("--config", str(recipe), "--method", "adapter", "--epochs", "1")
    finetune(tmp_path, *arguments, "--output", str(tmp_path / "made"))
    declared = read_artifact(tmp_path / "made").method
    assert declared == {"name": "adapter", "size": 3, "layer_norms": True}

    recipe.write_text("[adapter]\nsize = 0\n", encoding="utf-8")
    with pytest.raises(CommandError, match="adapter: size = 0 is not allowed"):
        finetune(tmp_path, *arguments)


# compare -------------------------------------------------------------------------------------


def compared(tmp_path: Path, *more: str) -> Any:
    train, valid = texts(), texts(ending="in")
    arguments = (
        *("compare", "--kind", "classification", "--output", str(tmp_path / "comparison")),
        *("--train", written(tmp_path / "train.jsonl", *train)),
        *("--valid", written(tmp_path / "valid.jsonl", *valid)),
        *("--epochs", "1"),
    )
    return result(*arguments, *more)


def test_compare_lists_bases_and_methods(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "var"
    encoder = make_encoder(tmp_path / "encoder")
    found = compared(tmp_path, "--encoders", str(encoder), "--methods", "head")
    assert found["metric"] == "accuracy"
    (row,) = found["rows"]
    assert (row["method"], row["seeds"]) == ("head", [13])
    assert 0 <= row["quality"] <= 1
    assert row["peak_memory_mb"] > 0
    with pytest.raises(CommandError, match="is not empty"):
        compared(tmp_path, "--methods", "head")


def test_compare_refuses_what_it_cannot_train(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "var"
    with pytest.raises(CommandError, match="whole numbers"):
        compared(tmp_path, "--seeds", "1,two")
    with pytest.raises(CommandError, match="no encoder 'nowhere'"):
        compared(tmp_path, "--encoders", "nowhere")
    found = compared(tmp_path, "--methods", "magic")
    assert "method = 'magic' is not allowed" in found["rows"][0]["problem"]


# data_report ---------------------------------------------------------------------------------


def test_data_report_writes_a_page(models: Path, tmp_path: Path) -> None:
    rows = [{"text": f"card {n % 7} of {n}", "label": "ab"[n % 2]} for n in range(20)]
    train = written(tmp_path / "train.jsonl", *rows, {"text": "a"})
    found = result("data_report", "--train", train, "--output", str(tmp_path / "out"))
    assert found["files"]["train"]["bad_rows"] == 1
    assert found["label_noise"]["judged"] == 20
    assert Path(found["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(CommandError, match="is not empty"):
        run("data_report", "--train", train, "--output", str(tmp_path / "out"))
    with pytest.raises(CommandError, match=r"gone\.jsonl"):
        run("data_report", "--train", "gone.jsonl", "--output", str(tmp_path / "other"))


# targeted sentiment --------------------------------------------------------------------------

PAIR = {"text": "Aldo beats Brix", "entities": {"Aldo": "card", "Brix": "rate"}}


@pytest.fixture
def targeted(models: Path) -> Path:
    """A tiny model of targeted sentiment beside the others."""
    return build_model(models, "targeted_sentiment", "classification")


def test_evaluate_measures_each_company_of_a_text(targeted: Path, tmp_path: Path) -> None:
    rows = [
        {"text": "card: Aldo", "entities": {"Aldo": "card"}},
        {"text": "euro: Aldo, Brix", "entities": {"Aldo": "rate", "Brix": "rate"}},
        {"text": "Aldo", "entities": {"Brix": "rate"}},
        {"text": "card", "label": "card"},
    ]
    file = written(tmp_path / "rows.jsonl", *rows)
    report = result("evaluate", "--task", "targeted_sentiment", "--file", file)
    assert (report["task"], report["n"], report["accuracy"]) == ("targeted_sentiment", 3, 1.0)
    assert {"version", "macro_f1", "ece", "seconds"} <= set(report)
    assert report["opposite"] == {"n": 0, "accuracy": None}
    assert report["bad_rows"] == 2
    assert "row 3: the entity 'Brix' does not stand in the text" in report["problems"][0]
    assert "row 4" in report["problems"][1]


def test_evaluate_tells_how_opposite_news_fares(targeted: Path, tmp_path: Path) -> None:
    opposite = {"text": "euro: Aldo, Brix", "entities": {"Aldo": "positive", "Brix": "negative"}}
    other = {"text": "euro: Aldo", "entities": {"Aldo": "rate"}}
    file = written(tmp_path / "rows.jsonl", opposite, other)
    report = result("evaluate", "--task", "targeted_sentiment", "--file", file)
    assert report["n"] == 3
    assert report["accuracy"] == pytest.approx(1 / 3)
    assert report["opposite"] == {"n": 2, "accuracy": 0.0}
    assert "opposite accuracy" in run("evaluate", "--task", "targeted_sentiment", "--file", file)[0]


@pytest.mark.parametrize("entities", [["Aldo", "Brix"], PAIR["entities"]])
def test_predict_answers_for_each_company(targeted: Path, tmp_path: Path, entities: Any) -> None:
    row = {"text": "card: Aldo beats Brix", "entities": entities}
    file = written(tmp_path / "rows.jsonl", row)
    found = result("predict", "--task", "targeted_sentiment", "--file", file)["predictions"]
    assert [(one["text"], one["entity"], one["label"]) for one in found] == [
        (row["text"], "Aldo", "card"),
        (row["text"], "Brix", "card"),
    ]


def test_predict_asks_for_the_companies(targeted: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="needs to know the companies"):
        run("predict", "--task", "targeted_sentiment", "--text", "Aldo beats Brix")
    file = written(tmp_path / "rows.jsonl", PAIR, {"text": "Aldo"})
    with pytest.raises(CommandError, match=r"rows\.jsonl, row 2: lacks 'entities'"):
        run("predict", "--task", "targeted_sentiment", "--file", file)
    with pytest.raises(CommandError, match="has no rows"):
        run("predict", "--task", "targeted_sentiment", "--file", written(tmp_path / "no.jsonl"))
