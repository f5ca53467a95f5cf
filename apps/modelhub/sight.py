"""Which texts of examples, data sets and runs a person may read.

What a person may not see trains models all the same; they read no text of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from apps.core.errors import Conflict
from apps.modelhub.models import DataSetVersion, LabelledExample, Run
from apps.modelhub.origins import hidden_marks, is_registered, mark_of
from apps.modelhub.services.datasets import frozen_rows, version_rows
from ml.data.row_kinds import Row, text_of
from ml.data.splits import text_key

_CHUNK = 500


def hidden_examples(person: Any, examples: Iterable[LabelledExample]) -> set[int]:
    """The keys of those examples whose texts the person may not read."""
    marks = {example.pk: mark_of(example.app, example.provenance) for example in examples}
    hidden = hidden_marks(person, marks.values())
    return {key for key, mark in marks.items() if mark in hidden}


def seen_examples(person: Any, examples: Iterable[LabelledExample]) -> Iterator[LabelledExample]:
    """The examples whose texts the person may read."""
    left = iter(examples)
    while chunk := list(islice(left, _CHUNK)):
        hidden = hidden_examples(person, chunk)
        yield from (example for example in chunk if example.pk not in hidden)


def seen_rows(person: Any, rows: Sequence[Row]) -> list[Row]:
    """The rows of a data set without those whose texts the person may not read."""
    hidden = hidden_marks(person, (row.group for row in rows))
    unmarked = _hidden_unmarked(person, rows)
    return [
        row
        for row in rows
        if row.group not in hidden and not (unmarked and text_key(text_of(row)) in unmarked)
    ]


def version_seen(person: Any, version: DataSetVersion) -> list[Row]:
    """The rows of a version that the person may read; raises as
    :func:`apps.modelhub.services.datasets.version_rows`."""
    return seen_rows(person, version_rows(version))


class Reader:
    """A person who reads the results of runs; what is hidden of a version is found once."""

    def __init__(self, person: Any) -> None:
        self._person = person
        self._hidden: dict[int, list[str] | None] = {}

    def result(self, run: Run) -> dict[str, Any]:
        """A run's result without the rows, changed or wrong, whose texts the person may not read.

        All are left out when the version's file is gone, since nothing tells then whose they are.
        """
        result: dict[str, Any] = dict(run.result)
        for name in ("changed", "wrong"):
            if not result.get(name):
                continue
            hidden = self.hidden_texts(run.dataset_version)
            result[name] = [
                row
                for row in result[name]
                if hidden is not None and not any(text.startswith(row["text"]) for text in hidden)
            ]
        return result

    def hidden_texts(self, version: DataSetVersion) -> list[str] | None:
        """The texts of a version and of its frozen rows that the person may not read; ``None``
        when the file is gone that says whose they are."""
        if version.pk not in self._hidden:
            self._hidden[version.pk] = self._find(version)
        return self._hidden[version.pk]

    def _find(self, version: DataSetVersion) -> list[str] | None:
        try:
            rows = [*version_rows(version), *frozen_rows(version.dataset)]
        except Conflict:
            return None
        seen = {text_of(row) for row in seen_rows(self._person, rows)}
        return [text_of(row) for row in rows if text_of(row) not in seen]


def _hidden_unmarked(person: Any, rows: Sequence[Row]) -> set[str]:
    """The hidden examples' texts, for rows of versions made before rows named their origin."""
    apps = {row.source for row in rows if is_registered(row.source) and not row.group}
    examples = list(LabelledExample.objects.filter(app__in=apps)) if apps else []
    hidden = hidden_examples(person, examples)
    return {text_key(example.text) for example in examples if example.pk in hidden}
