"""What the kept versions of a task say of one text, computed when somebody asks.

Apart from the engine, on one thread and for one person of a process at a time, so that what people
wait for is neither queued behind it nor pushed out of the cache.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from apps.core import gateway
from apps.core.errors import Busy, InvalidInput, NotFound
from apps.core.wording import said
from apps.modelhub import selectors
from apps.modelhub.explaining import EXPLAINED, MAX_CHARACTERS
from apps.modelhub.payloads import prediction_payload, prediction_words
from apps.modelhub.selectors import ModelVersion
from ml.data.row_kinds import NOTHING
from ml.errors import MLError
from ml.types import Classification

MOST = 6
_WAIT_SECONDS = 10.0
_turn = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a version says: in ``words``, with its ``confidence`` if it gives one label, and in
    full; or the ``problem`` with asking it. ``run`` made it, if one of here did."""

    version: str
    active: bool
    created_at: str
    run: int | None
    words: str = ""
    confidence: float | None = None
    differs: bool = False
    prediction: dict[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Opinions:
    """The live version's and the newest others'; ``left_out`` older ones were not asked."""

    rows: list[Opinion]
    left_out: int


def opinions(*, task: str, text: str) -> Opinions:
    """Ask the live version and the newest others, ``MOST`` in all.

    Raises ``InvalidInput`` for a text that is empty or too long or a task without labels,
    ``NotFound`` for an unknown task, ``Busy`` when somebody else is asking for long.
    """
    if not text.strip() or len(text) > MAX_CHARACTERS:
        raise InvalidInput(
            "Ask about a text of at most %(max_characters)s characters.",
            max_characters=f"{MAX_CHARACTERS:,}",
        )
    known = [one for one in selectors.version_list() if one.task == task and one.version]
    if not known:
        raise NotFound("There is no version of %(task)s.", task=task)
    kinds = {one.artifact.kind for one in known if one.artifact}
    if not kinds <= set(EXPLAINED):
        raise InvalidInput("%(task)s gives no labels; versions are not asked.", task=task)
    known.sort(key=_age, reverse=True)
    with one_at_a_time():
        rows = [_ask(one, text) for one in known[:MOST]]
    live = next((row.words for row in rows if row.active and not row.problem), None)
    return Opinions([_beside(row, live) for row in rows], max(0, len(known) - MOST))


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """The turn of whoever loads versions in this process; raises ``Busy`` after a wait."""
    if not _turn.acquire(timeout=_WAIT_SECONDS):
        raise Busy("Other versions are being asked at this moment; please try again.")
    try:
        yield
    finally:
        _turn.release()


def load_apart(task: str, version: str) -> Any:
    """A version on one thread, apart from the engine; raises ``MLError``."""
    return gateway.load_version(task, version, threads=1)


def _age(one: ModelVersion) -> tuple[bool, str, str]:
    return one.active, one.artifact.created_at if one.artifact else "", one.version


def _ask(one: ModelVersion, text: str) -> Opinion:
    run = selectors.run_of_version(task=one.task, version=one.version)
    made = one.artifact.created_at if one.artifact else ""
    values: dict[str, Any] = {
        "version": one.version,
        "active": one.active,
        "created_at": made,
        "run": run.pk if run else None,
    }
    if one.problem:
        return Opinion(**values, problem=one.problem)
    try:
        found = load_apart(one.task, one.version).predict([text])[0]
    except MLError as error:
        return Opinion(**values, problem=said(error.words))
    return Opinion(
        **values,
        words=prediction_words(found),
        confidence=_sure(found) if isinstance(found, Classification) else None,
        prediction=prediction_payload(found),
    )


def _sure(found: Classification) -> float:
    """How sure a version is of its words: of an answer out of scope not of the label within it."""
    if found.in_scope or found.out_of_scope is None:
        return found.confidence
    return found.out_of_scope


def _beside(row: Opinion, live: str | None) -> Opinion:
    if row.problem:
        return row
    differs = not row.active and live is not None and row.words != live
    return replace(row, words=row.words or NOTHING, differs=differs)
