"""Tagged sentences as CoNLL columns."""

from __future__ import annotations

from collections.abc import Iterable

from ml.data.readers import TaggedSentence
from ml.data.row_kinds import Row


def conll(rows: Iterable[Row]) -> str:
    """A word and its BIO tag a line, an empty line between sentences; other rows are passed over.

    White space within a word would begin another column, so an underscore stands for it.
    """
    sentences = (row for row in rows if isinstance(row, TaggedSentence))
    return "\n".join(
        "".join(
            f"{'_'.join(word.split()) or '_'} {tag}\n"
            for word, tag in zip(one.tokens, one.tags, strict=True)
        )
        for one in sentences
    )
