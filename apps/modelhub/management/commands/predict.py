"""Predicts for texts from the command line or a file, also for labels never trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.named_columns import add_columns, columns_given
from apps.modelhub.payloads import prediction_payload
from ml.data.readers import read_texts
from ml.data.targeting import TARGETED_TASK, read_targeted
from ml.entities.personal import masked
from ml.labelling.zero_shot import ZeroShotClassifier, read_descriptions
from ml.types import Embedding

_CHUNK = 256


class Command(TrefoilCommand):
    help = "Predict with the active model of a task."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--task", help="whose model; with --labels, whose vectors; default there: encoder"
        )
        parser.add_argument(
            "--labels",
            metavar="L",
            help="choose among these labels by their descriptions: names split by commas, a JSON "
            "file {label: description} or JSONL or CSV rows label, description",
        )
        parser.add_argument(
            "--mask", action="store_true", help="for pii: show the text with [kind] in its place"
        )
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--text", action="append", metavar="T", help="a text (repeatable)")
        source.add_argument("--file", type=Path, metavar="F.jsonl", help="a file of texts")
        add_columns(parser)

    def run(self, **options: Any) -> dict[str, Any]:
        if not options["task"] and not options["labels"]:
            raise InvalidInput("--task is needed, or --labels to choose among.")
        options["task"] = options["task"] or "encoder"
        asked = _asked(options)
        predictor = _predictor(options)
        if options["mask"] and (options["labels"] or predictor.info.kind != "spans"):
            raise InvalidInput(f"--mask is for pii, not for {options['task']}.")
        found: list[dict[str, Any]] = []
        for start in range(0, len(asked), _CHUNK):
            chunk = asked[start : start + _CHUNK]
            predictions = predictor.predict([text for text, _ in chunk])
            for (_, shown), prediction in zip(chunk, predictions, strict=True):
                payload = prediction_payload(prediction)
                if options["mask"]:
                    shown = {**shown, "masked": masked(shown["text"], prediction.spans)}
                    self.stdout.write(shown["masked"])
                    found.append({**shown, **payload})
                    continue
                found.append({**shown, **payload})
                named = "\t".join([shown["text"][:100], *list(shown.values())[1:]])
                self.stdout.write(f"{_summary(payload)}\t{named}")
        if truncated := sum(one["truncated"] for one in found):
            self.warn(
                f"{truncated} of {len(found)} texts are longer than the model reads; what is said "
                'of them goes by a part (in the JSON, "truncated").'
            )
        return {"task": options["task"], "predictions": found}


def _predictor(options: dict[str, Any]) -> Any:
    """The task's active model or, with ``--labels``, its vectors compared with descriptions."""
    descriptions = read_descriptions(options["labels"]) if options["labels"] else None
    predictor = gateway.load_version(options["task"])
    if descriptions is None:
        return predictor
    if predictor.info.kind != "embedding":
        raise InvalidInput(
            f"--labels needs a sentence encoder; {options['task']} is of kind {predictor.info.kind}"
        )
    version = f"zero-shot-{predictor.info.version}"
    encode = cast(Callable[[Sequence[str]], Sequence[Embedding]], predictor.predict)
    return ZeroShotClassifier(encode, descriptions, version=version)


def _asked(options: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """What the model reads, and what the answer shows of each: the text, and its entity if any."""
    columns = columns_given(options)
    if options["text"] and columns:
        raise InvalidInput("--columns are those of --file.")
    if options["task"] != TARGETED_TASK:
        texts = options["text"] or read_texts(options["file"], columns or {})
        return [(text, {"text": text}) for text in texts]
    if options["text"]:
        raise InvalidInput(
            f"{TARGETED_TASK} needs to know the companies; give --file with rows "
            '{"text": ..., "entities": [names]}'
        )
    asked = [
        (marked, {"text": row.text, "entity": name})
        for row in read_targeted(options["file"], columns=columns or {}, labelled=False)
        for marked, name in zip(row.marked(), row.entities, strict=True)
    ]
    if not asked:
        raise InvalidInput(f"{options['file']} has no rows")
    return asked


def _summary(payload: dict[str, Any]) -> str:
    if "label" in payload:
        scope = "" if payload["in_scope"] else " (out of scope)"
        return f"{payload['label']} {payload['confidence']:.3f}{scope}"
    if "labels" in payload:
        scores = {scored["label"]: scored["score"] for scored in payload["scores"]}
        return ", ".join(f"{name} {scores[name]:.3f}" for name in payload["labels"]) or "none"
    if "spans" in payload:
        spans = [f"{span['value']} [{span['kind']}]" for span in payload["spans"]]
        return ", ".join(spans) or "nothing personal"
    if "entities" in payload:
        names = [f"{entity['text']} [{entity['label']}]" for entity in payload["entities"]]
        return ", ".join(names) or "no entities"
    return f"{len(payload['vector'])} dimensions"
