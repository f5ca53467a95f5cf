"""A text that somebody wrote into a page to see what a model says of it."""

from __future__ import annotations

from apps.core.errors import InvalidInput


def check_text(text: str, *, most: int) -> None:
    """Raises ``InvalidInput`` for a text without words and one of more than ``most`` characters."""
    if not text.strip():
        raise InvalidInput("Write a text first.")
    if len(text) > most:
        raise InvalidInput(
            "The text has %(length)s characters; %(most)s are allowed.",
            length=f"{len(text):,}",
            most=f"{most:,}",
        )
