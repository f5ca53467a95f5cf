"""Words for a joint model: what a classifier reads, with places in the text as it was given."""

from __future__ import annotations

import pytest

from ml.data.text import normalise, split_words
from ml.data.words import readable_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Acme rises 3.5%", ["Acme", "rises", "3.5", "%"]),
        ("AT&amp;T &lt;b&gt; up", ["AT&T", "<", "b", ">", "up"]),
        ("see www.acme.example now", ["see", "now"]),
        ("so\u00adft hy\u200bphen", ["soft", "hyphen"]),
        ("cafe\u0301s", ["caf\u00e9s"]),
        ("\uff46\uff55\uff4c\uff4c \u24d3\u24d8\u24e2\u24d2", ["full", "disc"]),
        ("https://t.example/a?b=1&amp;c", []),
        ("&#83;ales &#x41;BC &nosuch; x", ["Sales", "ABC", "&", "nosuch", ";", "x"]),
        ("", []),
    ],
)
def test_words_are_those_of_the_normalised_text(text: str, words: list[str]) -> None:
    found = readable_words(text)
    assert [word.text for word in found] == words
    assert words == [word.text for word in split_words(normalise(text))]


def test_places_are_those_of_the_given_text() -> None:
    text = "\u200bAT&amp;T http://a.example/x buys so\u00adftware"
    found = readable_words(text)
    assert [text[word.start : word.end] for word in found] == ["AT&amp;T", "buys", "so\u00adftware"]
