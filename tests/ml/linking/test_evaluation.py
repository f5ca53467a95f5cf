"""Reading marked texts and counting what a linker got right."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.errors import DataError
from ml.linking.evaluation import evaluate_links, parse_marked, read_marked
from ml.linking.linker import Mention

TICKERS = {"1": "FORX", "2": "SHLX"}


def link(text, name, company):
    start = text.index(name)
    return Mention(start, start + len(name), name, company, 0.8, ())


def test_marks_are_taken_out_of_the_text():
    parsed = parse_marked("[Forx](FORX) crosses the [ford](-), $9 (see [note])", kind="mixed")
    assert parsed.text == "Forx crosses the ford, $9 (see [note])"
    assert [parsed.text[m.start : m.end] for m in parsed.marks] == ["Forx", "ford"]
    assert [mark.ticker for mark in parsed.companies] == ["FORX"]


def test_right_wrong_and_missing_links_are_counted():
    texts = [
        parse_marked("[Forx](FORX) and [Shlx](SHLX)", kind="plain", row=1),
        parse_marked("a [ford](-) in the river", kind="decoy", row=2),
    ]
    links = [[link(texts[0].text, "Forx", "1")], [link(texts[1].text, "ford", "1")]]
    report = evaluate_links(texts, links, TICKERS)
    told = report.as_json()
    assert (told["mentions"], told["decoys"]) == (2, 1)
    assert (told["precision"], told["recall"]) == (0.5, 0.5)
    assert told["per_kind"]["plain"] == {"precision": 1.0, "recall": 0.5, "f1": 0.6667}
    assert told["per_kind"]["decoy"]["recall"] is None
    assert [(f["row"], f["expected"], f["found"]) for f in told["failures"]] == [
        (1, "SHLX", "-"),
        (2, "-", "FORX"),
    ]


def test_a_link_to_another_company_is_both_wrong_and_missing():
    text = parse_marked("[Forx](FORX) rises")
    report = evaluate_links([text], [[link(text.text, "Forx", "2")]], TICKERS)
    assert report.as_json()["precision"] == report.as_json()["recall"] == 0.0
    assert len(report.failures) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": "[A](ZZZ) falls"}\n', "no ticker 'ZZZ'"),
        ('{"text": "  "}\n', "'text' is empty"),
        ("\n", "is empty"),
    ],
)
def test_bad_files_are_refused_with_their_row(tmp_path: Path, content, said):
    path = tmp_path / "texts.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=said):
        read_marked(path, ["FORX"])
