"""Files are sent part by part under ASGI; exports are written out before."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings
from django.test import Client
from django_structlog.middlewares.request import sync_streaming_content_wrapper

from apps.core.file_answers import FileAnswer, lines_answer

KIND = "application/jsonl"


async def parts_of(answer: FileAnswer) -> list[bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [part async for part in answer]


def test_a_large_export_is_sent_in_small_parts_on_a_server() -> None:
    answer = lines_answer(
        ("ü" * 99 + "\n" for _ in range(2_000)), filename="a.txt", content_type=KIND
    )
    # As the middleware does that logs requests: what it binds is released in the same context.
    answer.streaming_content = sync_streaming_content_wrapper(
        answer.streaming_content,
        {"request_id": "one"},  # type: ignore[arg-type]
    )
    parts = asyncio.run(parts_of(answer))
    assert len(parts) > 2
    assert max(map(len, parts)) <= FileAnswer.block_size
    assert b"".join(parts).decode() == ("ü" * 99 + "\n") * 2_000
    assert answer["Content-Length"] == str(2_000 * 199)
    assert answer["Content-Disposition"] == 'attachment; filename="a.txt"'
    assert structlog.contextvars.get_contextvars() == {}


def test_an_error_in_a_late_line_is_no_half_of_a_file() -> None:
    def lines() -> Iterator[str]:
        yield "one\n"
        raise LookupError("the second line")

    with pytest.raises(LookupError):
        lines_answer(lines(), filename="a.txt", content_type=KIND)


def test_nothing_is_an_empty_file() -> None:
    answer = lines_answer([], filename="a.txt", content_type=KIND)
    assert asyncio.run(parts_of(answer)) == []
    assert b"".join(answer.streaming_content) == b""  # type: ignore[arg-type]


def test_a_file_of_the_pages_is_sent_as_whitenoise_says(client: Client) -> None:
    answer = client.get("/static/css/tokens.css")
    assert answer["Content-Type"].startswith("text/css")
    assert isinstance(answer, FileAnswer)
    content = b"".join(asyncio.run(parts_of(answer)))
    assert content == (settings.BASE_DIR / "static/css/tokens.css").read_bytes()
    again = client.get(
        "/static/css/tokens.css", headers={"if-modified-since": answer["Last-Modified"]}
    )
    assert again.status_code == 304
