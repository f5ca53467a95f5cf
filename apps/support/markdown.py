"""Markdown as HTML that is safe to show."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def safe_html(markdown: str) -> SafeString:
    """Markdown as HTML that holds no script, style or event handler."""
    return mark_safe(nh3.clean(_MARKDOWN.render(markdown)))  # noqa: S308 - sanitised
