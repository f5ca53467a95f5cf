"""Says which unlabelled texts a person should label next."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.named_columns import add_columns, columns_given
from ml.data.readers import read_texts
from ml.data.splits import text_key
from ml.evaluation.probabilities import probability_matrix
from ml.labelling.queries import STRATEGIES, doubts, queries
from ml.types import Classification, Embedding, FloatArray

_CHUNK = 256


class Command(TrefoilCommand):
    help = "Choose the texts whose labels would teach a classifier most."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True, help="the classifier that is to learn")
        parser.add_argument("--file", type=Path, required=True, help="texts without labels")
        parser.add_argument("--labelled", type=Path, help="texts that have labels already")
        add_columns(parser)
        parser.add_argument(
            "--strategy", choices=STRATEGIES, default="mixed", help="which are asked for"
        )
        parser.add_argument("--encoder", default="encoder", help="whose vectors tell texts apart")
        parser.add_argument("--count", type=int, default=20, help="how many")

    def run(self, **options: Any) -> dict[str, Any]:
        if options["count"] < 1:
            raise InvalidInput("--count must be at least 1.")
        columns = columns_given(options) or {}
        known = read_texts(options["labelled"], columns) if options["labelled"] else []
        texts = _new(read_texts(options["file"], columns), known)
        if not texts:
            raise InvalidInput(f"{options['file']} has no texts that --labelled lacks.")
        answers = self._predict(options["task"], "classification", texts)
        labels = list(gateway.load_version(options["task"]).info.labels)
        chances = probability_matrix(cast(list[Classification], answers), labels)
        vectors = labelled = None
        if options["strategy"] in ("diversity", "mixed"):
            vectors = self._vectors(options["encoder"], texts)
            labelled = self._vectors(options["encoder"], known) if known else None
        order = queries(options["strategy"], chances, vectors, labelled=labelled)
        unsure = doubts(chances, "margin")
        found: list[dict[str, Any]] = [
            {
                "text": texts[row],
                "label": cast(Classification, answers[row]).label,
                "doubt": round(float(unsure[row]), 4),
            }
            for row in islice(order, options["count"])
        ]
        self.table(
            ["doubt", "guess", "text"],
            [[f"{one['doubt']:.3f}", one["label"], str(one["text"])[:100]] for one in found],
        )
        return {"task": options["task"], "strategy": options["strategy"], "texts": found}

    def _vectors(self, task: str, texts: list[str]) -> FloatArray:
        found = self._predict(task, "embedding", texts)
        return np.stack([cast(Embedding, one).vector for one in found])

    def _predict(self, task: str, kind: str, texts: list[str]) -> list[Any]:
        predictor = gateway.load_version(task)
        if predictor.info.kind != kind:
            raise InvalidInput(f"{task} is of kind {predictor.info.kind}, not {kind}.")
        progress = TerminalProgress(f"reading with {task}")
        found: list[Any] = []
        try:
            for start in range(0, len(texts), _CHUNK):
                found += predictor.predict(texts[start : start + _CHUNK])
                progress.update(len(found), len(texts))
        finally:
            progress.close()
        return found


def _new(texts: list[str], known: list[str]) -> list[str]:
    """The distinct texts that are not known, in order."""
    seen = {text_key(text) for text in known}
    found = []
    for text in texts:
        if text.strip() and (key := text_key(text)) not in seen:
            seen.add(key)
            found.append(text)
    return found
