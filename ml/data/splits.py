"""Splits by text: a text and its repeats are never on both sides."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from ml.data.text import normalise

Row = TypeVar("Row")


def text_key(text: str) -> str:
    """What makes two texts the same: the normalised text without regard to case."""
    return normalise(text).casefold()


def drop_repeats(rows: Sequence[Row], *, key: Callable[[Row], str]) -> list[Row]:
    """The rows whose key is new, in order, and none whose key is empty."""
    seen: set[str] = {""}
    kept = []
    for row in rows:
        if (name := key(row)) not in seen:
            seen.add(name)
            kept.append(row)
    return kept


def split_by_text(
    rows: Sequence[Row],
    *,
    held_out: float,
    seed: int,
    key: Callable[[Row], str],
    stratum: Callable[[Row], str] = lambda row: "",
) -> tuple[list[Row], list[Row]]:
    """Split rows into a training and a held-out part.

    ``held_out`` is the share, in (0, 1), of the distinct keys of each stratum (at least one where
    a stratum has four or more) that goes, with all rows of that key, to the second part. A key
    that occurs in several strata counts for the first. The order of the rows is kept.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is {held_out}; it must lie between 0 and 1")
    strata: dict[str, dict[str, None]] = defaultdict(dict)
    known: set[str] = set()
    for row in rows:
        if (name := key(row)) not in known:
            known.add(name)
            strata[stratum(row)][name] = None
    chosen: set[str] = set()
    generator = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for name in sorted(strata):
        keys = sorted(strata[name])
        generator.shuffle(keys)
        count = round(len(keys) * held_out)
        chosen.update(keys[: max(count, 1 if len(keys) >= 4 else 0)])
    training = [row for row in rows if key(row) not in chosen]
    return training, [row for row in rows if key(row) in chosen]
