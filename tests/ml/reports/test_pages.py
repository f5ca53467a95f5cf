"""Report pages: that they hold what was measured, whatever was measured, and nothing outside."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ml.data.readers import Problems
from ml.evaluation.measures import ClassificationMeasure, TaggingMeasure
from ml.reports import charts
from ml.reports.pages import interval, number, percent, points, render
from ml.types import Classification, ModelInfo, ScoredLabel


class _Sayer:
    """Gives the label that a text names, and the first one otherwise."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.info = ModelInfo("intent", "classification", "v1", tuple(labels), "fp32", 1)

    def predict(self, texts: Sequence[str]) -> list[Classification]:
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> Classification:
        labels = self.info.labels
        best = next((label for label in labels if label in text), labels[0])
        rest = 0.2 / (len(labels) - 1)
        scores = [ScoredLabel(label, rest) for label in labels if label != best]
        return Classification((ScoredLabel(best, 0.8), *scores), 0.1, True, True, "v1")


class _Silent:
    """A tagger that finds nothing."""

    info = ModelInfo("ner", "ner", "v1", ("O", "B-PER", "I-PER"), "fp32", 1)

    def tag_words(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        return [["O"] * len(words) for words in sentences]


def _quiet(done: int, total: int, title: str) -> None:
    return


def _page(kind: str, measure: Any, file: Path) -> str:
    rows = measure.read(file, Problems())
    answers = measure.answer(rows, _quiet)
    numbers, curves = measure.report(rows, answers)
    content = {
        "task": measure.__class__.__name__,
        "version": "v1",
        "file": file.name,
        **numbers,
        "slices": measure.slices(rows, answers, None),
        "against": {"version": "v0", **measure.compare(rows, answers, answers)},
        "robustness": measure.robustness(rows, _quiet),
        "fairness": measure.fairness(rows, _quiet),
        "bad_rows": 0,
        "problems": [],
        "seconds": 1.5,
        "curves": curves,
    }
    page = render(kind, content)
    assert not re.search(r"<script|<link|\b(?:src|href)=|url\(|https?:|\bon\w+=", page)
    return page


def _pictures(page: str) -> list[ElementTree.Element]:
    """The pictures of a page, each parsed: they are well-formed or this raises."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def test_a_page_of_seventy_seven_labels_names_each_once_in_the_matrix(tmp_path: Path) -> None:
    labels = [f"label_{n:02}" for n in range(77)]
    file = tmp_path / "rows.csv"
    wrong = "text,label\nlabel_05,label_33\n"
    file.write_text(wrong + "".join(f"{name},{name}\n" for name in labels), encoding="utf-8")
    page = _page("classification", ClassificationMeasure(_Sayer(labels), temperature=1.2), file)
    (matrix,) = [one for one in _pictures(page) if one.get("aria-label") == "Confusion matrix"]
    names = [text.text.strip() for text in matrix.iter("text") if (text.text or "").strip()]
    assert [name for name in names if name.startswith("label_")] == labels
    titles = [title.text for title in matrix.iter("title")]
    assert "label_33 \u2192 label_05: 1 of 2" in titles
    assert len([cell for cell in matrix.iter("rect") if "wrong" in cell.get("class", "")]) == 1
    assert "98.7" in page  # 77 of 78 are right


@pytest.mark.parametrize("rows", ["a,a\n", "a,a\nb,unheard_of\n"])
def test_a_page_of_few_rows_is_made_all_the_same(tmp_path: Path, rows: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f"text,label\n{rows}", encoding="utf-8")
    page = _page("classification", ClassificationMeasure(_Sayer("abc"), temperature=1.0), file)
    assert len(_pictures(page)) >= 5
    assert ("unheard_of" in page) == ("unheard_of" in rows)


def test_a_page_of_out_of_scope_rows_alone_tells_of_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\nnothing,oos\n", encoding="utf-8")
    page = _page("classification", ClassificationMeasure(_Sayer("abc"), temperature=1.0), file)
    assert "Out of scope found" in page
    assert "all are out of scope" in page
    told = ("Accuracy", "ROC AUC", "AUROC", "Every answer is right", "Against version")
    assert not [words for words in told if words in page]


def test_a_page_of_sentences_without_entities_is_made_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "rows.conll"
    file.write_text("the O\nend O\n\n", encoding="utf-8")
    assert "0.0" in _page("ner", TaggingMeasure(_Silent()), file)


def test_charts_escape_names_and_bear_nothing_to_draw() -> None:
    drawn = charts.heat_map(["<a>", "b & c"], [[1, 1], [0, 0]])
    assert "&lt;a&gt;" in drawn
    assert "b &amp; c" in drawn
    for empty in (charts.heat_map([], []), charts.histogram([], x_label="tokens")):
        ElementTree.fromstring(empty)
    ElementTree.fromstring(charts.lines([("a", [])], x_label="x", y_label="y"))
    ElementTree.fromstring(charts.reliability([], []))


@pytest.mark.parametrize("last", ["b", "a label with a rather long name"])
def test_the_name_of_the_last_column_lies_in_the_picture(last: str) -> None:
    drawn = ElementTree.fromstring(charts.heat_map(["a", last], [[1, 1], [0, 1]]))
    name = next(text for text in drawn.iter("text") if text.get("transform") and text.text == last)
    x, y = map(float, re.findall(r"[\d.]+", name.get("transform", ""))[:2])
    reach = len(last) * 11 * 0.44  # as a browser sets it, at 45 degrees
    assert x + reach < float(drawn.get("width", 0))
    assert y - reach > 0


def test_small_numbers_beside_an_axis_leave_its_name_room() -> None:
    points = [(0.0, 0.00057), (1.0, 0.0)]
    drawn = charts.lines(
        [("a", points)], x_label="steps", y_label="rate", y_most=0.00095, y_shares=False
    )
    texts = [text.text or "" for text in ElementTree.fromstring(drawn).iter("text")]
    assert "5.7e-04" in texts
    assert max(map(len, texts)) <= 7


def test_numbers_are_written_for_people() -> None:
    assert percent(0.93741) == "93.7\u00a0%"
    assert percent(None) == "\u2013"
    assert points(-0.131) == "\u221213.1"
    assert points(0.002) == "+0.2"
    assert number(11480) == "11,480"
    assert number(0.12345) == "0.123"
    assert interval((0.9, 0.955)) == "90.0 to 95.5\u00a0%"
