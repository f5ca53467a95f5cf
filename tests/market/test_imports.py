from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed
from apps.core.jobs import NoProgress
from apps.core.models import Job
from apps.market.models import Alert, Article, Company, Source
from apps.market.services.imports import NewsFile, import_start, news_import
from ml.serving.fakes import FakeEngine
from tests.market.factories import RuleFactory, news
from tests.market.test_feeds import RSS
from tests.market.test_sources import answer, network

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["network"]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, *lines: str | dict[str, Any] | bytes) -> Path:
        path = tmp_path / name
        with path.open("wb") as handle:
            for line in lines:
                text = json.dumps(line) if isinstance(line, dict) else line
                handle.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
        return path

    return write


def run(path: Path, *, skip_bad: bool = False) -> Any:
    return news_import(
        file=NewsFile(path, path.name),
        kind=Source.Kind.UPLOAD,
        skip_bad=skip_bad,
        progress=NoProgress(),
    )


def test_jsonl_and_csv_are_imported_and_a_second_time_change_nothing(write: Write) -> None:
    jsonl = write("a.jsonl", news("Halvern gains", url="https://w.example/1"))
    table = write("b.csv", "title,body,source", 'Skyrill plunges,"It fell, a lot.",Wire')
    assert run(jsonl).created == run(table).created == 1
    again = run(jsonl)
    assert (again.created, again.unchanged) == (0, 1)
    assert Article.objects.get(title="Skyrill plunges").body == "It fell, a lot."


def test_a_row_without_a_source_belongs_to_the_file(write: Write) -> None:
    run(write("morning.csv", "title", "Halvern gains"))
    assert Article.objects.get().source.name == "morning.csv"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["headline,text", "a,b"], "row 1: the header lacks the column title"),
        ([], "row 1: is empty; the first line names the columns"),
        (["title,body", "Only a title"], "row 2: has 1 cells, the header 2"),
        (["title,source", ",Wire"], "row 2: 'title' is empty"),
        (["title,published_at", "Halvern gains,soon"], "row 2: 'published_at' is no ISO 8601"),
        ([b"title", b"Halvern \xff gains"], "row 2: is not UTF-8"),
    ],
)
def test_a_malformed_csv_names_file_and_row(
    write: Write, lines: list[str | bytes], told: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(write("bad.csv", *lines))
    assert f"bad.csv, {told}" in str(caught.value)
    assert "Nothing was imported" in str(caught.value)
    assert not Article.objects.exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"body": "x"}', "lacks 'title'"),
        (b'{"title": "\xff"}', "is not UTF-8"),
        ("", "is empty"),
    ],
)
def test_a_malformed_jsonl_names_file_and_row(write: Write, line: str | bytes, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(write("bad.jsonl", news("Halvern gains"), line))
    assert f"bad.jsonl, row 2: {told}" in str(caught.value)


def test_one_bad_row_among_many_refuses_the_file_or_is_left_out(write: Write) -> None:
    rows: list[dict[str, Any]] = [
        news(f"Headline {n} on {n * 7919}", url=f"https://w.example/{n}") for n in range(3000)
    ]
    rows[1776] = news("", url="https://w.example/x")
    path = write("many.jsonl", *rows)
    with pytest.raises(InvalidInput, match=r"many.jsonl, row 1777: 'title' is empty"):
        run(path)
    assert not Article.objects.exists()
    report = run(path, skip_bad=True)
    assert (report.created, report.skipped) == (2999, 1)
    assert report.errors == ["many.jsonl, row 1777: 'title' is empty"]


def test_many_bad_rows_are_summed_up(write: Write) -> None:
    with pytest.raises(InvalidInput, match=r"and 7 more\. Nothing"):
        run(write("bad.jsonl", *["{}"] * 10))


def test_an_upload_is_imported_by_a_job_of_its_owner(
    analyst: User, write: Write, settings: Any, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    content = write("a.jsonl", news("Halvern gains")).read_bytes()
    upload = SimpleUploadedFile("../../a.jsonl", content)
    job = import_start(actor=analyst, upload=upload, skip_bad=False)
    job.refresh_from_db()
    assert (job.status, job.owner, job.title) == ("succeeded", analyst, "Import a.jsonl")
    assert (job.result["created"], job.message) == (1, "1 new")
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_bad_upload_fails_its_job_with_the_files_own_name(
    analyst: User, settings: Any, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    upload = SimpleUploadedFile("a.csv", b"headline\nx\n")
    job = import_start(actor=analyst, upload=upload, skip_bad=False)
    job.refresh_from_db()
    assert job.status == "failed"
    assert job.message.startswith("a.csv, row 1: the header lacks the column title")
    assert list((tmp_path / "uploads").iterdir()) == []


def test_uploads_are_bounded(analyst: User, member: User, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    for upload in (
        None,
        SimpleUploadedFile("a.exe", b"x"),
        SimpleUploadedFile("a.csv", b"x" * 11),
    ):
        with pytest.raises(InvalidInput):
            import_start(actor=analyst, upload=upload, skip_bad=False)
    with pytest.raises(NotAllowed):
        import_start(actor=member, upload=SimpleUploadedFile("a.csv", b"x"), skip_bad=False)
    assert not Job.objects.exists()


def command(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    call_command("ingest_news", *arguments, "--json")
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def test_the_command_stores_and_scores(
    write: Write, halvern: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("a.jsonl", news("Halvern Steel gains"), news("Skyrill plunges"))
    result = command("--file", str(path), capsys=capsys)
    assert {key: result[key] for key in ("rows", "created", "scored", "waiting")} == {
        "rows": 2,
        "created": 2,
        "scored": 2,
        "waiting": 0,
    }
    again = command("--file", str(path), capsys=capsys)
    assert (again["unchanged"], again["scored"]) == (2, 0)


def test_the_command_loads_the_registry_when_there_is_none(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    command("--file", str(write("a.jsonl", news("Nvidia gains"))), capsys=capsys)
    assert Article.objects.get().mentions.get().company.ticker == "NVDA"


def test_the_command_leaves_scoring_to_the_server_when_the_models_are_busy(
    write: Write, halvern: Company, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("a.jsonl", news("Halvern Steel gains"))
    with engine.overloaded():
        assert command("--file", str(path), capsys=capsys)["waiting"] == 1


def test_a_replay_is_live_whatever_its_age(
    write: Write, halvern: Company, analyst: User, capsys: pytest.CaptureFixture[str]
) -> None:
    RuleFactory(owner=analyst)
    old = 60 * 24 * 20
    path = write(
        "a.jsonl",
        news("Halvern Steel plunges", minutes_ago=old - 60),
        news("Skyrill gains", minutes_ago=old),
    )
    command("--file", str(path), "--replay-speed", "1e6", capsys=capsys)
    assert list(Article.objects.order_by("id").values_list("title", "live")) == [
        ("Skyrill gains", True),
        ("Halvern Steel plunges", True),
    ]
    assert Alert.objects.count() == 1


def test_the_command_reads_a_feed(
    network: Any, halvern: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    network(lambda request: answer(RSS))
    result = command("--feed", "https://w.example/feed.xml", capsys=capsys)
    assert (result["created"], result["skipped"]) == (2, 1)
    assert not Source.objects.exclude(url="").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--file", "/nowhere/a.jsonl"], "/nowhere/a.jsonl: no such file"),
        (["--feed", "http://127.0.0.1/feed"], "private address"),
        (["--feed", "https://w.example/", "--replay-speed", "2"], "--replay-speed"),
        (["--file", "a.jsonl", "--replay-speed", "0"], "--replay-speed"),
    ],
)
def test_the_command_ends_with_one_line(halvern: Company, arguments: list[str], told: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("ingest_news", *arguments)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_feed_ends_the_command(network: Any, halvern: Company) -> None:
    network(lambda request: answer(b"<html>"))
    with pytest.raises(CommandError, match="web page, not a feed"):
        call_command("ingest_news", "--feed", "https://w.example/")
