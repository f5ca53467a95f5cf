"""What corrections say of two texts, as pairs that a sentence encoder learns from.

An example names what was judged; only the app that it came from knows the texts as they are now.
An app registers, for an encoder's task, what makes pairs of its settled examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ml.data.pairs import PairRow
from ml.data.splits import text_key


@dataclass(frozen=True, slots=True)
class Judged:
    """Two texts of which a person said whether they belong together.

    ``group`` is the mark of what they came from (:mod:`apps.modelhub.origins`).
    """

    text: str
    other: str
    fits: bool
    source: str = ""
    group: str = ""


Judge = Callable[[Sequence[Any]], list[Judged]]
"""Given settled examples of its app and task, oldest first, what they say."""

_judges: dict[tuple[str, str], Judge] = {}


def register_pairs(app: str, task: str, judge: Judge) -> None:
    """Let ``judge`` say what examples of ``app`` teach the encoder ``task``; call from
    ``ready()``."""
    _judges[app, task] = judge


def judged(task: str, examples: Sequence[Any]) -> list[Judged]:
    """What the settled examples of a task say of pairs of texts."""
    found: list[Judged] = []
    for app in dict.fromkeys(example.app for example in examples):
        judge = _judges.get((app, task))
        if judge is not None:
            found += judge([example for example in examples if example.app == app])
    return found


def rows_of(said: Sequence[Judged]) -> list[PairRow]:
    """The pairs to learn from: of each text what fits it, beside what does not.

    Each negative stands beside one of the text's positives, each positive in a row at least. A
    text of which nothing is known to fit gives no row, since there is nothing to tell its
    negatives from.
    """
    by_text: dict[str, list[Judged]] = {}
    for one in said:
        by_text.setdefault(text_key(one.text), []).append(one)
    rows = []
    for of_text in by_text.values():
        fits = {text_key(one.other): one for one in of_text if one.fits}
        not_fits = {text_key(one.other): one for one in of_text if not one.fits}
        against = [one.other for key, one in not_fits.items() if key not in fits]
        known = list(fits.values())
        for index in range(max(len(known), len(against)) if known else 0):
            one = known[index % len(known)]
            negative = against[index % len(against)] if against else None
            rows.append(
                PairRow(one.text, one.other, negative, None, source=one.source, group=one.group)
            )
    return rows


def refused(said: Sequence[Judged]) -> set[tuple[str, str]]:
    """The keys of pairs that people said do not belong together."""
    fits = {(text_key(one.text), text_key(one.other)) for one in said if one.fits}
    return {(text_key(one.text), text_key(one.other)) for one in said if not one.fits} - fits
