"""Rows of uploaded files, by what is said of a text: which column holds what, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.modelhub.services.examples import MAX_LABEL, MAX_TEXT
from ml.data.multi_label import MultiLabelText, labels_of
from ml.data.pairs import OPTIONAL, PairRow, pair_row
from ml.data.readers import LabelledText, Problems, read_ner, read_records, tagged_sentence
from ml.data.row_kinds import Row, names_of, text_of
from ml.errors import DataError
from ml.labelling.spans import tagged, whole_words

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
    for number, record in read_records(path, form, problems, columns):
        try:
            row = _row(path, number, {name: record[name] for name in form})
        except DataError as error:
            problems.add(error)
            continue
        if _is_good(path, number, row, problems):
            yield number, row


def _read_pairs(
    path: Path, mapping: Mapping[str, str], problems: Problems
) -> Iterator[tuple[int, Row]]:
    """Pairs, labelled texts and texts that keep their vectors, side by side in one file."""
    for number, record in read_records(path, ("text",), problems, mapping, OPTIONAL):
        given = {field: record.get(field) for field in (*mapping, "keep")}
        try:
            row = pair_row(path, number, given)
        except DataError as error:
            problems.add(error)
            continue
        if _is_good(path, number, row, problems):
            yield number, row


def _row(path: Path, number: int, values: Mapping[str, Any]) -> Row:
    if "tokens" in values:
        return tagged_sentence(path, number, values["tokens"], values["tags"])
    text = values["text"]
    if not isinstance(text, str) or not text.strip():
        raise DataError(path, number, "has no text")
    if "labels" in values:
        return MultiLabelText(text.strip(), labels_of(path, number, values["labels"]), number)
    if "spans" in values:
        return _spanned(path, number, text, values["spans"])
    label = values["label"]
    if not isinstance(label, str) or not label.strip():
        raise DataError(path, number, "has no label")
    return LabelledText(text.strip(), label.strip(), number)


def _spanned(path: Path, number: int, text: str, given: Any) -> Row:
    """A text with spans ``{"start", "end", "label"}`` or ``[start, end, label]``."""
    if not isinstance(given, list):
        raise DataError(path, number, "'spans' is not a list")
    spans = []
    for one in given:
        values = (
            [one.get(name) for name in ("start", "end", "label")] if isinstance(one, dict) else one
        )
        if not isinstance(values, list) or [type(value) for value in values] != [int, int, str]:
            raise DataError(path, number, "a span has no start, end and label")
        spans.append((values[0], values[1], values[2].strip()))
    try:
        return tagged_sentence(path, number, *tagged(text, whole_words(text, spans)))
    except ValueError as error:
        raise DataError(path, number, f"has spans of which {error}") from error


def _is_good(path: Path, number: int, row: Row, problems: Problems) -> bool:
    text, names = text_of(row), names_of(row)
    if isinstance(row, PairRow):
        return _are_good(path, number, row, problems)
    longest = max((len(name) for name in names), default=0)
    formulas = [one for one in (text, *names) if _FORMULA.match(one)]
    problem = ""
    if formulas and path.suffix.lower() == ".csv":
        problem = f"has a formula where text should be: {formulas[0][:40]}"
    elif "\x00" in text or any("\x00" in name for name in names):
        problem = "has a NUL character"
    elif len(text) > MAX_TEXT:
        problem = f"has a text of {len(text):,} characters; {MAX_TEXT:,} are allowed"
    elif longest > MAX_LABEL:
        problem = f"has a label of {longest:,} characters; {MAX_LABEL} are allowed"
    if problem:
        problems.add(DataError(path, number, problem))
    return not problem


def _are_good(path: Path, number: int, row: PairRow, problems: Problems) -> bool:
    """Whether each text of a pair can be used as a text of another kind could."""
    return all(
        _is_good(path, number, LabelledText(text, row.label or "-", number), problems)
        for text in (row.text, row.positive, row.negative)
        if text is not None
    )
