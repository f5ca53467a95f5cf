"""The interrupt key ends a command with one line."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from django.core import management

MANAGE = Path(__file__).parents[2] / "manage.py"


def test_a_command_that_is_stopped_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(management, "execute_from_command_line", stop)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(MANAGE), run_name="__main__")
    assert ended.value.code == 130
    assert capsys.readouterr().err == "stopped\n"
