"""Lists tasks and their built versions."""

from __future__ import annotations

from typing import Any

from apps.core.commands import TrefoilCommand
from apps.modelhub import selectors


class Command(TrefoilCommand):
    help = "List tasks, their built versions, the active one and its metrics."

    def run(self, **options: Any) -> list[dict[str, Any]]:
        rows = [version.row() for version in selectors.version_list()]
        self.table(
            ["task", "version", "active", "precision", "MB", "agreement", "metrics"],
            [_cells(row) for row in rows],
        )
        if not rows:
            self.stderr.write("No models are built; run: manage.py build_models")
        return rows


def _cells(row: dict[str, Any]) -> list[str]:
    if row["problem"]:
        return [row["task"], row["version"], "yes" * row["active"], "", "", "", row["problem"]]
    shown = ("accuracy", "macro_f1", "f1", "ece", "oos_auroc")
    metrics = [f"{name} {row['metrics'][name]:.3f}" for name in shown if name in row["metrics"]]
    return [
        row["task"],
        row["version"],
        "yes" * row["active"],
        row["precision"],
        f"{row['size_bytes'] / 1e6:.1f}",
        "" if row["agreement"] is None else f"{row['agreement']:.3f}",
        ", ".join(metrics),
    ]
