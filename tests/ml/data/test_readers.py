"""Readers of labelled data: every bad row is named by its line, and the good ones go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ml.data.multi_label import read_multi_label
from ml.data.pairs import read_pairs
from ml.data.readers import (
    LabelledText,
    Problems,
    TaggedSentence,
    read_classification,
    read_ner,
    read_records,
    read_texts,
    write_jsonl,
)
from ml.data.spans import read_spans
from ml.data.targeting import read_targeted
from ml.errors import DataError

GOOD = '{"text": "my card is late", "label": "card"}'


def _file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_tables_of_tabs_are_read_and_workbooks_and_lists_are_named(tmp_path: Path) -> None:
    tabs = _file(tmp_path, "a.tsv", "text\tlabel\nmy card, the new one\tcard\n")
    assert [row.text for row in read_classification(tabs)] == ["my card, the new one"]
    book = _file(tmp_path, "a.xlsx", "PK")
    with pytest.raises(DataError, match=r"a\.xlsx: is a workbook; save its sheet as CSV"):
        list(read_classification(book))
    listed = _file(tmp_path, "a.json", '[\n{"text": "a", "label": "b"}]\n')
    with pytest.raises(DataError, match=r"row 1: .* begins a list"):
        list(read_classification(listed))
    with pytest.raises(DataError, match="row 1: is not a JSON object; JSONL has"):
        list(read_classification(_file(tmp_path, "b.json", '[{"text": "a", "label": "b"}]')))


def test_jsonl_and_csv_give_the_same_rows(tmp_path: Path) -> None:
    jsonl = _file(tmp_path, "a.jsonl", f'{GOOD}\n{{"label": "fee", "text": "a, b", "id": 7}}\n')
    csv = _file(tmp_path, "a.csv", 'id,text,label\r\n1,my card is late,card\r\n2,"a, b",fee\r\n')
    rows = list(read_classification(jsonl))
    assert [(row.text, row.label) for row in rows] == [("my card is late", "card"), ("a, b", "fee")]
    assert [row.row for row in rows] == [1, 2]
    assert [(row.text, row.label) for row in read_classification(csv)] == [
        (row.text, row.label) for row in rows
    ]


def test_a_byte_order_mark_and_any_script_are_fine(tmp_path: Path) -> None:
    text = "\u5361\u5728\u54ea\u91cc \U0001f600 \u0645\u0631\u062d\u0628\u0627"
    jsonl = _file(tmp_path, "a.jsonl", "\ufeff" + json.dumps({"text": text, "label": "card"}))
    csv = _file(tmp_path, "a.csv", f"\ufefftext,label\n{text},card\n")
    assert next(iter(read_classification(jsonl))).text == text
    assert next(iter(read_classification(csv))).text == text


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "is empty"),
        (b"   ", "is empty"),
        (b'{"text": "x", "label"', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'["x", "y"]', "is not a JSON object"),
        (b'{"text": "x"}', "lacks 'label'"),
        (b'{"message": "x"}', "lacks 'text', 'label'"),
        (b'{"text": 3, "label": "y"}', "'text' is not a text"),
        (b'{"text": "x", "label": null}', "'label' is not a text"),
        (b'{"text": "  ", "label": "y"}', "'text' is empty"),
        (b'{"text": "x", "label": ""}', "'label' is empty"),
        (b'{"text": "caf\xe9", "label": "y"}', "is not UTF-8"),
        ('{"text": "x", "label": "y"}'.encode("utf-16-le"), "UTF-16, save it in UTF-8"),
        (b'{"text": "x", "label": "y", "label": "z"}', "has the key 'label' twice"),
        (b'{"text": "x", "label": "y", "of": {"a": 1, "a": 2}}', "has the key 'a' twice"),
        (b'{"text": "x \\ud83d", "label": "y"}', r"'text' has half a character (\ud83d)"),
        (b'{"text": "x\x00", "label": "y"}', "has a NUL character"),
        (b'{"text": "x", "label": "y\\u0000"}', "'label' has a NUL character"),
        (b'{"text": "x", "label": "y", "source": "\\u0000"}', "'source' has a NUL character"),
        (b'{"text": "x", "label": "y", "n": ' + b"9" * 5000 + b"}", "is not JSON"),
    ],
)
def test_a_bad_row_of_jsonl_is_named(tmp_path: Path, line: bytes, problem: str) -> None:
    path = _file(tmp_path, "bad.jsonl", GOOD.encode() + b"\n" + line + b"\n" + GOOD.encode())
    with pytest.raises(DataError, match=r"bad\.jsonl, row 2: ") as caught:
        list(read_classification(path))
    assert caught.value.row == 2
    assert problem in caught.value.problem

    problems = Problems()
    assert [row.row for row in read_classification(path, problems)] == [1, 3]
    assert problems.count == 1
    assert problems.errors[0].row == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b",", "is empty"),
        (b"only one cell", "has 1 cells, the header 2"),
        (b"one,two,three", "has 3 cells, the header 2"),
        (b"caf\xe9,card", "is not UTF-8"),
        (b" ,card", "'text' is empty"),
        (b"x,", "'label' is empty"),
        (b"x\x00,card", "'text' has a NUL character"),
        (b"x,ca\x00rd", "'label' has a NUL character"),
    ],
)
def test_a_bad_row_of_csv_is_named(tmp_path: Path, line: bytes, problem: str) -> None:
    path = _file(tmp_path, "bad.csv", b"text,label\nfirst,card\n" + line + b"\nlast,fee\n")
    with pytest.raises(DataError) as caught:
        list(read_classification(path))
    assert (caught.value.row, problem in caught.value.problem) == (3, True)

    problems = Problems()
    assert [row.text for row in read_classification(path, problems)] == ["first", "last"]
    assert [error.row for error in problems.errors] == [3]


@pytest.mark.parametrize(
    ("read", "name", "content"),
    [
        (read_classification, "row-2.tsv", "text\tlabel\na\0b\tcard\n"),
        (read_multi_label, "row-3.csv", "text,labels\na,card\nb,fe\0e|card\n"),
        (read_multi_label, "row-1.jsonl", r'{"text": "a", "labels": ["fe\u0000e"]}'),
        (read_pairs, "row-2.csv", "text,positive\na,b\0\n"),
        (read_targeted, "row-1.jsonl", r'{"text": "Acme", "entities": {"Acme": "up\u0000"}}'),
        (read_spans, "row-1.jsonl", r'{"text": "my \u0000", "spans": []}'),
        (read_spans, "row-1.jsonl", r'{"text": "a", "spans": [{"kind": "\u0000b", "text": "a"}]}'),
        (read_ner, "row-1.jsonl", r'{"tokens": ["a"], "tags": ["B-\u0000b"]}'),
        (read_ner, "row-3.conll", "Bob B-PER\n\nAnn\0 B-PER\n"),
        (read_texts, "row-2.txt", "one\ntw\0o\n"),
        (read_texts, "row-2.csv", "text\n\0\n"),
    ],
)
def test_a_nul_character_is_told_with_its_row_in_every_format(
    tmp_path: Path, read: Callable[[Path], Iterable[Any]], name: str, content: str
) -> None:
    path = _file(tmp_path, name, content)
    with pytest.raises(DataError, match="has a NUL character") as caught:
        list(read(path))
    assert caught.value.row == int(name[4])


def test_a_row_of_csv_is_named_by_its_first_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", 'text,label\n"two\nlines",card\n"three\n\nlines"\nlast,fee\n')
    problems = Problems()
    rows = list(read_classification(path, problems))
    assert [(row.text, row.row) for row in rows] == [("two\nlines", 2), ("last", 7)]
    assert [error.row for error in problems.errors] == [4]


def test_a_quote_that_is_never_closed_is_reported_where_it_opens(tmp_path: Path) -> None:
    rest = "".join(f"row {i},fee\n" for i in range(20))
    path = _file(tmp_path, "a.csv", f'text,label\nfirst,card\n"open,card\n{rest}')
    problems = Problems()
    assert [row.text for row in read_classification(path, problems)] == ["first"]
    assert problems.errors[0].row == 3
    assert "quote" in problems.errors[0].problem


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_rows_are_not_glued_together_by_a_quote_that_is_never_closed(
    tmp_path: Path, ending: str
) -> None:
    by = "\t" if ending == "tsv" else ","
    rows = ["text", 'label\n"open it', 'refund\n"closed"', "card\nfine", "fee\n"]
    path = _file(tmp_path, f"a.{ending}", by.join(rows))
    problems = Problems()
    assert [row.text for row in read_classification(path, problems)] == ["fine"]
    (problem,) = problems.errors
    assert problem.row == 2
    assert "up to line 3: is a quote not closed?" in problem.problem


def test_a_header_that_is_no_csv_is_named(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", 'text,"label\nx,y\n')
    with pytest.raises(DataError, match=r"row 1: is not CSV .* is a quote not closed"):
        list(read_classification(path))


def test_a_header_without_the_columns_is_named_even_when_collecting(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "message,topic\nx,y\n")
    with pytest.raises(DataError, match="row 1: the header lacks the column text, label"):
        list(read_classification(path, Problems()))


def test_a_column_that_stands_twice_is_named(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "text,label,text\nx,card,y\n")
    with pytest.raises(DataError, match="row 1: the header has the column text twice"):
        list(read_classification(path))
    path = _file(tmp_path, "b.csv", "text,label,group,group\na,b,c,d\n")
    with pytest.raises(DataError, match="row 1: the header has the column group twice"):
        list(read_classification(path))


def test_blanks_around_a_label_make_no_other_label(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "text,label\nx, card\ny,card \n")
    assert {row.label for row in read_classification(path)} == {"card"}


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", ",,\n"])
def test_a_csv_without_a_header_is_named(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="row 1: is empty; the first line names the columns"):
        list(read_classification(_file(tmp_path, "a.csv", content), Problems()))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_header_that_is_not_utf8_is_named_in_words_that_can_be_stored(
    tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes("text,label\na,b\n".encode(encoding))
    with pytest.raises(DataError, match="row 1: is not UTF-8") as raised:
        list(read_classification(file))
    assert str(raised.value).encode()


def test_a_header_that_is_too_long_is_named(tmp_path: Path) -> None:
    header = "text,label" + "x" * 10_000_001
    with pytest.raises(DataError, match=r"row 1: is not CSV \(field larger than"):
        list(read_classification(_file(tmp_path, "a.csv", header)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_lines_of_raw_texts_end_as_any_editor_ends_them(tmp_path: Path, end: str) -> None:
    path = _file(tmp_path, "raw.txt", end.join(["one text", "", "another", ""]))
    assert read_texts(path) == ["one text", "another"]


def test_one_bad_row_in_many_costs_one_row(tmp_path: Path) -> None:
    lines = [GOOD] * 20_000
    lines[12_345] = "{"
    path = _file(tmp_path, "many.jsonl", "\n".join(lines))
    problems = Problems()
    assert sum(1 for _ in read_classification(path, problems)) == 19_999
    assert [error.row for error in problems.errors] == [12_346]


def test_problems_keep_the_first_errors_and_count_all(tmp_path: Path) -> None:
    problems = Problems(keep=3)
    assert list(read_classification(_file(tmp_path, "a.jsonl", "{\n" * 10), problems)) == []
    assert (problems.count, [error.row for error in problems.errors]) == (10, [1, 2, 3])


def test_rows_are_streamed(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", f"{GOOD}\n{{broken")
    assert next(read_classification(path)) == LabelledText("my card is late", "card", 1)


def test_records_keep_all_their_fields(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", '{"id": 1, "title": "x", "tags": ["a"]}\n')
    expected = [(1, {"id": 1, "title": "x", "tags": ["a"]})]
    assert list(read_records(path, ("id", "title"))) == expected


def test_written_rows_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.jsonl"
    rows = [{"text": "na\u00efve \u2028 line", "label": "a"}, {"text": "b\nc", "label": "b"}]
    assert write_jsonl(path, rows) == 2
    assert [{"text": r.text, "label": r.label} for r in read_classification(path)] == rows


SENTENCE = TaggedSentence(("Ann", "Lee", "left", "Oslo"), ("B-PER", "I-PER", "O", "B-LOC"), 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a.jsonl",
            '{"tokens": ["Ann", "Lee", "left", "Oslo"], "tags": ["B-PER", "I-PER", "O", "B-LOC"]}',
        ),
        ("a.conll", "Ann B-PER\nLee I-PER\nleft O\nOslo B-LOC\n"),
        ("a.txt", "Ann NNP B-NP B-PER\nLee NNP I-NP I-PER\nleft VBD B-VP O\nOslo NNP B-NP B-LOC"),
        ("a.tsv", "Ann\tB-PER\r\nLee\tI-PER\r\nleft\tO\r\nOslo\tB-LOC\r\n\r\n\r\n"),
    ],
)
def test_jsonl_and_conll_give_the_same_sentence(tmp_path: Path, name: str, content: str) -> None:
    assert list(read_ner(_file(tmp_path, name, content))) == [SENTENCE]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("New York\tB-LOC", "New York"),
        ("New York \tNNP NNP\t\tB-LOC\t", "New York"),
        ("10\u00a0000\tB-LOC", "10\u00a0000"),
        ("10\u00a0000 CD B-LOC ", "10\u00a0000"),
    ],
)
def test_a_conll_word_keeps_its_white_space(tmp_path: Path, line: str, word: str) -> None:
    path = _file(tmp_path, "a.conll", f"in\tO\n{line}\n\t\nso  O\n")
    assert [(one.tokens, one.tags) for one in read_ner(path)] == [
        (("in", word), ("O", "B-LOC")),
        (("so",), ("O",)),
    ]


def test_conll_sentences_end_at_empty_lines_and_documents(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- O O\n\nAnn B-PER\n\nin O\nOslo B-LOC\n-DOCSTART- O\nBob B-PER\n"
    sentences = list(read_ner(_file(tmp_path, "a.conll", content)))
    assert [(s.tokens, s.row) for s in sentences] == [
        (("Ann",), 3),
        (("in", "Oslo"), 5),
        (("Bob",), 8),
    ]


@pytest.mark.parametrize(
    ("tokens", "tags", "problem"),
    [
        ('["Ann"]', '["B-PER", "O"]', "has 1 tokens and 2 tags"),
        ("[]", "[]", "has no tokens"),
        ('"Ann"', '["O"]', "'tokens' is not a list of texts"),
        ("[1]", '["O"]', "'tokens' is not a list of texts"),
        ('["Ann"]', "[0]", "'tags' is not a list of texts"),
        ('["Ann"]', '["PER"]', "'PER' is not a BIO tag"),
        ('["Ann"]', '["B-"]', "'B-' is not a BIO tag"),
        ('["Ann"]', '["S-PER"]', "'S-PER' is not a BIO tag"),
        ('["Ann"]', '["I-PER"]', "'I-PER' follows 'O'"),
        ('["Ann", "Lee"]', '["B-LOC", "I-PER"]', "'I-PER' follows 'B-LOC'"),
    ],
)
def test_a_bad_sentence_is_named(tmp_path: Path, tokens: str, tags: str, problem: str) -> None:
    good = '{"tokens": ["Oslo"], "tags": ["B-LOC"]}'
    bad = f'{{"tokens": {tokens}, "tags": {tags}}}'
    path = _file(tmp_path, "a.jsonl", f"{good}\n{bad}\n{good}\n")
    with pytest.raises(DataError) as caught:
        list(read_ner(path))
    assert (caught.value.row, problem in caught.value.problem) == (2, True)
    problems = Problems()
    assert [sentence.row for sentence in read_ner(path, problems)] == [1, 3]
    assert problems.count == 1


@pytest.mark.parametrize("line", ["Lee", "Lee\t", "\tO", "Lee\u00a0O", "\u00a0\tO"])
def test_a_conll_line_without_a_word_or_a_tag_is_named(tmp_path: Path, line: str) -> None:
    path = _file(tmp_path, "a.conll", f"Ann B-PER\n{line}\n")
    with pytest.raises(DataError, match="row 2: has one column"):
        list(read_ner(path))


@pytest.mark.parametrize("tag", ["PER", "I-ORG"])
def test_a_bad_tag_of_a_conll_file_is_told_with_its_own_line(tmp_path: Path, tag: str) -> None:
    path = _file(tmp_path, "a.conll", f"left O\n\nAnn B-PER\nLee I-PER\nsaw {tag}\nhim O\n")
    with pytest.raises(DataError, match=f"row 5: '{tag}'"):
        list(read_ner(path))


@pytest.mark.parametrize("line", ["M\u00fcller B-PER".encode("latin-1"), b"Lee"])
def test_of_a_conll_sentence_with_a_bad_line_nothing_is_read(tmp_path: Path, line: bytes) -> None:
    good = b"Ann B-PER\nleft O\n"
    content = good + b"\n\nHerr O\n" + line + b"\nin O\nRom B-LOC\n\n" + good + b"\n" + line
    path = _file(tmp_path, "a.conll", content)
    problems = Problems()
    found = [(sentence.row, sentence.tokens) for sentence in read_ner(path, problems)]
    assert found == [(1, ("Ann", "left")), (10, ("Ann", "left"))]
    assert [error.row for error in problems.errors] == [6, 13]


def test_the_source_and_the_group_of_a_row_are_read_where_given(tmp_path: Path) -> None:
    jsonl = tmp_path / "a.jsonl"
    jsonl.write_text(
        '{"text": "a", "label": "x", "source": "mail", "group": 7}\n{"text": "b", "label": "x"}\n',
        encoding="utf-8",
    )
    assert [(row.source, row.group) for row in read_classification(jsonl)] == [
        ("mail", "7"),
        ("", ""),
    ]
    table = tmp_path / "a.csv"
    table.write_text("text,label,source\na,x,chat\n", encoding="utf-8")
    assert [row.source for row in read_classification(table)] == ["chat"]
    tagged = tmp_path / "n.jsonl"
    tagged.write_text('{"tokens": ["a"], "tags": ["O"], "source": "wiki"}\n', encoding="utf-8")
    assert [row.source for row in read_ner(tagged)] == ["wiki"]
