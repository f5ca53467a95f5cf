"""``docs/measures.md`` explains every number that a model is measured by."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from ml.data.spans import SpannedText
from ml.evaluation.conformal import ConformalCheck
from ml.evaluation.details import classification_details, tagging_details
from ml.evaluation.entity_errors import OUTCOMES, SCHEMES
from ml.evaluation.fairness import Fairness
from ml.evaluation.multi_label_report import multi_label_report
from ml.evaluation.pair_ranking import rank_numbers
from ml.evaluation.reports import classification_report, tagging_report
from ml.evaluation.robustness import Robustness
from ml.evaluation.span_measure import SpanMeasure
from ml.training.card import SHOWN
from ml.types import Classification, MultiLabel, PersonalData, ScoredLabel

DOCS = Path(__file__).resolve().parents[3] / "docs"
EXPLAINED = set(re.findall(r"`([^`\s]+)`", (DOCS / "measures.md").read_text(encoding="utf-8")))
TOLD_APART = {"intervals", "wrong", "name", "groups", "examples", "score"}
"""What goes with the numbers and is no measure: their ends, and rows and groups by name."""


def classifier_numbers() -> set[str]:
    gold = ["card", "fee", "oos"]
    answers = [
        Classification((ScoredLabel("card", 0.9), ScoredLabel("fee", 0.1)), 0.1, True, True, "1")
    ] * 3
    details, _ = classification_details(answers[:2], gold[:2], ["card", "fee"], temperature=1.0)
    return set(classification_report(answers, gold, ["card", "fee"])) | set(details)


def multi_label_numbers() -> set[str]:
    answer = MultiLabel((ScoredLabel("threat", 0.9),), ("threat",), "1")
    return set(multi_label_report([answer], [["threat"]], ["threat"]))


def tagger_numbers() -> set[str]:
    tags = [["B-PER", "O"]]
    details, _ = tagging_details(tags, tags)
    return {*tagging_report(tags, tags), *details, *OUTCOMES, *SCHEMES}


def finder_numbers() -> set[str]:
    measure = SpanMeasure(None)  # type: ignore[arg-type] # a report asks it nothing
    return set(measure.report([SpannedText("none", ())], [PersonalData((), "1")])[0])


def encoder_numbers() -> set[str]:
    return set(rank_numbers([1.0]))


def closer_looks() -> set[str]:
    return {item.name for kind in (ConformalCheck, Robustness, Fairness) for item in fields(kind)}


@pytest.mark.parametrize(
    "numbers",
    [
        classifier_numbers,
        multi_label_numbers,
        tagger_numbers,
        finder_numbers,
        encoder_numbers,
        closer_looks,
        lambda: set(SHOWN),
    ],
    ids=["classifier", "multi_label", "tagger", "finder", "encoder", "closer", "card"],
)
def test_every_number_is_explained(numbers: Callable[[], set[str]]) -> None:
    assert numbers() - TOLD_APART - EXPLAINED == set()
