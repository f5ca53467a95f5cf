"""Files that people send to be imported: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from apps.core.errors import InvalidInput
from apps.core.file_imports import refusal, upload_keep, upload_name
from apps.core.wording import said
from ml.errors import DataError
from ml.wording import Wording


def told(row: int | None, problem: str, name: str = "news.csv") -> Wording:
    return DataError("/kept/5f2c.csv", row, problem).words_at(name)


def test_an_upload_is_called_by_its_name_alone() -> None:
    assert upload_name(SimpleUploadedFile("News.CSV", b"x")) == "News.CSV"
    from_windows = SimpleUploadedFile("news.csv", b"x")
    from_windows._name = "C:\\Users\\anna\\news.csv"
    assert upload_name(from_windows) == "news.csv"


@pytest.mark.parametrize(
    ("name", "most", "code", "words"),
    [
        ("a.exe", None, "upload_type", "a.exe: only .csv and .jsonl files are read."),
        ("a", None, "upload_type", "a: only .csv and .jsonl files are read."),
        ("a.csv", 2 << 20, "upload_too_large", "a.csv: is larger than 2 MB."),
    ],
)
def test_other_types_and_larger_files_are_refused(
    name: str, most: int | None, code: str, words: str
) -> None:
    upload = SimpleUploadedFile(name, b"x" * ((2 << 20) + 1))
    with pytest.raises(InvalidInput) as caught:
        upload_name(upload, most_bytes=most)
    assert (caught.value.code, caught.value.message) == (code, words)


def test_the_limit_of_the_settings_holds_where_none_is_given(settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1 << 20
    with pytest.raises(InvalidInput, match=r"a.csv: is larger than 1 MB\."):
        upload_name(SimpleUploadedFile("a.csv", b"x" * ((1 << 20) + 1)))


def test_an_upload_is_kept_under_a_name_of_ours(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    upload = SimpleUploadedFile("a.JSONL", b"{}\n")
    first, second = upload_keep(upload, "a.JSONL"), upload_keep(upload, "a.JSONL")
    assert first.parent == tmp_path / "uploads"
    assert (first.suffix, first.read_bytes()) == (".jsonl", b"{}\n")
    assert first != second


def test_a_refusal_names_file_and_rows_and_how_many_more_there_are() -> None:
    problems = [told(2, "'title' is empty"), told(3, "is not UTF-8"), told(5, "is empty")]
    assert refusal(problems[:1], 1).message == (
        "news.csv, row 2: 'title' is empty. Nothing was imported."
    )
    assert refusal([*problems, told(9, "is empty")], 1204).message == (
        "news.csv, row 2: 'title' is empty; news.csv, row 3: is not UTF-8; "
        "news.csv, row 5: is empty; and 1,201 more. Nothing was imported."
    )
    assert refusal([told(None, "has no header")], 1).message == (
        "news.csv: has no header. Nothing was imported."
    )


def test_a_refusal_is_said_in_the_language_of_whoever_reads_it_later() -> None:
    words = Wording("%(column)s is empty", column="title")
    problem = refusal([told(2, words), told(3, words)], 5)
    assert problem.message.endswith("Nothing was imported.")
    with translation.override("zh-hans"):
        assert said(problem.words) == (
            "news.csv，第 2 行：title 为空；news.csv，第 3 行：title 为空；"
            "另有 3 行有误。未导入任何内容。"
        )


def test_a_row_is_counted_where_it_is_told_alone() -> None:
    assert told(7, "is empty", "a.csv") == "a.csv, row 7: is empty"
