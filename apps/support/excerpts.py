"""What of an article goes into an answer: whole paragraphs and lists, as chat text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

LIMIT = 900
"""The most characters of an article that an answer shows; the rest is behind its link."""

_BLANK_LINE = re.compile(r"\n\s*\n")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_MARKS = re.compile(r"\*\*|__|(?m:^#+ )|`|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)")
_BULLET = re.compile(r"(?m)^[-*] ")


def blocks_of(markdown: str) -> tuple[str, ...]:
    """The paragraphs, lists and headings of a text in Markdown."""
    return tuple(filter(None, map(str.strip, _BLANK_LINE.split(markdown))))


@lru_cache(maxsize=4096)
def plain(markdown: str) -> str:
    """Markdown without its marks, as chat text; lists keep their lines."""
    return _MARKS.sub("", _LINK.sub(r"\1", _BULLET.sub("• ", markdown))).strip()


def excerpt(blocks: Sequence[str], passage: str | None) -> str:
    """The opening, which answers the question as such, and the blocks that ``passage`` is from.

    ``passage`` is a piece of the text as it was indexed, in one line, which may begin and end in
    the middle of a list; what is shown does not. Of a block that is too long to show the passage
    is shown alone.
    """
    holding = set(_blocks_with(blocks, passage)) if passage else set()
    wanted = {0} | holding
    for number in sorted(wanted):
        if number and blocks[number - 1].endswith(":"):
            wanted.add(number - 1)
        if blocks[number].endswith(":") and number + 1 < len(blocks):
            wanted.add(number + 1)
    text = ""
    for number in sorted(wanted):
        inside = passage if passage and number in holding else ""
        longer = f"{text}\n\n{_shown(blocks[number], inside)}".strip()
        if text and len(longer) > LIMIT:
            break
        text = longer
    return text if len(text) <= LIMIT else f"{text[:LIMIT].rsplit(maxsplit=1)[0]} …"


def _shown(block: str, passage: str) -> str:
    """A block as chat text; of one that is too long, the passage in it if there is one."""
    if len(block) <= LIMIT or not passage or " ".join(block.split()).startswith(passage):
        return plain(block)
    return f"… {plain(passage)} …"


def _blocks_with(blocks: Sequence[str], passage: str) -> Iterator[int]:
    """Blocks of which the passage holds at least half, or which hold half of the passage."""
    lines = [" ".join(block.split()) for block in blocks]
    wanted = " ".join(passage.split())
    start = " ".join(lines).find(wanted)
    if start < 0:
        return
    end, at = start + len(wanted), 0
    for number, line in enumerate(lines):
        overlap = min(end, at + len(line)) - max(start, at)
        if overlap * 2 >= min(len(line), len(wanted)):
            yield number
        at += len(line) + 1
