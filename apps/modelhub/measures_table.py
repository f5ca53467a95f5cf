"""A version's measures as commands print them."""

from __future__ import annotations

from collections.abc import Mapping


def measures_table(
    metrics: Mapping[str, float], served: Mapping[str, float]
) -> tuple[list[str], list[list[str]]]:
    """Header and rows: each measure of the weights as trained and, where any is known, of the graph
    that serves them."""
    if not served:
        return ["metric", "value"], [[name, f"{value:.4f}"] for name, value in metrics.items()]
    rows = [
        [name, f"{value:.4f}", f"{served[name]:.4f}" if name in served else ""]
        for name, value in metrics.items()
    ]
    return ["metric", "as trained", "as served"], rows
