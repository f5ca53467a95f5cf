"""Threads that wait for each other sleep soon, so that training goes on beside other work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TORCH = "import torch; torch.ones(300, 300) @ torch.ones(300)"


@pytest.mark.parametrize(("given", "told"), [({}, "2000"), ({"GOMP_SPINCOUNT": "77"}, "77")])
def test_threads_of_torch_wait_as_long_as_is_said(
    given: dict[str, str], told: str, tmp_path: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GOMP"}
    environment |= {"OMP_DISPLAY_ENV": "verbose", "TREFOIL_VAR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", TORCH],
        cwd=ROOT,
        env=environment | given,
        capture_output=True,
        text=True,
        check=True,
    )
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("torch does not compute with GNU OpenMP here")
    assert f"GOMP_SPINCOUNT = '{told}'" in done.stderr
