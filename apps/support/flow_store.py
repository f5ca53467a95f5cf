"""The flows of the database, read and parsed once for each text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import structlog

from apps.core.errors import Problem
from apps.support import statements
from apps.support.flows.definition import Flow
from apps.support.flows.reading import read_flow
from apps.support.models import FlowVersion

logger = structlog.get_logger(__name__)

_FIELDS = ("id", "digest", "flow__name", "flow__nonce", "number")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version of a flow, ready to be played."""

    flow: Flow
    version: int
    number: int
    nonce: str


def published() -> dict[str, Loaded]:
    """The flows that begin now, by name; one whose text is of no use any more is left out."""
    found = (_loaded(*row) for row in statements.flows_published())
    return {loaded.flow.name: loaded for loaded in found if loaded is not None}


def version(version_id: int) -> Loaded | None:
    """One version, whatever its state: conversations end in the version that they began in."""
    row = FlowVersion.objects.filter(id=version_id).values_list(*_FIELDS).first()
    return _loaded(*row) if row else None


def _loaded(version_id: int, digest: str, name: str, nonce: str, number: int) -> Loaded | None:
    try:
        return Loaded(_parsed(digest, version_id), version_id, number, nonce)
    except Problem as problem:
        logger.error("flow is of no use", flow=name, version=number, reason=problem.message)
        return None


@lru_cache(maxsize=256)
def _parsed(digest: str, version_id: int) -> Flow:
    """Keyed by the digest: an id alone may stand for another text in another database."""
    row = FlowVersion.objects.values_list("source", "flow__name").get(id=version_id)
    return read_flow(row[0], file=row[1])
