"""Rows of uploaded files, by what is said of a text: which column holds what, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from apps.modelhub.services.examples import MAX_LABEL, MAX_TEXT
from ml.data.multi_label import MultiLabelText, labels_of
from ml.data.pairs import OPTIONAL, PairRow, pair_row
from ml.data.readers import (
    LabelledText,
    Problems,
    read_as,
    read_ner,
    tagged_sentence,
)
from ml.data.records import Record
from ml.data.row_kinds import Row, names_of, text_of
from ml.data.targeting import TARGETED_TASK
from ml.errors import DataError
from ml.labelling.spans import tagged, whole_words
from ml.wording import Wording

CONLL = (".conll", ".bio", ".iob", ".iob2")
SUFFIXES = {
    "classification": (".csv", ".jsonl"),
    "multi_label": (".csv", ".jsonl"),
    "ner": (".jsonl", *CONLL),
    "embedding": (".csv", ".jsonl"),
}
"""By kind, the files that are read."""

FIELDS = (
    *("text", "label", "labels", "spans", "tokens", "tags", "positive", "negative", "entities"),
)
_FORMULA = re.compile(r"=|[+\-@][A-Za-z_.]+[(|!]")
"""How a cell begins that a spreadsheet computes: what was typed there is not its text. Posts that
begin with a name, as in ``@anna``, and lists do not begin so."""

_FORMS = {
    "classification": (("text", "label"),),
    "multi_label": (("text", "labels"),),
    "ner": (("tokens", "tags"), ("text", "spans")),
    "embedding": (("text", "positive"), ("text", "label")),
}
_OPTIONAL = {"embedding": ("negative", "label")}
"""Fields that a row may lack, beside those of its form."""

_LIKELY = {
    "text": ("text", "sentence", "message", "utterance", "title", "headline", "query"),
    "label": ("label", "intent", "category", "class", "sentiment", "topic", "target"),
    "labels": ("labels", "categories", "classes", "label"),
    "spans": ("spans", "entities"),
    "tokens": ("tokens", "words"),
    "tags": ("tags", "ner_tags", "bio"),
    "positive": ("positive", "answer", "passage", "document", "article"),
    "negative": ("negative", "hard_negative"),
}


def suffixes_of(task: str, kind: str) -> tuple[str, ...]:
    """The files that rows of a task are read from: companies with labels fit in no cell."""
    return (".jsonl",) if task == TARGETED_TASK else SUFFIXES[kind]


def fields_of(kind: str, columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Which column holds which field: what was chosen, else what is likely by its name and was not
    chosen for another.

    Entities are words with tags, or a text with spans: whichever form the file has columns for.
    """
    form = max(_FORMS[kind], key=lambda form: len(_chosen(form, columns, given)))
    more = (name for name in _OPTIONAL.get(kind, ()) if name not in form)
    return _chosen((*form, *more), columns, given)


def fields_known(kind: str) -> tuple[str, ...]:
    """All fields that rows of a kind may have, of whichever form."""
    return tuple(dict.fromkeys((*sum(_FORMS[kind], ()), *_OPTIONAL.get(kind, ()))))


def fields_shown(kind: str, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """The fields whose columns a person may choose: those of the form, then what may lack."""
    form = form_of(kind, mapping)
    return (*form, *(name for name in _OPTIONAL.get(kind, ()) if name not in form))


def form_of(kind: str, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """The fields that a file needs, of the form that its columns come nearest to."""
    return max(_FORMS[kind], key=lambda form: sum(name in mapping for name in form))


def _chosen(
    form: Sequence[str], columns: Sequence[str], given: Mapping[str, str]
) -> dict[str, str]:
    free = [column for column in columns if column not in given.values()]
    folded = {column.casefold(): column for column in reversed(free)}
    found = {}
    for field in form:
        likely = next((folded[name] for name in _LIKELY[field] if name in folded), None)
        column = given[field] if given.get(field) in columns else likely
        if column is not None:
            found[field] = column
    return found


def read_mapped(
    path: Path, kind: str, mapping: Mapping[str, str], problems: Problems
) -> Iterator[tuple[int, Row]]:
    """The good rows with their lines; ``mapping`` names the column of each field of a form."""
    if path.suffix.lower() in CONLL:
        for sentence in read_ner(path, problems):
            if _is_good(path, sentence.row, sentence, problems):
                yield sentence.row, sentence
        return
    if kind == "embedding":
        yield from _read_pairs(path, mapping, problems)
        return
    form = form_of(kind, mapping)
    columns = {name: mapping[name] for name in form}
    make = partial(_row, form=form)
    for row in read_as(make, path, form, problems, columns):
        if _is_good(path, row.row, row, problems):
            yield row.row, row


def _read_pairs(
    path: Path, mapping: Mapping[str, str], problems: Problems
) -> Iterator[tuple[int, Row]]:
    """Pairs, labelled texts and texts that keep their vectors, side by side in one file."""

    def pair(record: Record) -> PairRow:
        """A row without what was not chosen, whatever other columns the file has."""
        given = {field: record.get(field) for field in (*mapping, "keep")}
        return pair_row(Record(path, record.row, given, mapping))

    for row in read_as(pair, path, ("text",), problems, mapping, OPTIONAL):
        if _is_good(path, row.row, row, problems):
            yield row.row, row


def _row(record: Record, *, form: Sequence[str]) -> Row:
    if "tokens" in form:
        tokens, tags = record.texts("tokens"), record.texts("tags")
        return tagged_sentence(record.path, record.row, tokens, tags)
    text = record.text("text")
    if "labels" in form:
        return MultiLabelText(text.strip(), labels_of(record), record.row)
    if "spans" in form:
        return _spanned(record, text)
    return LabelledText(text.strip(), record.label("label"), record.row)


def _spanned(record: Record, text: str) -> Row:
    """A text with spans ``{"start", "end", "label"}`` or ``[start, end, label]``."""
    given = record["spans"]
    if not isinstance(given, list):
        raise record.error(Wording("%(column)s is not a list", column=record.called("spans")))
    spans = []
    for one in given:
        values = (
            [one.get(name) for name in ("start", "end", "label")] if isinstance(one, dict) else one
        )
        if not isinstance(values, list) or [type(value) for value in values] != [int, int, str]:
            raise record.error(Wording("a span has no start, end and label"))
        spans.append((values[0], values[1], record.whole("spans", values[2])))
    try:
        words = tagged(text, whole_words(text, spans))
    except ValueError as error:
        told = Wording("has spans of which %(problem)s", problem=error.args[0])
        raise record.error(told) from error
    return tagged_sentence(record.path, record.row, *words)


def _is_good(path: Path, number: int, row: Row, problems: Problems) -> bool:
    text, names = text_of(row), names_of(row)
    if isinstance(row, PairRow):
        return _are_good(path, number, row, problems)
    longest = max((len(name) for name in names), default=0)
    formulas = [one for one in (text, *names) if _FORMULA.match(one)]
    problem = None
    if formulas and path.suffix.lower() == ".csv":
        problem = Wording(
            "has a formula where text should be: %(formula)s", formula=formulas[0][:40]
        )
    elif len(text) > MAX_TEXT:
        problem = Wording(
            "has a text of %(number)s characters; %(most)s are allowed",
            number=f"{len(text):,}",
            most=f"{MAX_TEXT:,}",
        )
    elif longest > MAX_LABEL:
        problem = Wording(
            "has a label of %(number)s characters; %(most)s are allowed",
            number=f"{longest:,}",
            most=MAX_LABEL,
        )
    if problem is not None:
        problems.add(DataError(path, number, problem))
    return problem is None


def _are_good(path: Path, number: int, row: PairRow, problems: Problems) -> bool:
    """Whether each text of a pair can be used as a text of another kind could."""
    return all(
        _is_good(path, number, LabelledText(text, row.label or "-", number), problems)
        for text in (row.text, row.positive, row.negative)
        if text is not None
    )
