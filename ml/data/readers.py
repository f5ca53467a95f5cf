"""Reads labelled data from CSV, JSONL, CoNLL and ``datasets`` folders, with errors that name rows.

Rows are streamed. ``read_*`` yield rows and raise :class:`ml.errors.DataError` at the first bad
one; give a ``Problems`` list to collect the bad rows instead and go on with the good ones, and
``columns`` where a file calls them otherwise (:mod:`ml.data.columns`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ml.data.columns import Columns, Wanted
from ml.data.dataset_folders import dataset_records, is_dataset
from ml.data.record_files import TABLES, Report, csv_records, file_lines, jsonl_records
from ml.data.records import Record
from ml.data.text import label_form
from ml.errors import DataError
from ml.files import write_whole
from ml.wording import Wording

Made = TypeVar("Made")
"""What is made of a row."""

_WORKBOOKS = (".xlsx", ".xls", ".ods")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its label; ``row`` is its line in the file, from 1.

    ``source`` says where the text is from, ``group`` what it belongs to (an author, a thread), and
    ``weight`` how many rows it counts as when it is learned from, if the file has such columns.
    """

    text: str
    label: str
    row: int = 0
    source: str = ""
    group: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Words with one BIO tag each; ``row`` is its (first) line in the file, from 1.

    ``source`` and ``group`` as of :class:`LabelledText`; CoNLL files have neither.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    row: int = 0
    source: str = ""
    group: str = ""


@dataclass(slots=True)
class Problems:
    """Bad rows that were passed over: the number of them and the first ``keep`` errors."""

    keep: int = 50
    count: int = 0
    errors: list[DataError] = field(default_factory=list)

    def add(self, error: DataError) -> None:
        self.count += 1
        if len(self.errors) < self.keep:
            self.errors.append(error)


def read_classification(
    path: Path, problems: Problems | None = None, columns: Columns | None = None
) -> Iterator[LabelledText]:
    """Rows of a classification file: JSONL ``{"text", "label"}``, CSV ``text,label``, or a folder
    with such columns (:mod:`ml.data.dataset_folders`).

    Further columns ``source``, ``group`` and ``weight`` (a number from 0) are read if they are
    there.
    """
    yield from read_as(
        _labelled, path, ("text", "label"), problems, columns, ("source", "group", "weight")
    )


def _labelled(record: Record) -> LabelledText:
    return LabelledText(
        record.text("text"),
        record.label("label"),
        record.row,
        record.note("source"),
        record.note("group"),
        record.weight(),
    )


def read_ner(
    path: Path, problems: Problems | None = None, columns: Columns | None = None
) -> Iterator[TaggedSentence]:
    """Sentences of a NER file: JSONL ``{"tokens", "tags"}`` with BIO tags, CoNLL columns, or a
    folder with such columns (:mod:`ml.data.dataset_folders`)."""
    if path.suffix.lower() in (".jsonl", ".json") or is_dataset(path):
        needs, may = ("tokens", "tags"), ("source", "group")
        yield from read_as(_tagged, path, needs, problems, columns, may)
        return
    if columns:
        named = ", ".join(columns.values())
        raise DataError(
            path,
            None,
            Wording("is CoNLL, whose columns have no names; %(named)s is none", named=named),
        )
    report = _reporter(problems)
    for row, tokens, tags in _conll_blocks(path, report):
        try:
            yield tagged_sentence(path, row, tokens, tags, word_a_line=True)
        except DataError as error:
            report(error)


def _tagged(record: Record) -> TaggedSentence:
    """The sentence of a row with ``tokens`` and ``tags``; raises :class:`DataError`."""
    tokens, tags = record.texts("tokens"), record.texts("tags")
    sentence = tagged_sentence(record.path, record.row, tokens, tags)
    return replace(sentence, source=record.note("source"), group=record.note("group"))


def read_as(
    make: Callable[[Record], Made],
    path: Path,
    needs: tuple[str, ...],
    problems: Problems | None = None,
    columns: Columns | None = None,
    may: tuple[str, ...] = (),
) -> Iterator[Made]:
    """What ``make`` makes of each row of :func:`read_records`; one of which it raises a
    :class:`DataError` is bad, and raises it here or goes to ``problems``."""
    report = _reporter(problems)
    for _, record in read_records(path, needs, problems, columns, may):
        try:
            made = make(record)
        except DataError as error:
            report(error)
        else:
            yield made


def read_records(
    path: Path,
    needs: tuple[str, ...],
    problems: Problems | None = None,
    columns: Columns | None = None,
    may: tuple[str, ...] = (),
) -> Iterator[tuple[int, Record]]:
    """The rows of a JSONL or CSV file, or of a ``datasets`` folder, as objects that have all that
    a row ``needs``, with line numbers.

    ``columns`` are the names that the file has for these, and for what a row ``may`` have.
    """
    wanted = Wanted(needs, may, columns)
    wanted.check(path)
    for row, record in _stored_records(path, wanted, _reporter(problems)):
        yield row, Record(path, row, wanted.renamed(record), wanted.named)


def _stored_records(
    path: Path, wanted: Wanted, report: Report
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows with the columns that the file has."""
    if is_dataset(path):
        yield from dataset_records(path, wanted, report)
        return
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS and path.exists():
        raise DataError(path, None, Wording("is a workbook; save its sheet as CSV"))
    reader = csv_records if suffix in TABLES else jsonl_records
    yield from reader(path, wanted, report)


def read_texts(path: Path, columns: Columns | None = None) -> list[str]:
    """The ``text`` of each row of a JSONL or CSV file, or each line of a ``.txt`` file with words,
    whether lines end in CR, LF or both.

    Of ``columns``, which may be those of labelled rows, that of the text counts; lines have none.
    Raises :class:`DataError` for a row without a text and for a file without rows.
    """
    if path.suffix.lower() == ".txt":
        lines = (line for _, line in file_lines(path, _reporter(None)))
        texts = [text for line in lines for text in line.split("\r") if text.strip()]
    else:
        texts = []
        named = columns and {role: name for role, name in columns.items() if role == "text"}
        for _, record in read_records(path, ("text",), columns=named):
            texts.append(record.text("text", may_be_empty=True))
    if not texts:
        raise DataError(path, None, Wording("has no rows"))
    return texts


def _reporter(problems: Problems | None) -> Report:
    """What takes a bad row: ``problems``, or the error is raised."""

    def raised(error: DataError) -> None:
        raise error

    return raised if problems is None else problems.add


def tagged_sentence(
    path: Path,
    row: int,
    tokens: Sequence[str],
    tags: Sequence[str],
    *,
    word_a_line: bool = False,
) -> TaggedSentence:
    """Checked words and BIO tags, their types as :func:`ml.data.text.label_form` has labels; raises
    :class:`DataError`, of a tag with its own line where each word stands in one from ``row`` on."""
    if not tokens:
        raise DataError(path, row, Wording("has no tokens"))
    if len(tokens) != len(tags):
        told = Wording(
            "has %(tokens)s tokens and %(tags)s tags", tokens=len(tokens), tags=len(tags)
        )
        raise DataError(path, row, told)
    previous = "O"
    tags = [_tag_form(tag) for tag in tags]
    for place, tag in enumerate(tags):
        line = row + place if word_a_line else row
        if tag != "O" and (tag[:2] not in ("B-", "I-") or len(tag) < 3):
            raise DataError(path, line, Wording("%(tag)r is not a BIO tag", tag=tag))
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            told = Wording("%(tag)r follows %(previous)r: not BIO", tag=tag, previous=previous)
            raise DataError(path, line, told)
        previous = tag
    return TaggedSentence(tuple(tokens), tuple(tags), row)


def _tag_form(tag: str) -> str:
    tag = label_form(tag)
    return tag[:2] + tag[2:].lstrip()


def _conll_blocks(path: Path, report: Report) -> Iterator[tuple[int, list[str], list[str]]]:
    """Sentences of a CoNLL file: a word and its tag in the first and last column of a line.

    Tabs part the columns of a line that has any, blanks those of others; any other white space is
    of a word. A sentence with a bad line is passed over whole, since the rest of it is another one.
    """
    tokens: list[str] = []
    tags: list[str] = []
    start, whole = 1, True

    def broken(error: DataError) -> None:
        nonlocal whole
        whole = False
        report(error)

    for row, line in file_lines(path, broken):
        columns = _conll_columns(line)
        if not line.strip() or columns[0] == "-DOCSTART-":
            if tokens and whole:
                yield start, tokens, tags
            tokens, tags, start, whole = [], [], row + 1, True
            continue
        if len(columns) < 2 or not columns[0].strip():
            told = Wording("has one column; a word and a tag are needed")
            broken(DataError(path, row, told))
            continue
        tokens.append(columns[0])
        tags.append(columns[-1])
    if tokens and whole:
        yield start, tokens, tags


def _conll_columns(line: str) -> list[str]:
    line = line.strip(" \t")
    if "\t" in line:
        return [column.strip(" ") for column in line.split("\t")]
    return [column for column in line.split(" ") if column]


def write_jsonl(path: Path, records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> int:
    """Write objects one a line; returns how many.

    The file is there whole or as it was before; raises :class:`DataError` if it cannot be written.
    """
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    try:
        write_whole(path, "".join(lines))
    except OSError as error:
        told = Wording("cannot be written (%(problem)s)", problem=error.strerror)
        raise DataError(path, None, told) from error
    return len(lines)
