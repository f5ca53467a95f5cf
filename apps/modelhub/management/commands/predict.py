"""Predicts for texts from the command line or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.payloads import prediction_payload
from ml.data.readers import read_records
from ml.errors import DataError

_CHUNK = 256


class Command(TrefoilCommand):
    help = "Predict with the active model of a task."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True)
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--text", action="append", metavar="T")
        source.add_argument("--file", type=Path, metavar="F.jsonl")

    def run(self, **options: Any) -> dict[str, Any]:
        texts = options["text"] or _texts(options["file"])
        predictor = gateway.load_version(options["task"])
        found = []
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            for text, prediction in zip(chunk, predictor.predict(chunk), strict=True):
                payload = prediction_payload(prediction)
                found.append({"text": text, **payload})
                self.stdout.write(f"{_summary(payload)}\t{text[:100]}")
        return {"task": options["task"], "predictions": found}


def _texts(path: Path) -> list[str]:
    texts = []
    for row, record in read_records(path, ("text",)):
        if not isinstance(record["text"], str):
            raise DataError(path, row, "'text' is not a text")
        texts.append(record["text"])
    if not texts:
        raise InvalidInput(f"{path} has no rows")
    return texts


def _summary(payload: dict[str, Any]) -> str:
    if "label" in payload:
        scope = "" if payload["in_scope"] else " (out of scope)"
        return f"{payload['label']} {payload['confidence']:.3f}{scope}"
    if "entities" in payload:
        names = [f"{entity['text']} [{entity['label']}]" for entity in payload["entities"]]
        return ", ".join(names) or "no entities"
    return f"{len(payload['vector'])} dimensions"
