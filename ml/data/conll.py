"""Tagged sentences as CoNLL columns."""

from __future__ import annotations

from collections.abc import Iterable

from ml.data.readers import TaggedSentence
from ml.data.row_kinds import Row
from ml.wording import Wording


def conll(rows: Iterable[Row]) -> str:
    """A word and its BIO tag a line, an empty line between sentences; other rows are passed over.

    A blank parts the two or, where a type has one in its name, a tab in every line. White space
    within a word would begin another column for other readers, so an underscore stands for it.
    Raises ``ValueError``, its message a :class:`Wording`, for a type with a tab or a line end in
    its name, which no line can hold.
    """
    sentences = [row for row in rows if isinstance(row, TaggedSentence)]
    tags = {tag for one in sentences for tag in one.tags}
    for tag in sorted(tags):
        if any(character in tag for character in "\t\r\n"):
            told = Wording(
                "the type %(name)r has a tab or a line end in its name, which CoNLL cannot hold",
                name=tag[2:],
            )
            raise ValueError(told)
    between = "\t" if any(" " in tag for tag in tags) else " "
    return "\n".join(
        "".join(
            f"{'_'.join(word.split()) or '_'}{between}{tag}\n"
            for word, tag in zip(one.tokens, one.tags, strict=True)
        )
        for one in sentences
    )
