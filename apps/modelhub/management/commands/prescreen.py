"""Makes the first stage before a classifier of several labels, and tells what it lets pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub import prescreens
from apps.modelhub.named_columns import add_columns, columns_given
from ml.data.multi_label import MultiLabelText, read_multi_label
from ml.data.readers import read_texts
from ml.evaluation.multi_label_report import multi_label_report
from ml.prescreen import Prescreen
from ml.types import MultiLabel


class Command(TrefoilCommand):
    help = (
        "Fit a linear rule on sentence vectors that tells of which texts a shipped classifier of "
        "several labels would find none, so that it need not read them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True, help="the classifier of several labels")
        parser.add_argument(
            "--encoder", default="support_encoder", help="the task whose vectors it reads"
        )
        parser.add_argument("--train", type=Path, required=True, help="its training file")
        parser.add_argument("--valid", type=Path, required=True, help="its held-out file")
        parser.add_argument(
            "--lost",
            type=float,
            default=0.0,
            help="share of the held-out texts it finds a label in that may be let pass",
        )
        parser.add_argument(
            "--measure", type=Path, action="append", default=[], help="labelled texts (repeatable)"
        )
        parser.add_argument(
            "--texts",
            type=Path,
            action="append",
            default=[],
            help="texts without labels (repeatable)",
        )
        add_columns(parser)
        parser.add_argument("--output", type=Path, help="a JSON file; default: the shipped one")

    def run(self, **options: Any) -> dict[str, Any]:
        task: str = options["task"]
        if not 0 <= options["lost"] < 1:
            raise InvalidInput("--lost must be from 0 to below 1.")
        columns = columns_given(options) or {}
        held_out = list(read_multi_label(options["valid"], columns=columns))
        made = prescreens.prescreen_make(
            task=task,
            encoder=options["encoder"],
            training=list(read_multi_label(options["train"], columns=columns)),
            held_out=held_out,
            lost=options["lost"],
        )
        output: Path = options["output"] or settings.ML_PRESCREENS_DIR / f"{task}.json"
        made.save(output)
        files = {options["valid"]: held_out}
        for file in options["measure"]:
            files[file] = list(read_multi_label(file, columns=columns))
        rows = [_measured(made, file, rows) for file, rows in files.items()]
        for file in options["texts"]:
            texts = read_texts(file, columns)
            rows.append(_row(file, len(texts), prescreens.cleared(made, texts)))
        names = list(rows[0])
        self.table(names, [[_shown(row.get(name)) for name in names] for row in rows])
        self.stdout.write(f"{output}: before {task} {made.version}, {len(made.words)} words")
        return {"task": task, "version": made.version, "output": str(output), "measured": rows}


def _row(file: Path, texts: int, cleared: Sequence[bool]) -> dict[str, Any]:
    return {
        "file": file.name,
        "texts": texts,
        "not read": round(sum(cleared) / max(texts, 1), 4),
    }


def _measured(made: Prescreen, file: Path, rows: Sequence[MultiLabelText]) -> dict[str, Any]:
    """What the classifier makes of labelled rows, by itself and behind the rule."""
    texts = [row.text for row in rows]
    gold = [row.labels for row in rows]
    classifier = gateway.load_version(made.task, made.version)
    alone = [cast(MultiLabel, answer) for answer in prescreens.answers_of(classifier, texts)]
    passed = prescreens.cleared(made, texts)
    behind = [
        replace(answer, labels=()) if one else answer
        for answer, one in zip(alone, passed, strict=True)
    ]
    labels = classifier.info.labels
    return _row(file, len(texts), passed) | {
        "found, not read": sum(
            bool(answer.labels) and one for answer, one in zip(alone, passed, strict=True)
        ),
        "micro F1 alone": round(multi_label_report(alone, gold, labels)["micro_f1"], 4),
        "micro F1 behind": round(multi_label_report(behind, gold, labels)["micro_f1"], 4),
    }


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
