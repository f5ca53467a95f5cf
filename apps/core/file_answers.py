"""Files as answers, by one way for exports and for the pages' own files."""

from __future__ import annotations

import asyncio
import contextvars
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import IO, Any

from django.http import FileResponse, HttpRequest
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware


class FileAnswer(FileResponse):
    """A file that is sent part by part, under ASGI too.

    Django's own would read a whole file into memory there. The parts are read in threads, all in
    one context: what logs of requests bind around the parts is released where it was bound.
    """

    block_size = 64 * 1024

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts: Iterator[bytes] = iter(self)
        context, loop = contextvars.copy_context(), asyncio.get_running_loop()

        def read() -> bytes:
            return next(parts, b"")

        while part := await loop.run_in_executor(None, context.run, read):
            yield part


class _StaticFile(FileAnswer, WhiteNoiseFileResponse):
    """A script, a style or a picture of the pages."""


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise, whose files are sent part by part."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> FileResponse:
        found = static_file.get_response(request.method, request.META)
        answer = _StaticFile(found.file or (), status=int(found.status))
        del answer["content-type"]  # WhiteNoise knows it, or there is none
        for key, value in found.headers:
            answer[key] = value
        return answer


def lines_answer(lines: Iterable[str], *, filename: str, content_type: str) -> FileAnswer:
    """The lines as a file to keep.

    They are written to disk first: memory stays bounded, no cursor of the database is open while a
    slow reader takes its time, and an error in a late line is an error and no half of a file.
    """
    handle: IO[Any] = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    try:
        handle.writelines(line.encode() for line in lines)
    except BaseException:
        handle.close()
        raise
    handle.seek(0)
    return FileAnswer(handle, as_attachment=True, filename=filename, content_type=content_type)
