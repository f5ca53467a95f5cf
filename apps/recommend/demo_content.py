"""Loads the demo catalogue of books with its simulated readers."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from apps.core.jobs import ProgressReporter
from apps.recommend import index
from apps.recommend.behaviour import behaviour_fit
from apps.recommend.player import READERS, simulated_name
from apps.recommend.services.imports import interactions_import, items_import
from apps.recommend.services.readers import reader_for_external

BOOKS = "books"


def load(progress: ProgressReporter) -> str:
    """Import the books with their vectors and what the simulated readers did; again: no change."""
    folder: Path = settings.DEMO_DIR / BOOKS
    items = items_import(path=folder / "items.csv", skip_bad=False, progress=progress)
    deeds = interactions_import(
        path=folder / "interactions.csv", skip_bad=False, progress=progress, simulated=True
    )
    for number in range(1, READERS + 1):
        reader_for_external(external_id=simulated_name(number), simulated=True)
    index.refresh_popularity()
    behaviour_fit()
    return (
        f"{items.rows} books ({items.added} new, {items.embedded} embedded), "
        f"{deeds.rows} deeds of simulated readers ({deeds.added} new)"
    )
