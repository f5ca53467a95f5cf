"""Splits by text: a text and its repeats are never on both sides."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    group: Callable[[Row], str] | None = None,
    labels: Callable[[Row], Iterable[str]] = lambda row: (),
) -> tuple[list[Row], list[Row]]:
    """Split rows into a training and a held-out part.

    ``held_out`` is the share, in (0, 1), of the distinct keys of each stratum (at least one where
    a stratum has four or more) that goes, with all rows of that key, to the second part. Where
    that is less than the share of all keys, or nothing, strata of two or three give one each until
    it is reached. A key that occurs in several strata counts for the first. The order of the rows
    is kept.

    With ``group`` (an author, a thread; empty for a row of none) the rows of a group stay
    together as well, with all that share a text with one of them. Such a bundle counts for the
    stratum of its first row. Of the ``labels`` that a row has none loses its last training row:
    another key goes in place of one that has it.
    """
    if group is not None:
        key = _bundled(rows, key, group)
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is {held_out}; it must lie between 0 and 1")
    strata: dict[str, dict[str, None]] = defaultdict(dict)
    known: set[str] = set()
    for row in rows:
        if (name := key(row)) not in known:
            known.add(name)
            strata[stratum(row)][name] = None
    labels_of: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels_of[key(row)].update(labels(row))
    drawn = _Drawn(labels_of)
    generator = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for name in sorted(strata):
        keys = sorted(strata[name])
        generator.shuffle(keys)
        count = round(len(keys) * held_out)
        drawn.add(keys, max(count, 1 if len(keys) >= 4 else 0))
    wanted = max(1, round(len(known) * held_out))
    if len(drawn.keys) < wanted:
        some = [
            generator.choice(sorted(keys))
            for _, keys in sorted(strata.items())
            if 1 < len(keys) < 4 and not drawn.keys & keys.keys()
        ]
        generator.shuffle(some)
        drawn.add(some, wanted - len(drawn.keys))
    chosen = drawn.keys
    training = [row for row in rows if key(row) not in chosen]
    return training, [row for row in rows if key(row) in chosen]


class _Drawn:
    """The keys that are held out, none of which has the last rows of a label in training."""

    def __init__(self, labels_of: Mapping[str, Collection[str]]) -> None:
        self.keys: set[str] = set()
        self._labels_of = labels_of
        self._left = Counter(label for labels in labels_of.values() for label in labels)

    def add(self, keys: Iterable[str], count: int) -> None:
        """Hold out the first ``count`` of these keys that can be."""
        for key in keys:
            labels = self._labels_of[key]
            if count > 0 and all(self._left[label] > 1 for label in labels):
                self.keys.add(key)
                self._left.subtract(labels)
                count -= 1


def _bundled(
    rows: Sequence[Row], key: Callable[[Row], str], group: Callable[[Row], str]
) -> Callable[[Row], str]:
    """The least text key of all rows that hang together by a text or by a group.

    Union-find over keys; the least key names a bundle so that the order of rows does not matter.
    """
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    first_of_group: dict[str, str] = {}
    for row in rows:
        if named := group(row):
            one, other = find(key(row)), find(first_of_group.setdefault(named, key(row)))
            leader[max(one, other)] = min(one, other)
    return lambda row: find(key(row))
