"""Readers of labelled data: every bad row is named by its line, and the good ones go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml.data.readers import (
    LabelledText,
    Problems,
    TaggedSentence,
    read_classification,
    read_ner,
    read_records,
    write_jsonl,
)
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
        (b'{"text": "x \\ud83d", "label": "y"}', r"'text' has half a character (\ud83d)"),
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


def test_a_header_that_is_not_utf8_is_named_in_words_that_can_be_stored(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes("text,label\na,b\n".encode("utf-16"))
    with pytest.raises(DataError, match="row 1: is not UTF-8") as raised:
        list(read_classification(file))
    assert str(raised.value).encode()


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


def test_a_conll_line_without_a_tag_is_named(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.conll", "Ann B-PER\nLee\n")
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
