"""Words put together again read as a person wrote them."""

from __future__ import annotations

import pytest

from ml.data.joined import joined
from ml.data.text import split_words


@pytest.mark.parametrize(
    "text",
    [
        "Acme Corp. rose 4%, it's the best (so far).",
        "I don't know; they're in [Berlin]!",
        "@ann met $AAPL’s board - at 9:30?",
    ],
)
def test_signs_stand_where_they_stood(text: str) -> None:
    assert joined([word.text for word in split_words(text)]).replace(" ", "") == text.replace(
        " ", ""
    )
    assert joined(text.replace("(", "( ").replace(".", " .").split()) == text
