"""Files of texts with known spans, and the measure on them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import ml.data.written
from ml.data.readers import Problems
from ml.data.spans import read_spans
from ml.errors import DataError
from ml.evaluation.span_measure import SpanMeasure
from ml.types import ModelInfo, PersonalData, PersonalSpan

WRITTEN = Path(ml.data.written.__file__).parent / "personal_data.jsonl"


def test_a_span_that_occurs_twice_stands_behind_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    ann = {"kind": "name", "text": "Ann"}
    path.write_text(json.dumps({"text": "Ann met Ann", "spans": [ann, ann]}) + "\n")
    (row,) = read_spans(path)
    assert [(span.start, span.end) for span in row.spans] == [(0, 3), (8, 11)]


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([{"kind": "name", "text": "Bob"}], "'Bob' does not stand"),
        ([{"kind": "name"}], "no 'kind' or no 'text'"),
        ([{"kind": "name", "text": ""}], "no 'kind' or no 'text'"),
        (["Ann"], "no 'kind' or no 'text'"),
        ("Ann", "'spans' not a list"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, spans: object, problem: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "Ann", "spans": spans}) + "\n")
    with pytest.raises(DataError, match=rf"rows\.jsonl, row 1: .*{problem}"):
        list(read_spans(path))
    problems = Problems()
    assert list(read_spans(path, problems)) == []
    assert problems.count == 1


def test_the_written_texts_have_all_kinds_and_decoys() -> None:
    rows = list(read_spans(WRITTEN))
    kinds = Counter(span.kind for row in rows for span in row.spans)
    assert set(kinds) == {
        *("amount", "card", "date", "email", "iban", "name", "order", "phone"),
    }
    assert sum(not row.spans for row in rows) >= 30


class _First:
    """Calls the first word of every text a name."""

    info = ModelInfo("pii", "spans", "1", (), "none", 0)

    def predict(self, texts: list[str]) -> list[PersonalData]:
        words = [text.split()[0] for text in texts]
        found = [PersonalSpan("name", word, 0, len(word), word, 1.0) for word in words]
        return [PersonalData((one,), "1") for one in found]


def test_the_measure_counts_spans_with_the_right_place_and_kind(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {"text": "Ann paid 5 pounds", "spans": [{"kind": "name", "text": "Ann", "value": "Ann"}]},
        {"text": "Bob wrote", "spans": [{"kind": "name", "text": "Bob", "value": "Robert"}]},
        {"text": "Hello Ann", "spans": [{"kind": "name", "text": "Ann"}]},
        {"text": "Hello there", "spans": []},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    measure = SpanMeasure(_First())
    known = measure.read(path, Problems())
    numbers, _ = measure.report(known, measure.answer(known, lambda *_: None))
    assert numbers["precision"] == pytest.approx(2 / 4)
    assert numbers["recall"] == pytest.approx(2 / 3)
    assert numbers["per_type"]["name"]["support"] == 3
    assert numbers["value_accuracy"] == 0.5
    assert (numbers["clean_rows"], numbers["clean_rows_with_spans"]) == (1, 1)
    assert "row 3, missed: 'Ann' [name]" in numbers["wrong"]
