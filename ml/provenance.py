"""What an encoder folder was made from, so that whatever is tuned on it can tell.

``provenance.json`` stands beside the weights::

    {"encoder": {"name", "sha256"}, "made_by": "pretrain mlm",
     "data": [{"name", "sha256", "rows", "licence"}, ...]}

``data`` are the files that its weights learned from beyond those of the encoder at the beginning of
the chain, whatever the steps. Encoders that were not made here have none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from ml.artifacts import UNKNOWN, DataSource
from ml.encoders import EncoderSource
from ml.errors import ArtifactError

PROVENANCE = "provenance.json"


def learned_from(source: EncoderSource) -> tuple[DataSource, ...]:
    """The data that the encoder's weights know; empty for one that tells nothing of it.

    Raises :class:`ArtifactError` for a declaration that is none.
    """
    path = source.path / PROVENANCE
    if not path.is_file():
        return ()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return tuple(DataSource(**one) for one in told["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            path, f"does not tell what the encoder learned from ({error})"
        ) from error


def write_provenance(
    folder: Path, source: EncoderSource, made_by: str, data: Iterable[DataSource]
) -> None:
    """Say in ``folder`` that its encoder was made of ``source`` with ``data``.

    Of a file that ``source`` learned from the rows are those that it states, unless a run read some
    of it again: a run tells of those files without rows (:func:`with_learned`).
    """
    known = learned_from(source)
    stated = {(one.sha256, one.licence) for one in known}
    own = [one for one in data if one.rows or (one.sha256, one.licence) not in stated]
    told = {
        "encoder": {"name": source.name, "sha256": source.sha256},
        "made_by": made_by,
        "data": [asdict(one) for one in joined(own, known)],
    }
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    (folder / PROVENANCE).write_text(text, encoding="utf-8")


def with_learned(data: Iterable[DataSource], source: EncoderSource) -> tuple[DataSource, ...]:
    """The data of a run, and behind them those that its encoder knows already.

    Of these the run itself reads no row: their ``rows`` are 0.
    """
    return joined(data, (replace(one, rows=0) for one in learned_from(source)))


def joined(own: Iterable[DataSource], others: Iterable[DataSource]) -> tuple[DataSource, ...]:
    """``own``, and behind them what ``others`` say beyond it: other files, and another licence of
    the same file."""
    own = tuple(own)
    files = {one.sha256 for one in own}
    stated = {(one.sha256, one.licence) for one in own}
    more: dict[tuple[str, str], DataSource] = {}
    for other in others:
        told = (other.sha256, other.licence)
        silent = other.sha256 in files and other.licence == UNKNOWN
        if told not in stated and not silent:
            more.setdefault(told, other)
    return (*own, *more.values())
