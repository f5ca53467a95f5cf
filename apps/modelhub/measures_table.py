"""A version's measures as commands print them."""

from __future__ import annotations

from collections.abc import Mapping

_COUNTS = ("n", "n_oos", "texts", "candidates", "pseudo_rows", "trainable_parameters")
_OF_A_TASK = tuple(f"_{name}" for name in _COUNTS)


def measures_table(
    metrics: Mapping[str, float], served: Mapping[str, float]
) -> tuple[list[str], list[list[str]]]:
    """Header and rows: each measure of the weights as trained and, where any is known, of the graph
    that serves them."""
    if not served:
        return ["metric", "value"], [[name, _shown(name, value)] for name, value in metrics.items()]
    rows = [
        [name, _shown(name, value), _shown(name, served[name]) if name in served else ""]
        for name, value in metrics.items()
    ]
    return ["metric", "as trained", "as served"], rows


def _shown(name: str, value: float) -> str:
    """Counts in groups of three, other measures to four digits."""
    counted = name in _COUNTS or name.endswith(_OF_A_TASK)
    return f"{value:,.0f}" if counted and value == int(value) else f"{value:.4f}"
