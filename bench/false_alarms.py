"""How many clean texts does the abuse screen flag?

    python -m bench.false_alarms --data FOLDER [--models var/models] [--task toxicity] [--show N]
        [--json]

Reads public sets of customers' questions and financial tweets in the layout of ``docs/data.md``
and counts, of the distinct texts that the screen was not trained on, those with any label. Hardly
any of them is abusive, so the share is that of false alarms; ``--show`` prints the highest scores.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from ml.data.prepare_toxicity import civil_texts
from ml.data.readers import read_classification
from ml.data.splits import drop_repeats, text_key
from ml.runtime import RuntimeSettings
from ml.serving.registry import ModelStore
from ml.types import MultiLabel

SETS = (
    "intents/banking77_train.jsonl",
    "intents/clinc150_train.jsonl",
    "intents/clinc150_oos_train.jsonl",
    "intents/hwu64_train.jsonl",
    "intents/bitext_8k.jsonl",
    "finance/twitter_financial_sentiment_train.jsonl",
    "finance/twitter_financial_topic_train.jsonl",
)
_CHUNK = 512


def flagged(predictor: Any, texts: list[str]) -> Iterable[tuple[str, MultiLabel]]:
    """The texts with any label, with the answer."""
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        for text, answer in zip(chunk, predictor.predict(chunk), strict=True):
            if answer.labels:
                yield text, cast(MultiLabel, answer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--task", default="toxicity")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    predictor = ModelStore(options.models, runtime=RuntimeSettings(1, 1)).load(options.task)
    trained = {text_key(text) for text in civil_texts(options.data)}
    result: dict[str, Any] = {}
    for name in SETS:
        rows = drop_repeats(
            list(read_classification(options.data / name)), key=lambda row: text_key(row.text)
        )
        rows = [row for row in rows if text_key(row.text) not in trained]
        found = list(flagged(predictor, [row.text for row in rows]))
        labels = Counter(label for _, answer in found for label in answer.labels)
        share = len(found) / len(rows)
        result[name] = {"n": len(rows), "flagged": len(found), "share": share, **labels}
        counted = ", ".join(f"{label} {number}" for label, number in labels.most_common())
        print(f"{name}: {len(found)} of {len(rows):,} ({share:.2%}) {counted}")
        found.sort(key=lambda pair: -pair[1].scores[0].score)
        for text, answer in found[: options.show]:
            print(f"  {answer.scores[0].score:.2f} {', '.join(answer.labels)}: {text[:120]}")
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
