"""A candidate beside the live version on parts of the rows, each judged on its own."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.data.pairs import PairRow
from ml.data.readers import LabelledText, TaggedSentence
from ml.data.row_kinds import Row, names_of, text_of
from ml.evaluation.bootstrap import accuracy_statistic
from ml.evaluation.paired import mcnemar_exact, paired_bootstrap
from ml.evaluation.slices import (
    Groups,
    density_groups,
    language_groups,
    length_groups,
    slice_table,
)
from ml.runs.answers import Answer, is_right
from ml.runs.comparing import Measured, interval_of, measures_of
from ml.runs.gate import Check, Limits

UNCLEAR = "unclear"
_SAMPLES = 400  # draws of each bootstrap; there are many slices
_FEW_LISTED = 12  # groups of a slice that are told and not judged


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows with what the live version and the candidate answered on each."""

    rows: Sequence[Row]
    live: Sequence[Answer]
    candidate: Sequence[Answer]


def groups_of(
    rows: Sequence[Row], entities: Sequence[int] | None = None, *, least: int = 1
) -> Groups:
    """The length, source, language and number of entities of each row, by the slice's name.

    ``entities`` are counted by a tagger; tagged rows tell theirs. Of languages those that at least
    ``least`` rows seem to be in are taken as known: headlines full of names are taken for others
    now and then. Left out is what is the same of all rows or not known; the group "" is of rows
    that belong to none.
    """
    texts = [text_of(row) for row in rows]
    languages = language_groups(texts)
    seen = Counter(languages)
    languages = ["" if one == UNCLEAR or seen[one] < least else one for one in languages]
    found = {
        "length": length_groups(texts),
        "source": [row.source for row in rows],
        "language": languages,
    }
    if rows and isinstance(rows[0], TaggedSentence):
        entities = [len(names_of(row)) for row in rows]
    if entities is not None:
        found["entities"] = density_groups(entities)
    return {name: of_rows for name, of_rows in found.items() if len(set(of_rows) - {""}) > 1}


def judge_slices(
    answered: Answered, groups: Groups, limits: Limits
) -> tuple[list[Check], list[dict[str, Any]]]:
    """The conditions on slices, and all slices with their numbers, ready for JSON.

    A slice of at least ``slice_rows`` rows fails when the candidate is worse there by more than
    ``slice_margin`` and that is no luck: the live version alone is right on more rows than the
    candidate alone, by McNemar's test at ``slice_level`` over all slices that are judged (Holm
    1979). Number and test are of the same rows and of what is answered in the end: rows out of
    scope are right where they are refused, and refused rows in scope are wrong. Of smaller
    ones the first twelve of each name are told and not judged. All that hold are one check.
    """
    tables = slice_table(groups, lambda members: _numbers(answered, members))
    found = [
        {"slice": name, **row}
        for name, table in tables.items()
        for row in _told([one for one in table if one["group"]], limits)
    ]
    judged = [one for one in found if one["n"] >= limits.slice_rows]
    luck = _holm([one["p_value"] for one in judged])
    for one in found:
        one["verdict"] = "few"
    for one, p_value in zip(judged, luck, strict=True):
        lower = one["difference"] < -limits.slice_margin
        # Sentences may be right more often though their entities are so less.
        no_luck = p_value < limits.slice_level and one["only_live"] > one["only_candidate"]
        one["corrected"] = p_value
        one["verdict"] = ("worse" if no_luck else "unsure") if lower else "holds"
    checks = [_failed(one, limits) for one in judged if one["verdict"] == "worse"]
    if not checks and judged:
        checks = [Check("slices", True, None, None, None, f"{len(judged)}")]
    return checks, found


def _told(table: Sequence[dict[str, Any]], limits: Limits) -> list[dict[str, Any]]:
    """All groups that are judged, and the first of the others."""
    others = itertools.count()
    return [one for one in table if one["n"] >= limits.slice_rows or next(others) < _FEW_LISTED]


def _failed(one: Mapping[str, Any], limits: Limits) -> Check:
    name = f"{one['slice']}: {one['group']}"
    limit = one["live"] - limits.slice_margin
    return Check("slices", False, one["candidate"], one["live"], limit, name)


def _numbers(answered: Answered, members: Sequence[int]) -> dict[str, Any]:
    rows = [answered.rows[index] for index in members]
    live, candidate = (
        [answers[index] for index in members] for answers in (answered.live, answered.candidate)
    )
    before, after = (
        [is_right(row, one) for row, one in zip(rows, answers, strict=True)]
        for answers in (live, candidate)
    )
    old, new = _first(rows, live, before), _first(rows, candidate, after)
    everything = np.arange(len(rows))
    paired = paired_bootstrap(old.statistic, new.statistic, len(rows), samples=_SAMPLES)
    test = mcnemar_exact(before, after)
    return {
        "measure": old.name,
        "live": old.statistic(everything),
        "live_interval": interval_of(old, _SAMPLES),
        "candidate": new.statistic(everything),
        "candidate_interval": interval_of(new, _SAMPLES),
        "difference": paired.difference,
        "interval": paired.interval,
        "only_live": test.only_first,
        "only_candidate": test.only_second,
        "p_value": test.p_value,
    }


def _first(rows: Sequence[Row], answers: Sequence[Answer], right: Sequence[bool]) -> Measured:
    """The number that stands for a version: F1 of entities, else the share of rows that are
    answered rightly; F1 counts nothing right in sentences without any entity."""
    if isinstance(rows[0], TaggedSentence) and any(names_of(row) for row in rows):
        return measures_of(rows, answers)[0]
    labelled, pairs = isinstance(rows[0], LabelledText), isinstance(rows[0], PairRow)
    name = "final_accuracy" if labelled else "recall@1" if pairs else "exact_match"
    return Measured(name, accuracy_statistic(right), len(rows))


def _holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value corrected for there being several (Holm 1979)."""
    found, highest = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - rank)))
        found[index] = highest
    return found
