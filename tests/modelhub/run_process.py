"""What stands in for the process of a run, and a version of a data set for it to train on."""

from __future__ import annotations

import json
from typing import Any

from apps.modelhub.files import rows_store
from apps.modelhub.models import DataSet, DataSetVersion
from ml.data.readers import LabelledText, read_classification
from ml.runs.answers import ANSWERS, LIVE_ANSWERS, Answer, answers_write
from ml.runs.order import RunOrder


def stored(rows: list[LabelledText]) -> DataSetVersion:
    dataset = DataSet.objects.create(name=f"set {DataSet.objects.count()}", task="intent")
    return DataSetVersion.objects.create(
        dataset=dataset, number=1, sha256=rows_store(rows), rows=len(rows), counts={"labels": {}}
    )


def numbers(version: str, accuracy: float) -> dict[str, Any]:
    return {
        "version": version,
        "n": 40,
        "accuracy": accuracy,
        "macro_f1": accuracy,
        "in_scope_accuracy_at_threshold": accuracy,
        "ece": 0.02,
        "intervals": {"accuracy": [0.8, 1.0]},
        "per_label": {"card": {"rows": 20, "recall": accuracy}},
        "latency_ms": 3.0,
        "size_bytes": 1000,
    }


def measured(accuracy: float = 0.95) -> dict[str, Any]:
    return {
        "version": "20260301-new",
        "candidate": numbers("20260301-new", accuracy),
        "live": numbers("20260102-live", 0.9),
        "comparison": {
            "accuracy_difference": {"difference": accuracy - 0.9},
            "mcnemar": {"p_value": 0.3},
        },
        "confusion": [{"label": "card", "taken_for": "rate", "live": 2, "candidate": 0}],
        "changed": [
            {
                "text": "<b>lost</b>",
                "label": "card",
                "live": "rate",
                "candidate": "card",
                "verdict": "better",
            }
        ],
        "changes": {"better": 1},
        "seconds": {"training": 20.0, "other": 5.0},
    }


class Followed:
    """Stands for the run's process: tells what ``messages`` are, then returns or raises."""

    def __init__(self) -> None:
        self.orders: list[RunOrder] = []
        self.messages: list[dict[str, Any]] = []
        self.outcome: Any = measured()

    def __call__(self, order: RunOrder, tell: Any, beat: Any) -> dict[str, Any]:
        self.orders.append(order)
        curves = order.run_folder / "curves.jsonl"
        for message in self.messages:
            if "reading" in message:
                with curves.open("a", encoding="utf-8") as file:
                    file.write(f"{json.dumps(message['reading'])}\n")
            tell(message)
            beat()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        answers = [Answer(row.label, 0.9) for row in read_classification(order.held_out_file)]
        for name in (ANSWERS, LIVE_ANSWERS):
            answers_write(order.run_folder / name, answers)
        found: dict[str, Any] = json.loads(json.dumps(self.outcome))
        if found["live"]:
            found["live"]["version"] = order.live
        return found
