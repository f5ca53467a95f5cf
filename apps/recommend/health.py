"""The state of what recommendations are computed from: the index and the fitted links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext, gettext_lazy

from apps.core.jobs import job_start
from apps.core.models import Job
from apps.modelhub.changeovers import Changeover
from apps.recommend import graph, index
from apps.recommend.behaviour import behaviour_fit, behaviour_path
from apps.recommend.graph_build import graph_start
from apps.recommend.models import Catalogue, ComingVector, Item
from apps.recommend.services.catalogue import (
    CATALOGUE,
    ENCODER,
    ProgressReporter,
    encoder_version,
    items_embed,
    stale_items,
)
from apps.recommend.services.changeover import answering_encoder, waiting_items
from ml.errors import ArtifactError
from ml.ranking.behaviour import Behaviour
from ml.ranking.texts import LARGE
from ml.wording import Wording

REBUILD = "recommend.rebuild_index"


@dataclass(frozen=True, slots=True)
class LinksHealth:
    """The file of links between items: ``state`` is none, ready, outdated or damaged."""

    state: str
    items: int = 0
    megabytes: float = 0.0
    fitted_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class GraphHealth:
    """The graph of nearest items: ``state`` is small (too few items for one), none, ready,
    outdated (not of use, so that search is exact) or refused, for the ``problem``.

    ``vectors`` it holds, of which ``tombstones`` are passed over; ``beside`` are searched exactly.
    """

    state: str
    vectors: int = 0
    tombstones: int = 0
    beside: int = 0
    megabytes: float = 0.0
    built_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class IndexHealth:
    """The catalogue in this process's memory, against what the table holds."""

    items: int
    shown: int
    tombstones: int
    without_vector: int
    stale: int
    same_text: int
    dimensions: int
    megabytes: float
    encoder: str
    serving_encoder: str
    revision: int
    head: int
    links: LinksHealth
    graph: GraphHealth
    present: int = 0
    """Items that are not deleted."""
    coming: int = 0
    """Items that have a vector of the version that serves, while another one's still answer."""

    @property
    def changing(self) -> bool:
        """Whether the vectors of another version than the one that serves answer."""
        return bool(self.encoder and self.serving_encoder and self.encoder != self.serving_encoder)

    @property
    def shortlists(self) -> bool:
        """Whether a page scores a shortlist of the catalogue rather than every item."""
        return self.items > LARGE


def index_health() -> IndexHealth:
    """Read the snapshot, the table and the file; loads the index if nobody has yet."""
    held = index.snapshot()
    serving = encoder_version()
    version = answering_encoder(CATALOGUE) or serving
    head = Catalogue.objects.filter(name=CATALOGUE).values_list("revision", flat=True).first() or 0
    norms = np.linalg.norm(held.matrix, axis=1) if len(held) else np.zeros(0)
    present = Item.objects.filter(deleted_at=None)
    return IndexHealth(
        items=len(held),
        shown=int(held.shown.sum()),
        tombstones=int((~held.shown).sum()),
        without_vector=int((norms[held.shown] == 0).sum()) if len(held) else 0,
        stale=stale_items(version).count() if version else 0,
        same_text=present.count() - present.values("text_hash").distinct().count(),
        dimensions=held.matrix.shape[1] if len(held) else 0,
        megabytes=round(held.matrix.nbytes / 1e6, 1),
        encoder=held.encoder,
        serving_encoder=serving,
        revision=held.revision,
        head=head,
        links=_links(held),
        graph=_graph(held),
        present=present.count(),
        coming=ComingVector.objects.filter(encoder_version=serving).count(),
    )


def _graph(held: index.Snapshot) -> GraphHealth:
    if len(held) < graph.FROM:
        return GraphHealth("small")
    graph.graph_refresh()
    found, read, problem = graph.graph_of(held), graph.graph_held(), graph.graph_refused(held.key)
    if read is None or read.mark[0] != str(graph.graph_path(held.key)):
        return GraphHealth("refused" if problem else "none", problem=problem)
    return GraphHealth(
        "ready" if found is not None else "outdated",
        vectors=len(read.index),
        tombstones=found.tombstones(held) if found is not None else 0,
        beside=len(read.beside),
        megabytes=round(read.about.size / 1e6, 1),
        built_at=datetime.fromtimestamp(read.mark[1] / 1e9, tz=UTC),
        problem=problem,
    )


def changeover() -> Changeover | None:
    """How far the items are with the vectors of the encoder that is live; ``None`` if they have
    them, or are none."""
    answering, serving = answering_encoder(CATALOGUE), encoder_version()
    if not answering or serving in ("", answering):
        return None
    total = Item.objects.filter(deleted_at=None).count()
    return Changeover(
        app="discover",
        task=ENCODER,
        answering=answering,
        coming=serving,
        done=total - waiting_items(serving).count(),
        total=total,
        what=gettext_lazy("items of Discover"),
    )


def _links(held: index.Snapshot) -> LinksHealth:
    path = behaviour_path(held)
    try:
        stat = path.stat()
    except FileNotFoundError:
        return LinksHealth("none")
    about = {
        "megabytes": round(stat.st_size / 1e6, 1),
        "fitted_at": datetime.fromtimestamp(stat.st_mtime, tz=UTC),
    }
    try:
        size = len(Behaviour.load(path))
    except ArtifactError as error:
        return LinksHealth("damaged", problem=str(error), **about)  # type: ignore[arg-type]
    state = "ready" if size == len(held) else "outdated"
    return LinksHealth(state, items=size, **about)  # type: ignore[arg-type]


def rebuild_start(*, actor: Any) -> Job:
    """Start the job that makes everything anew; this process reads the catalogue anew at once."""
    index.reset()
    return job_start(kind=REBUILD, title=gettext("Rebuild the index"), owner=actor, arguments={})


def index_rebuild(progress: ProgressReporter) -> dict[str, object]:
    """The job that makes everything anew: vectors that are stale, the index, the links."""
    embedded = items_embed(progress=progress)
    progress.update(1, 3, Wording("reading the catalogue"))
    index.reset()
    items = len(index.snapshot())
    progress.update(2, 3, Wording("fitting the links between items"))
    fitted = behaviour_fit()
    # A graph takes minutes: it has a job of its own, in the queue of such.
    started = items >= graph.FROM and graph_start()
    progress.update(3, 3, Wording("done"))
    return {"embedded": embedded, "items": items, "links": fitted, "graph": started}
