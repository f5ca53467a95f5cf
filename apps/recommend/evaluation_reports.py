"""Reads the reports that ``evaluate_recommender`` has written, and shapes them for the page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.core.errors import NotFound

OURS = "trefoil"
LESS_IS_BETTER = frozenset({"gini", "miscalibration"})
_NAME = re.compile(r"^[0-9A-Za-z._-]{1,60}$")


@dataclass(frozen=True, slots=True)
class Report:
    """One report; ``name`` is its file's. ``problem`` says why a file cannot be read."""

    name: str
    at: datetime | None
    body: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with its interval, and where it stands on the column's scale from 0 to 100."""

    value: float
    low: float
    high: float
    left: float
    width: float
    mark: float
    best: bool


def folder() -> Path:
    return Path(settings.VAR_DIR) / "recommend" / "evaluations"


def reports() -> list[Report]:
    """All reports, the newest first; one that cannot be read says so."""
    found = sorted(folder().glob("*.json"), reverse=True) if folder().is_dir() else []
    return [_read(path) for path in found]


def report_get(name: str) -> Report:
    """The report of this name; raises ``NotFound``."""
    path = folder() / f"{name}.json"
    if not _NAME.match(name) or not path.is_file():
        raise NotFound("There is no such report.", code="report_not_found")
    return _read(path)


def _read(path: Path) -> Report:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        at = datetime.fromisoformat(body["at"])
        for key in ("items", "interactions", "readers", "protocol", "k", "rows"):
            body[key]
        for row in body["rows"]:
            if not isinstance(row["name"], str) or not isinstance(row["metrics"], dict):
                raise TypeError("a row")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Report(path.stem, None, {}, f"the file is damaged ({type(error).__name__})")
    return Report(path.stem, at, body)


def comparison(rows: list[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Named rows of figures as a table: its columns, and for each row a cell for each of them."""
    names = [
        name
        for name, held in (rows[0][1] if rows else {}).items()
        if isinstance(held, Mapping) and "value" in held
    ]
    columns = {name: [held.get(name) for _, held in rows] for name in names}
    return {
        "names": names,
        "rows": [
            {
                "name": name,
                "ours": name == OURS,
                "cells": [_cell(columns[column], at, column) for column in names],
            }
            for at, (name, _) in enumerate(rows)
        ],
    }


def _cell(column: list[Any], at: int, name: str) -> Cell | None:
    held = column[at]
    if not held:
        return None
    known = [figure for figure in column if figure]
    top = max(max(figure["high"], figure["value"]) for figure in known) or 1.0
    best = min if name in LESS_IS_BETTER else max
    value, low, high = held["value"], held["low"], held["high"]
    left = max(0.0, 100 * low / top)
    return Cell(
        value=value,
        low=low,
        high=high,
        left=round(left, 2),
        width=round(max(100 * high / top - left, 0.5), 2),
        mark=round(100 * value / top, 2),
        best=value == best(figure["value"] for figure in known),
    )


def tables(report: Report) -> dict[str, Any]:
    """The report's tables: all readers, cold items, cold readers and each slice."""
    rows = report.body.get("rows", [])
    slices = rows[0].get("slices") or [] if rows else []
    return {
        "all": comparison([(row["name"], row["metrics"]) for row in rows]),
        "cold_items": comparison(
            [(r["name"], r["cold_items"]) for r in rows if r.get("cold_items")]
        ),
        "cold_readers": comparison(
            [(row["name"], row["cold_readers"]) for row in rows if row.get("cold_readers")]
        ),
        "slices": [
            {
                "slice": held["slice"],
                "readers": held["readers"],
                **comparison(
                    [
                        (row["name"], row["slices"][at]["metrics"])
                        for row in rows
                        if len(row.get("slices") or []) > at
                    ]
                ),
            }
            for at, held in enumerate(slices)
        ],
    }
