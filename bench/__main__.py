"""Runs every benchmark in a process of its own and writes ``bench/RESULTS.md``."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ml.runtime import available_cores

HERE = Path(__file__).resolve().parent
QUESTIONS = {
    "engine": "Our engine against sentence-transformers, same encoder, one thread each",
    "answer_latency": "Customer's message to bot's answer over a real socket",
    "market_pipeline": "Articles through the whole market pipeline",
    "finetune_speed": "LoRA fine-tuning of short texts, our layers against peft's",
    "near_duplicates": "The story of an article among 100,000 stored ones",
    "recommend_latency": "Recommendations from 10,000 items",
    "discover_load": "Events by the second, and clicks beside 200 open pages",
    "recommend_training": "Learning to recommend from 1,000,000 deeds",
}
_LIMIT_SECONDS = 900
_LIBRARIES = ("torch", "onnxruntime", "sentence-transformers", "Django", "channels", "uvicorn")


def run_one(name: str) -> dict[str, Any]:
    """The benchmark's result; raises ``RuntimeError`` with the end of its errors."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{name}", "--json"],
            cwd=HERE.parent,
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"did not end within {_LIMIT_SECONDS} s") from error
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else "failed")
    sys.stdout.write(done.stdout)
    try:
        result = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        result = None
    if not isinstance(result, dict):
        raise RuntimeError("its last line is not a JSON object")
    return result


def rows(result: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested results as pairs of a dotted name and a number."""
    found = []
    for key, value in result.items():
        if isinstance(value, dict):
            found += rows(value, f"{prefix}{key}.")
        elif isinstance(value, float):
            found.append(
                (f"{prefix}{key}", f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}")
            )
        else:
            found.append((f"{prefix}{key}", str(value)))
    return found


def processor() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def page(results: dict[str, dict[str, Any] | str]) -> str:
    """All results as Markdown."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    parts = [
        "# Results",
        f"Made by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {processor()}, "
        f"{available_cores()} cores, Python {platform.python_version()}, {libraries}. "
        "Two cores are noisy: compare within a table, not between days.",
    ]
    for name, result in results.items():
        parts.append(f"## {QUESTIONS[name]}\n\n`python -m bench.{name}`")
        if isinstance(result, str):
            parts.append(f"Failed: {result}")
        else:
            lines = [f"| {key} | {value} |" for key, value in rows(result)]
            parts.append("\n".join(["| measure | value |", "|---|---|", *lines]))
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(QUESTIONS), action="append")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    options = parser.parse_args(arguments)
    results: dict[str, dict[str, Any] | str] = {}
    for name in options.only or QUESTIONS:
        sys.stdout.write(f"\n== {name}\n")
        try:
            results[name] = run_one(name)
        except RuntimeError as error:
            results[name] = str(error)
            sys.stderr.write(f"{name}: {error}\n")
    options.output.write_text(page(results), encoding="utf-8")
    sys.stdout.write(f"\nwritten to {options.output}\n")
    return int(any(isinstance(result, str) for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
