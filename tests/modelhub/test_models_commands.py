from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from apps.accounts.models import AuditEntry
from apps.core import gateway
from apps.core.jobs import ProgressReporter
from apps.modelhub import gate_checks
from apps.modelhub.gate_checks import Finding
from ml.runs.gate import Check
from tests.modelhub.commands import result, run
from tests.modelhub.test_promotions import run_of

pytestmark = pytest.mark.django_db


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


def test_promote_serves_another_version_and_records_it(versions: list[str]) -> None:
    assert gateway.classify("intent", ["card"])[0].version == versions[1]
    answer = result("promote", "--task", "intent", "--version", versions[0])
    assert answer == {"task": "intent", "version": versions[0], "previous": versions[1]}
    assert gateway.classify("intent", ["card"])[0].version == versions[0]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == ("model.promoted", "intent")
    told = {"reason": "by command", "overrides_gate": True}
    assert entry.details == {"from": versions[1], "to": versions[0], **told}


def test_promote_refuses_an_unknown_or_broken_version(models: Path, versions: list[str]) -> None:
    with pytest.raises(CommandError, match="20200101-00000000"):
        run("promote", "--task", "intent", "--version", "20200101-00000000")
    (models / "intent" / versions[0] / "model.onnx").write_bytes(b"cut off")
    with pytest.raises(CommandError, match=r"model\.onnx"):
        run("promote", "--task", "intent", "--version", versions[0])
    assert gateway.model_store().active_version("intent") == versions[1]
    assert not AuditEntry.objects.exists()


def test_promote_lets_the_apps_judge_first_where_told(
    versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("promote", "--task", "intent", "--version", versions[0], "--gate")

    def find(passed: bool) -> None:
        def check(candidate: str, live: str, progress: ProgressReporter) -> Finding:
            assert (candidate, live) == tuple(versions)
            return Finding([Check("conversations", passed, 7, 9, 9, "a late card")])

        monkeypatch.setitem(gate_checks._checks, "intent", [check])

    find(passed=False)
    with pytest.raises(CommandError, match="does not pass its gate"):
        run(*asked)
    assert gateway.model_store().active_version("intent") == versions[1]
    find(passed=True)
    assert "conversations a late card  7" in run(*asked)[0]
    assert gateway.model_store().active_version("intent") == versions[0]
    with pytest.raises(CommandError, match="live already"):
        run(*asked)


def test_a_version_that_nothing_judged_does_not_pass_a_gate(
    versions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(gate_checks._checks, "intent", [])
    asked = ("promote", "--task", "intent", "--version", versions[0])
    told = f"No run here judged {versions[0]}, and the apps have no check of intent"
    with pytest.raises(CommandError, match=f"{told}; promote it without --gate"):
        run(*asked, "--gate")
    assert gateway.model_store().active_version("intent") == versions[1]
    run(*asked)
    assert gateway.model_store().active_version("intent") == versions[0]


@pytest.mark.parametrize("passed", [True, False])
def test_where_no_version_is_live_the_gate_is_the_verdict_of_the_run(
    models: Path, versions: list[str], monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    def check(candidate: str, live: str, progress: ProgressReporter) -> Finding:
        raise AssertionError("there is nothing to compare with")

    monkeypatch.setitem(gate_checks._checks, "intent", [check])
    (models / "intent" / "active.json").unlink()
    asked = ("promote", "--task", "intent", "--version", versions[0])
    told = f"No version of intent is live to compare {versions[0]} with"
    with pytest.raises(CommandError, match=f"{told}, and no run .* promote it without --gate"):
        run(*asked, "--gate")
    run_of(versions[0], passed=passed)
    if passed:
        out = run(*asked, "--gate")[0]
        assert f"{told}: the verdict of its run counts alone." in out
        assert f"intent: none -> {versions[0]}" in out
    else:
        with pytest.raises(CommandError, match="does not pass its gate"):
            run(*asked, "--gate")
        run(*asked)
    assert gateway.model_store().active_version("intent") == versions[0]
