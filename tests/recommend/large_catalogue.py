"""A catalogue that counts as large, and the graph of its nearest items, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.core.jobs import NoProgress
from apps.recommend import graph, index
from apps.recommend.graph_build import graph_build
from apps.recommend.meaning import query_vector
from apps.recommend.rows import item_row
from apps.recommend.services.catalogue import items_embed, items_upsert
from ml.ranking import texts

ITEMS = 300
WORDS = ("sea", "ship", "ghost", "castle", "rocket", "moon", "garden", "storm", "letter", "clock")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of 300 items, which here counts as large."""
    monkeypatch.setattr(graph, "FROM", 100)
    monkeypatch.setattr(texts, "LARGE", 100)
    rng = np.random.default_rng(5)
    rows = [
        {
            "item_id": f"item-{number}",
            "title": f"Number {number}",
            "text": " ".join(rng.choice(WORDS, 6)),
            "tags": str(rng.choice(WORDS)),
        }
        for number in range(ITEMS)
    ]
    items_upsert(rows=[item_row(row) for row in rows])
    items_embed(progress=NoProgress())


def built() -> graph.Graph:
    """The graph as a server process has it after the worker built it."""
    graph_build(NoProgress())
    graph.graph_refresh()
    found = graph.graph_of(index.snapshot())
    assert found is not None
    return found


def restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process as it is after a start: it has read no graph."""
    monkeypatch.setattr(graph, "_held", None)
    graph.graph_refresh()


def exactly(catalogue: index.Snapshot, vector: Any, count: int) -> list[int]:
    scores = np.where(catalogue.shown, catalogue.matrix @ vector, -np.inf)
    return np.argsort(-scores, kind="stable")[:count].tolist()


def nearest_ids(text: str, count: int = 5) -> list[str]:
    catalogue = index.snapshot()
    vector = query_vector(catalogue, text)
    at, _ = graph.nearest(catalogue, vector, count, catalogue.shown)
    return [catalogue.entries[one].external_id for one in at]
