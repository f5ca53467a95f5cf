"""How long does the recommender learn from 1,000,000 deeds, and in how much memory?

    python -m bench.recommend_training [--items 17000] [--readers 10000] [--deeds 1000000] [--json]

Readers of a few subjects each like items of them by popularity; texts are random vectors about
their subjects. Each part is fitted as in service and in ``evaluate_recommender``. Told are seconds
by the clock, seconds of processor time (which a busy machine does not stretch) and the most memory
of the process so far.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ml.ranking.baselines import MAX_FITTED
from ml.ranking.behaviour import RIDGE, TEXT_SHARE, ease_weights, most_read
from ml.ranking.follows import fit_follows
from ml.ranking.interactions import Log
from ml.ranking.lending import fit_lending
from ml.ranking.neighbours import fit_neighbours
from ml.ranking.sequence import item_features
from ml.ranking.tags import TagTable
from ml.ranking.weighing import centred
from ml.training.next_item import train_next_item
from ml.types import FloatArray

SUBJECTS, DIMENSIONS, LINKS = 60, 384, 200


def run(items: int = 17_000, readers: int = 10_000, deeds: int = 1_000_000) -> dict[str, Any]:
    """Fit each part once; returns seconds and megabytes by part."""
    rng = np.random.default_rng(7)
    subjects = rng.integers(SUBJECTS, size=items)
    vectors = centred(
        (
            rng.normal(size=(SUBJECTS, DIMENSIONS))[subjects] + rng.normal(size=(items, DIMENSIONS))
        ).astype(np.float32)
    )
    tags = TagTable([(f"s{subject}", f"t{rng.integers(900)}") for subject in subjects])
    log = _log(subjects, readers, deeds, rng)
    counts = np.bincount(log.items, minlength=items).astype(np.float32)
    fitted = most_read(log, items, MAX_FITTED)
    parts: dict[str, Callable[[], Any]] = {
        "likes (EASE)": lambda: ease_weights(
            log, vectors, fitted, ridge=RIDGE, text_share=TEXT_SHARE
        ),
        "follows": lambda: fit_follows(log, items, links=LINKS),
        "near": lambda: fit_neighbours(log, items),
        "lending": lambda: fit_lending(vectors, tags, counts),
        "next (attention)": lambda: train_next_item(log, item_features(vectors, tags)),
    }
    found = {name: _timed(fit) for name, fit in parts.items()}
    return {
        "bench": "recommend_training",
        **{"items": items, "readers": readers, "deeds": len(log)},
        "parts": found,
        "seconds": round(sum(part["seconds"] for part in found.values()), 1),
        "processor_seconds": round(sum(part["processor_seconds"] for part in found.values()), 1),
    }


def _log(subjects: Any, readers: int, deeds: int, rng: np.random.Generator) -> Log:
    popular: FloatArray = rng.zipf(1.6, size=len(subjects)).clip(1, 500).astype(np.float32)
    places = [np.flatnonzero(subjects == subject) for subject in range(SUBJECTS)]
    each = deeds // readers
    users = np.repeat(np.arange(readers), each)
    items = np.concatenate(
        [
            _liked(places[subject], popular, each, rng)
            for subject in rng.integers(SUBJECTS, size=readers)
        ]
    )
    order = rng.permutation(len(users))
    number = len(users)
    return Log(
        users[order],
        items[order],
        np.ones(number, np.float32),
        np.ones(number, bool),
        np.arange(number, dtype=np.float64),
    )


def _liked(own: Any, popular: FloatArray, number: int, rng: np.random.Generator) -> Any:
    """Three quarters from the reader's subject, the others from anywhere."""
    near = rng.choice(own, number, p=popular[own] / popular[own].sum())
    far = rng.integers(len(popular), size=number)
    return np.where(rng.random(number) < 0.75, near, far)


def _timed(fit: Callable[[], Any]) -> dict[str, float]:
    clock, processor = time.perf_counter(), time.process_time()
    fit()
    return {
        "seconds": round(time.perf_counter() - clock, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "most_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=17_000)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--deeds", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    result = run(arguments.items, arguments.readers, arguments.deeds)
    print(f"{result['items']} items, {result['readers']} readers, {result['deeds']} deeds")
    print(f"{'':20}{'s':>9}{'processor s':>13}{'MB so far':>11}")
    for name, part in result["parts"].items():
        numbers = f"{part['seconds']:9.1f}{part['processor_seconds']:13.1f}{part['most_mb']:11.0f}"
        print(f"{name:20}{numbers}")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
