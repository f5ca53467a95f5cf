"""``docs/python.md``: its program runs, and what its table names is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.ml.training.tiny_encoder import make_encoder, texts, write_rows

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_program_trains_builds_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    write_rows(tmp_path / "train.jsonl", texts())
    (tmp_path / "recipe.toml").write_text(
        f'encoder = "{encoder}"\nepochs = 1\nmax_length = 16\nbf16 = false\n', encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(program, "docs/python.md", "exec"), {})
    trained, *answers = capsys.readouterr().out.splitlines()
    assert "accuracy" in trained
    assert [line.split()[0] in ("card", "rate") for line in answers] == [True, True]


def test_the_functions_are_there() -> None:
    named = re.findall(r"`(ml(?:\.\w+)+)\.(\w+)`", PAGE)
    assert len(named) > 10
    missing = [
        f"{module}.{name}"
        for module, name in named
        if not hasattr(importlib.import_module(module), name)
    ]
    assert missing == []
