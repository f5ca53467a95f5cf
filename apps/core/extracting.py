"""What Babel reads of templates and of Python, for ``make words``; nothing that serves imports it.

Its functions are named in locale/pages.toml and give what ``extract_python`` gives: line, function,
messages and comments.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

from apps.core import errors
from ml.wording import Wording

Found = tuple[int, Any, Any, Any]

PROBLEMS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.Problem)
}
LITERALS = PROBLEMS | {Wording.__name__}


def template_words(
    source: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[Found]:
    """The messages of a Django template, which becomes calls of gettext.

    Its lines lose their indentation, at which the reader of Python would stumble; a message of
    several lines is one string literal by then and keeps its own.
    """
    code = templatize(source.read().decode())
    flat = "\n".join(line.lstrip() for line in code.split("\n"))
    yield from extract_python(BytesIO(flat.encode()), keywords, comment_tags, options)


def python_words(
    source: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[Found]:
    """The messages of a module, and the literals of its problems and wordings."""
    code = source.read()
    yield from extract_python(BytesIO(code), keywords, comment_tags, options)
    for node in ast.walk(ast.parse(code)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        text = node.args[0]
        if node.func.id not in LITERALS:
            continue
        for part in (text.body, text.orelse) if isinstance(text, ast.IfExp) else (text,):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield node.lineno, None, part.value, []
