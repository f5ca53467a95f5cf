"""Builds the graph of nearest items (:mod:`apps.recommend.graph`), in a worker.

What the last graph has that is still so is kept: only what is new or changed is added, which takes
seconds where a whole graph takes minutes. What it has that is gone stays in it, passed over, until
that is so much that the graph is begun anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import numpy as np
from django.utils import timezone

from apps.core.jobs import ProgressReporter, job_start
from apps.core.models import Job
from apps.recommend import graph
from apps.recommend.graph import About, about_of, agreeing, graph_path
from apps.recommend.index import Snapshot, snapshot
from apps.recommend.models import Item
from apps.recommend.services.catalogue import stale_items
from ml.errors import ArtifactError
from ml.files import write_whole
from ml.retrieval.dense import VectorIndex
from ml.wording import Wording

BUILD = "recommend.build_graph"
CHANGED = 0.01
"""The share of the items that may have changed since before the graph is brought up to date."""
MOST_GONE = 0.1
"""The share of a graph's vectors that may be gone before it is begun anew."""
PAUSE = timedelta(hours=1)
"""How long nothing is begun after a build that failed or was cancelled."""
_BLOCK = 2000


def graph_due() -> bool:
    """Whether a graph has to be built or brought up to date: enough has changed, and the vectors
    that are still to be made are few."""
    if Item.objects.count() < graph.FROM:
        return False
    catalogue = snapshot()
    about = about_of(graph_path(catalogue.key))
    enough, changed = CHANGED * len(catalogue), len(catalogue)
    if about is not None and about.encoder == catalogue.encoder:
        changed = int((catalogue.changed_at > about.revision).sum())
    return changed > enough and stale_items(catalogue.encoder).count() <= enough


def graph_follow() -> bool:
    """Start the job that builds the graph if that is due; whether it was started."""
    last = _last()
    in_vain = (Job.Status.FAILED, Job.Status.CANCELLED)
    if last and last.status in in_vain and timezone.now() - last.created_at < PAUSE:
        return False
    return graph_due() and graph_start()


def graph_start() -> bool:
    """Start the job that builds the graph, unless one is under way; whether it was started."""
    last = _last()
    if last is not None and not last.is_finished:
        return False
    job_start(kind=BUILD, title="Build the graph of nearest items", owner=None, arguments={})
    return True


def _last() -> Job | None:
    return Job.objects.filter(kind=BUILD).order_by("-created_at").first()


def graph_build(progress: ProgressReporter) -> dict[str, int]:
    """The job: write the graph of the catalogue as it is now; how many vectors were kept of the
    last one and how many added. A catalogue that has become small has none."""
    catalogue = snapshot()
    path = graph_path(catalogue.key)
    if len(catalogue) < graph.FROM:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
        return {"kept": 0, "added": 0}
    progress.update(0, 1, Wording("reading the last graph"))
    index = _kept(path, catalogue)
    kept, at = len(index), np.flatnonzero(catalogue.shown & catalogue.matrix.any(axis=1))
    names = [str(catalogue.entries[position].pk) for position in at]
    new = np.array([name not in index for name in names], dtype=bool)
    names = [name for name, is_new in zip(names, new, strict=True) if is_new]
    at = at[new]
    for start in range(0, len(at), _BLOCK):
        progress.update(start, len(at), Wording("placing vectors"))
        block = slice(start, start + _BLOCK)
        index.put(names[block], catalogue.matrix[at[block]])
    index.save(path)
    size = path.stat().st_size
    about = About(catalogue.revision, catalogue.encoder, len(index), size)
    write_whole(path.with_suffix(".json"), json.dumps(asdict(about)))
    progress.update(1, 1, Wording("done"))
    return {"kept": kept, "added": len(at)}


def _kept(path: Path, catalogue: Snapshot) -> VectorIndex:
    """What of the last graph is still so; an empty one where that is too little."""
    empty = VectorIndex(catalogue.matrix.shape[1], exact_below=0)
    about = about_of(path)
    if about is None or about.encoder != catalogue.encoder:
        return empty
    try:
        index = VectorIndex.load(path, exact_below=0)
    except ArtifactError:
        return empty
    if index.dimensions != catalogue.matrix.shape[1]:
        return empty
    shown = np.flatnonzero(catalogue.shown)
    good = shown[agreeing(index, catalogue, shown)]
    names = {str(catalogue.entries[at].pk) for at in good}
    gone = [name for name in index.names if name not in names]
    if index.dead + len(gone) > MOST_GONE * len(index):
        return empty
    index.remove(gone)
    return index
