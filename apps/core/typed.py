"""Texts that come from the forms of pages."""

from __future__ import annotations


def typed(text: str) -> str:
    """A text as it was typed: a browser sends two characters for each line break, so that a text
    would be longer than its writer sees and other than the one that a script sends."""
    return text.replace("\r\n", "\n")
