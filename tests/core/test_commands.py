"""What a command says of a file or a number that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core.commands import TrefoilCommand


class Writing(TrefoilCommand):
    """Writes a file, as commands with an ``--output`` do."""

    path: Path

    def run(self, **_: Any) -> None:
        self.path.write_text("")


@pytest.mark.parametrize(
    ("name", "problem"),
    [(".", "Is a directory"), ("missing/file", "no such file"), ("x" * 300, "File name too long")],
)
def test_a_file_that_cannot_be_written_is_told_in_one_line(
    tmp_path: Path, name: str, problem: str
) -> None:
    command = Writing()
    command.path = tmp_path / name
    with pytest.raises(CommandError) as told:
        call_command(command)
    assert str(told.value) == f"{tmp_path / name}: {problem}"


@pytest.mark.parametrize(
    ("argument", "value"),
    [("--rate", "0"), ("--rate", "nan"), ("--rate", "inf"), ("--seconds", "nan")],
)
def test_a_simulation_needs_numbers(argument: str, value: str) -> None:
    with pytest.raises(CommandError, match=f"{argument} = {value} is not .* a finite number"):
        call_command("simulate", f"{argument}={value}", "--url=http://127.0.0.1:9")
