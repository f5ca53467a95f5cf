"""A text cut at its entities, as pages show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def pieces(text: str, spans: Iterable[Any]) -> list[tuple[str, str]]:
    """Each piece of the text with its label, or none; ``spans`` are ``[start, end, label]``."""
    found, at = [], 0
    for start, end, label in spans:
        found += [(text[at:start], ""), (text[start:end], label)]
        at = end
    return [piece for piece in [*found, (text[at:], "")] if piece[0]]
