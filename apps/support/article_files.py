"""Reads articles from files: Markdown and HTML, a folder or a zip of them, CSV, JSONL."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import frontmatter
import yaml
from bs4 import BeautifulSoup
from django.utils.text import slugify
from markdownify import markdownify

from apps.support.models import Article
from ml.data.readers import Problems, read_records
from ml.errors import DataError
from ml.wording import Wording

MAX_BODY = 200_000
FIELDS = ("title", "body", "id", "tags", "questions", "language")
"""What a column of a CSV or JSONL file may hold; the first two are needed."""
PAGES = (".md", ".markdown", ".html", ".htm")
TABLES = (".csv", ".jsonl")
SUFFIXES = (*PAGES, *TABLES, ".zip")

_SEPARATOR = "|"
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,8})?")
_HEADING = re.compile(r"\A\s*#[ \t]+(?P<title>[^\n]+)\n?(?P<body>.*)\Z", re.DOTALL)
_MAX_PAGE = 2 * 1024 * 1024
_MAX_ZIP = 64 * 1024 * 1024
_MAX_ENTRIES = 10_000
_NO_TEXT = ("script", "style", "nav", "header", "footer", "noscript", "form", "iframe", "template")
_LIKELY = {
    "title": ("title", "name", "heading", "subject", "question"),
    "body": ("body", "content", "text", "answer", "article", "description"),
    "id": ("id", "slug", "key"),
    "tags": ("tags", "labels", "category", "categories", "topic"),
    "questions": ("questions", "paraphrases", "aliases"),
    "language": ("language", "lang", "locale"),
}

Record = tuple[Path, int | None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article as read; ``tags`` and ``questions`` are lists of texts."""

    slug: str
    title: str
    body: str
    tags: tuple[str, ...]
    questions: tuple[str, ...]
    language: str = "en"
    audience: str = Article.Audience.PUBLIC


def read_articles(
    path: Path, problems: Problems | None = None, *, columns: Mapping[str, str] | None = None
) -> Iterator[ArticleRow]:
    """Articles of a Markdown or HTML file, a folder or a zip of them, or a CSV or JSONL file.

    ``columns`` maps fields of ``FIELDS`` to the columns of a CSV or JSONL file that hold them.
    Raises :class:`DataError` naming file and row; with ``problems`` it collects them instead.
    """
    for source, row, record in _records(path, problems, columns):
        try:
            yield _article(source, row, record)
        except DataError as error:
            _report(error, problems)


def columns_of(path: Path) -> list[str]:
    """The columns of a CSV or JSONL file as its first row has them; of others none."""
    if path.suffix.lower() not in TABLES:
        return []
    first = next(iter(read_records(path, (), Problems())), None)
    return [str(name) for name in first[1]] if first else []


def likely_columns(columns: list[str]) -> dict[str, str]:
    """Which column seems to hold what, by its name."""
    names = {name.strip().lower(): name for name in reversed(columns)}
    found: dict[str, str] = {}
    for field, likely in _LIKELY.items():
        free = (
            names[name] for name in likely if name in names and names[name] not in found.values()
        )
        if (column := next(free, None)) is not None:
            found[field] = column
    return found


def _report(error: DataError, problems: Problems | None) -> None:
    if problems is None:
        raise error
    problems.add(error)


def _records(
    path: Path, problems: Problems | None, columns: Mapping[str, str] | None
) -> Iterator[Record]:
    suffix = path.suffix.lower()
    if path.is_dir():
        files = sorted(file for file in path.glob("**/*") if file.suffix.lower() in PAGES)
        if not files:
            raise DataError(path, None, Wording("holds no Markdown files"))
        yield from _pages(((file, file.read_bytes()) for file in files), problems)
    elif suffix in PAGES:
        yield from _pages([(path, path.read_bytes())], problems)
    elif suffix == ".zip":
        yield from _pages(_zipped(path), problems)
    else:
        yield from _table(path, problems, columns or {"title": "title", "body": "body"})


def _table(path: Path, problems: Problems | None, columns: Mapping[str, str]) -> Iterator[Record]:
    named = {column: field for field, column in columns.items()}
    for row, record in read_records(path, tuple(columns.values()), problems):
        yield path, row, record | {named[name]: record[name] for name in named}


def _zipped(path: Path) -> Iterator[tuple[Path, bytes]]:
    """The pages of an archive, read in memory: nothing is unpacked to where its names point."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if _is_page(entry)]
            if not entries:
                raise DataError(path, None, Wording("holds no Markdown or HTML files"))
            whole = sum(entry.file_size for entry in entries)
            if len(entries) > _MAX_ENTRIES or whole > _MAX_ZIP:
                raise DataError(
                    path,
                    None,
                    Wording(
                        "holds more than %(files)s files or %(megabytes)s MB",
                        files=f"{_MAX_ENTRIES:,}",
                        megabytes=_MAX_ZIP >> 20,
                    ),
                )
            for entry in sorted(entries, key=lambda entry: entry.filename):
                if entry.flag_bits & 1:
                    raise DataError(path / entry.filename, None, Wording("is encrypted"))
                yield path / entry.filename, archive.read(entry)
    # NotImplementedError is what zipfile says of a compression that it does not know.
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error) as error:
        raise DataError(path, None, Wording("is damaged or no zip archive")) from error


def _is_page(entry: zipfile.ZipInfo) -> bool:
    parts = Path(entry.filename).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not entry.is_dir() and not hidden and Path(entry.filename).suffix.lower() in PAGES


def _pages(
    pages: Iterator[tuple[Path, bytes]] | list[tuple[Path, bytes]], problems: Problems | None
) -> Iterator[Record]:
    for file, content in pages:
        try:
            yield file, None, _page(file, content)
        except DataError as error:
            _report(error, problems)


def _page(file: Path, content: bytes) -> dict[str, Any]:
    if len(content) > _MAX_PAGE:
        most = _MAX_PAGE >> 20
        raise DataError(file, None, Wording("is larger than %(megabytes)s MB", megabytes=most))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        told = Wording("is not UTF-8 (byte %(byte)s)", byte=error.start)
        raise DataError(file, None, told) from error
    html = file.suffix.lower() in (".html", ".htm")
    record = _html(file, text) if html else _markdown(file, text)
    return {"id": file.stem, **record}


def _markdown(file: Path, text: str) -> dict[str, Any]:
    """Front matter and text; without a title there, the first heading is it, or the file's name."""
    try:
        post = frontmatter.loads(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = mark.line + 2 if mark else None
        raise DataError(file, row, Wording("the front matter is not YAML")) from error
    record = {**post.metadata, "body": post.content}
    if "title" not in record:
        heading = _HEADING.match(post.content)
        record["title"] = heading["title"].strip(" #") if heading else _named(file)
        record["body"] = heading["body"] if heading else post.content
    return record


def _html(file: Path, text: str) -> dict[str, Any]:
    """The main part of a page as Markdown, without scripts, menus and pictures."""
    try:
        page = BeautifulSoup(text, "html.parser")
        for element in page(_NO_TEXT):
            element.decompose()
        main = page.find("main") or page.find("article") or page.body or page
        heading = main.find("h1")
        title = heading or page.title
        named = title.get_text(" ", strip=True) if title else _named(file)
        for element in filter(None, (heading, page.title)):
            element.decompose()
        body = markdownify(str(main), heading_style="ATX", strip=["img"])
    except RecursionError as error:
        raise DataError(file, None, Wording("is nested too deeply")) from error
    return {"title": named[:200], "body": re.sub(r"\n{3,}", "\n\n", body)}


def _named(file: Path) -> str:
    return re.sub(r"[-_]+", " ", file.stem).strip().capitalize()


def _article(source: Path, row: int | None, record: dict[str, Any]) -> ArticleRow:
    title, body = _stored(record.get("title")), _stored(record.get("body"))
    if not isinstance(title, str) or not 0 < len(title.strip()) <= 200:
        told = Wording("'title' is missing or longer than 200 characters")
        raise DataError(source, row, told)
    if not isinstance(body, str) or not 0 < len(body.strip()) <= MAX_BODY:
        most = f"{MAX_BODY:,}"
        told = Wording("'body' is empty or longer than %(most)s characters", most=most)
        raise DataError(source, row, told)
    slug = slugify(str(record.get("id") or title))[:120]
    if not slug:
        raise DataError(source, row, Wording("'id' has no letters or digits"))
    return ArticleRow(
        slug,
        title.strip(),
        body.strip(),
        _texts(source, row, record, "tags"),
        _texts(source, row, record, "questions"),
        _language(source, row, record),
        _audience(source, row, record),
    )


def _stored(value: Any) -> Any:
    """A text without NUL, which PostgreSQL refuses; anything else as it is."""
    return value.replace("\x00", " ") if isinstance(value, str) else value


def _audience(source: Path, row: int | None, record: dict[str, Any]) -> str:
    audience = record.get("audience") or Article.Audience.PUBLIC
    if audience not in Article.Audience.values:
        told = Wording('\'audience\' is neither "public" nor "team"')
        raise DataError(source, row, told)
    return str(audience)


def _language(source: Path, row: int | None, record: dict[str, Any]) -> str:
    language = record.get("language") or "en"
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        told = Wording('\'language\' is not a code such as "en" or "zh-hans"')
        raise DataError(source, row, told)
    return language.lower()


def _texts(source: Path, row: int | None, record: dict[str, Any], name: str) -> tuple[str, ...]:
    value = record.get(name) or []
    if isinstance(value, str):
        value = [part.strip() for part in value.split(_SEPARATOR)]
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise DataError(
            source, row, Wording("%(column)s is not a list of texts", column=repr(name))
        )
    return tuple(islice((_stored(part) for part in value if part), 100))
