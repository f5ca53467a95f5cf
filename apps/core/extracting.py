"""What Babel reads of Django's templates: their words as Python calls of gettext.

``make words`` calls it by its name in locale/pages.toml; nothing that serves imports it.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize


def template_words(
    source: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[Any, ...]]:
    """Each message of a template with its line, as ``extract_python`` gives them.

    The lines lose their indentation, at which the reader of Python would stumble; a message that
    has several lines is one string literal by then and keeps it.
    """
    code = templatize(source.read().decode())
    flat = "\n".join(line.lstrip() for line in code.split("\n"))
    yield from extract_python(BytesIO(flat.encode()), keywords, comment_tags, options)
