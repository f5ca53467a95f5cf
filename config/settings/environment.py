"""What the process environment says, read once for all settings."""

from __future__ import annotations

from pathlib import Path

from config.env import BASE_DIR, read_environment

__all__ = ["BASE_DIR", "ENVIRONMENT", "VAR_DIR"]

ENVIRONMENT = read_environment()
VAR_DIR: Path = ENVIRONMENT.var_dir
