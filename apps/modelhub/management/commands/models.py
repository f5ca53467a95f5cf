"""Lists tasks and their built versions."""

from __future__ import annotations

from typing import Any

from apps.core.commands import TrefoilCommand
from apps.modelhub import selectors


class Command(TrefoilCommand):
    help = "List tasks, their built versions, the active one and its metrics."

    def run(self, **options: Any) -> list[dict[str, Any]]:
        versions = selectors.version_list()
        rows = [version.row() for version in versions]
        self.table(
            ["task", "version", "active", "precision", "MB", "agreement", "metrics", "measured"],
            [_cells(version) for version in versions],
        )
        if not rows:
            self.stderr.write("No models are built; run: manage.py build_models")
        return rows


def _cells(version: selectors.ModelVersion) -> list[str]:
    row = version.row()
    named = [version.task, version.version, "yes" * version.active]
    if version.problem:
        return [*named, "", "", "", version.problem, ""]
    return [
        *named,
        f"{row['precision']}, one pass with {row['trunk']}" if row["trunk"] else row["precision"],
        f"{version.size_bytes / 1e6:.1f}",
        "" if row["agreement"] is None else f"{row['agreement']:.3f}",
        ", ".join(f"{name} {value:.3f}" for name, value in version.headline.items()),
        "as served" if version.served else "as trained" if version.headline else "",
    ]
