"""What can be promised of held-out rows, and what it costs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ml.errors import DataError
from ml.evaluation.promises import least_error, promise, rows_needed
from ml.monitoring.held_out import HeldOut, held_out_answers
from ml.types import Classification, ScoredLabel


def test_a_promise_holds_on_new_rows_on_average() -> None:
    """Of a classifier whose confidence says nothing true, fitted and checked a thousand times."""
    generator = np.random.default_rng(3)
    for error in (0.05, 0.2):
        rates = []
        for _ in range(1000):
            confidence = generator.random(120)
            wrong = generator.random(120) < 1 - confidence**0.3
            kept = promise(confidence[:60], wrong[:60], error=error)
            rates.append((wrong[60:] & (confidence[60:] > kept.threshold)).mean())
        assert float(np.mean(rates)) <= error + 0.005
        assert float(np.mean(rates)) > error / 2  # and it is not bought by answering nothing


def test_a_smaller_error_costs_answers() -> None:
    confidence = np.linspace(0, 1, 200)
    wrong = np.arange(200) % 7 == 0
    shares = [promise(confidence, wrong, error=error).answered for error in (0.01, 0.05, 0.1, 0.4)]
    assert shares == sorted(shares)
    assert shares[0] < 0.2
    assert shares[-1] == pytest.approx(199 / 200)


def test_too_few_rows_carry_no_promise() -> None:
    confidence, right = np.full(40, 0.9), np.zeros(40, dtype=bool)
    kept = promise(confidence, right, error=0.01)
    assert not kept.can_be_kept
    assert math.isinf(kept.threshold)
    assert kept.answered == 0
    assert least_error(40) == pytest.approx(1 / 41)
    assert promise(confidence, right, error=least_error(40)).answered == 1
    assert rows_needed(0.01) == 99
    assert promise(np.full(99, 0.9), np.zeros(99, bool), error=0.01).can_be_kept
    assert not promise(np.full(98, 0.9), np.zeros(98, bool), error=0.01).can_be_kept
    assert not promise(np.zeros(0), np.zeros(0, bool), error=0.5).can_be_kept


def answer(label: str, score: float, *, in_scope: bool = True) -> Classification:
    return Classification((ScoredLabel(label, score),), 0.0, in_scope, True, "v1")


def test_held_out_answers_keep_what_was_taken_for_something(tmp_path: Path) -> None:
    answers = [
        answer("a", 0.9),
        answer("a", 0.8),
        answer("b", 0.7),
        answer("b", 0.6, in_scope=False),
    ]
    kept = held_out_answers(answers, ["a", "b", "oos", "oos"], ["a", "b"])
    kept.save(tmp_path / "x" / "held.json")
    read = HeldOut.load(tmp_path / "x" / "held.json")
    assert read.rows == 4
    confidences, wrong = read.taken_for(["a", "unheard"])
    assert confidences.tolist() == [0.9, 0.8]
    assert wrong.tolist() == [False, True]
    assert read.taken_for(["b"])[1].tolist() == [True]  # what belongs to none is wrong too


@pytest.mark.parametrize("content", ["", "{}", '{"format": 2}', "[1]"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "held.json").write_text(content)
    with pytest.raises(DataError, match=r"held\.json"):
        HeldOut.load(tmp_path / "held.json")
