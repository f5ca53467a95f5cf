"""The command that measures the linker on the sets written for this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from ml.linking.evaluation import parse_marked

SETS = Path(settings.DEMO_DIR) / "linking"


def _run(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[str, dict[str, Any]]:
    call_command("evaluate_linking", json=True, no_tagger=True, **options)
    out = capsys.readouterr().out
    return out, json.loads(out.splitlines()[-1])


def test_a_file_is_measured_and_its_failures_are_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.jsonl"
    rows = ["[Nvidia](NVDA) shares rise", "[Nvidia](MSFT) shares rise", "No company at all"]
    path.write_text("".join(json.dumps({"text": row, "kind": "k"}) + "\n" for row in rows))
    out, told = _run(capsys, file=[path])
    assert (told["task"], told["n"], told["mentions"]) == ("linking", 3, 2)
    assert told["precision"] == told["recall"] == 0.5
    assert [failure["row"] for failure in told["failures"]] == [2, 2]
    assert "expected MSFT, found NVDA" in out
    assert told["files"]["mine"]["failures"] == 2


def test_without_the_tagger_the_written_sets_keep_their_precision(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, told = _run(capsys)
    assert told["precision"] >= 0.95
    assert told["files"].keys() == {"seen", "unseen"}


def test_the_written_sets_are_large_and_repeat_no_text() -> None:
    lines = [line for path in sorted(SETS.glob("*.jsonl")) for line in path.open(encoding="utf-8")]
    texts = [parse_marked(json.loads(line)["text"]) for line in lines]
    assert sum(len(text.companies) for text in texts) >= 300
    assert len({text.text for text in texts}) == len(texts)


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(CommandError, match="between 0 and 1"):
        call_command("evaluate_linking", threshold=threshold)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("evaluate_linking", file=[tmp_path / "nowhere.jsonl"], no_tagger=True)
