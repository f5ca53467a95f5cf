"""Command line of the language layer for those who use it without Django."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ml.data.prepare import PREPARATIONS, prepare
from ml.errors import MLError


def main(arguments: list[str] | None = None) -> int:
    """Run a sub-command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ml.cli", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preparation = commands.add_parser("prepare", help="make a shipped task's training files")
    preparation.add_argument("task", choices=sorted(PREPARATIONS))
    preparation.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    preparation.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        counts = prepare(options.task, options.data, options.output)
    except (MLError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
