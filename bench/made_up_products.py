"""Writes a made-up shop of a public shape for ``evaluate_recommender``.

    python -m bench.made_up_products FOLDER [--items 12000] [--readers 22000]

``items.csv``: products of 60 departments with eight kinds each, described by six keywords alone:
three of the kind, two of the department, one of any. ``interactions.csv``: purchases and saves of
readers who shop in one to three kinds at a time, move on to another one now and then, and buy by
popularity and by a leaning (to a maker, say) that no keyword tells of; one deed in eight is chance.
Keywords are made-up words, and all of it follows from a seed.
"""

from __future__ import annotations

import argparse
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

DEPARTMENTS, KINDS = 60, 8
_LEANINGS = 6
_CHANCE, _MOVES_ON = 0.125, 0.25
_SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "ke",
    "li",
    "mo",
    "nu",
    "pa",
    "re",
    "si",
    "to",
    "vu",
)
_SINCE = datetime(2024, 1, 1, tzinfo=UTC)


def write(folder: Path, items: int, readers: int, seed: int = 7) -> None:
    """Write both files to ``folder``, which is made if it is not there."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(DEPARTMENTS * KINDS, size=items)
    leanings = rng.integers(_LEANINGS, size=items)
    popular = rng.zipf(1.7, size=items).clip(1, 300).astype(np.float64)
    folder.mkdir(parents=True, exist_ok=True)
    _write_items(folder / "items.csv", kinds, rng)
    _write_deeds(folder / "interactions.csv", kinds, leanings, popular, readers, rng)


def _write_items(path: Path, kinds: Any, rng: np.random.Generator) -> None:
    words = ["".join(rng.choice(_SYLLABLES, 3)) for _ in range(6000)]
    of_kind = rng.integers(len(words), size=(DEPARTMENTS * KINDS, 12))
    of_department = rng.integers(len(words), size=(DEPARTMENTS, 15))
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["item_id", "title", "text", "tags"])
        for number, kind in enumerate(kinds.tolist()):
            chosen = [
                *rng.choice(of_kind[kind], 3, replace=False),
                *rng.choice(of_department[kind // KINDS], 2, replace=False),
                rng.integers(len(words)),
            ]
            keywords = [words[place] for place in chosen]
            rows.writerow([f"p{number}", f"Product {number}", "", "|".join(keywords)])


def _write_deeds(
    path: Path, kinds: Any, leanings: Any, popular: Any, readers: int, rng: np.random.Generator
) -> None:
    places = [np.flatnonzero(kinds == kind) for kind in range(DEPARTMENTS * KINDS)]
    filled = np.array([kind for kind, own in enumerate(places) if len(own)])
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "kind", "value", "timestamp"])
        for reader in range(readers):
            own = rng.choice(filled, int(rng.integers(1, 4)))
            leaning, at = int(rng.integers(_LEANINGS)), float(rng.integers(600))
            for _ in range(2 + int(rng.poisson(6))):
                if rng.random() < _MOVES_ON:
                    own[int(rng.integers(len(own)))] = rng.choice(filled)
                item = _bought(places[int(rng.choice(own))], leanings, popular, leaning, rng)
                at += float(rng.exponential(6.0))
                when = (_SINCE + timedelta(days=at)).isoformat(timespec="seconds")
                rows.writerow(
                    [f"r{reader}", f"p{item}", rng.choice(["save", "purchase"]), "", when]
                )


def _bought(own: Any, leanings: Any, popular: Any, leaning: int, rng: np.random.Generator) -> int:
    if rng.random() < _CHANCE:
        return int(rng.integers(len(popular)))
    weights = popular[own] * np.where(leanings[own] == leaning, 6.0, 1.0)
    return int(rng.choice(own, p=weights / weights.sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--items", type=int, default=12_000)
    parser.add_argument("--readers", type=int, default=22_000)
    arguments = parser.parse_args()
    write(arguments.folder, arguments.items, arguments.readers)


if __name__ == "__main__":
    main()
