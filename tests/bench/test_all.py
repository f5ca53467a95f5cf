"""``python -m bench``: what scripts measured, and what keeps one from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import __main__ as everything

FIGURES = {"bench": "good", "size": 7, "load": {"10": {"p50_ms": 1.5, "texts": 2500.0}}}
SCRIPTS = {
    "good": f"print('a table')\nprint({json.dumps(FIGURES)!r})",
    "broken": "raise SystemExit('no models are built')",
    "silent": "",
    "talking": "print('done')",
    "hanging": "import time\ntime.sleep(600)",
}


@pytest.fixture(autouse=True)
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    for name, code in SCRIPTS.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(everything, "HERE", folder)
    monkeypatch.setattr(everything, "QUESTIONS", {name: f"Is it {name}?" for name in SCRIPTS})


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("broken", "no models are built"),
        ("silent", "not a JSON object"),
        ("talking", "not a JSON object"),
        ("missing", "missing"),
    ],
)
def test_a_script_that_fails_says_why(name: str, problem: str) -> None:
    with pytest.raises(RuntimeError, match=problem):
        everything.run_one(name)


def test_a_script_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everything, "_LIMIT_SECONDS", 0.5)
    with pytest.raises(RuntimeError, match="did not end"):
        everything.run_one("hanging")


def test_a_failure_does_not_keep_the_others_from_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "RESULTS.md"
    only = ["--only", "broken", "--only", "good", "--output", str(output)]
    assert everything.main(only) == 1
    text = output.read_text(encoding="utf-8")
    assert "Failed: no models are built" in text
    assert "| size | 7 |" in text
    assert "| load.10.p50_ms | 1.5 |" in text
    assert "| load.10.texts | 2,500 |" in text
    assert "broken: no models are built" in capsys.readouterr().err


def test_all_well_ends_well(tmp_path: Path) -> None:
    output = tmp_path / "RESULTS.md"
    assert everything.main(["--only", "good", "--output", str(output)]) == 0
    assert "cores" in output.read_text(encoding="utf-8")
