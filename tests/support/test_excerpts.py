from __future__ import annotations

from apps.support.excerpts import LIMIT, blocks_of, excerpt, plain
from ml.retrieval.documents import Document, passages_of

BODY = """It has not left yet.

Tap it to see the stage:

1. **Checking**: we look at it. This takes minutes.
2. **Queued**: it leaves on the *next* day.

Once it says *Sent*, it is on its way.

See [our fees](/support/help/fees/) too."""


def test_an_article_falls_into_its_blocks() -> None:
    assert len(blocks_of(BODY)) == 5


def test_marks_are_taken_off_and_lines_kept() -> None:
    assert plain("# Fees\n- **one**\n- *two* [three](x) 2*3") == "Fees\n• one\n• two three 2*3"


def test_a_list_is_shown_whole_with_its_opening_line() -> None:
    passage = "This takes minutes. 2. **Queued**: it leaves on the *next* day."
    assert excerpt(blocks_of(BODY), passage) == (
        "It has not left yet.\n\nTap it to see the stage:\n\n"
        "1. Checking: we look at it. This takes minutes.\n2. Queued: it leaves on the next day."
    )


def test_without_a_passage_the_opening_answers() -> None:
    assert excerpt(blocks_of(BODY), None) == "It has not left yet."


def test_a_passage_from_elsewhere_changes_nothing() -> None:
    assert excerpt(blocks_of(BODY), "not in the article") == "It has not left yet."


def test_every_indexed_passage_is_found_in_its_article() -> None:
    body = "\n\n".join(f"Part {n} says  this. And\nthat{n}. " * 9 for n in range(6))
    for passage in passages_of(Document("a", "Title", body)):
        if passage.kind == "body":
            assert passage.text.split(" says")[0] in excerpt(blocks_of(body), passage.text)


def test_an_article_that_is_one_long_paragraph_is_cut() -> None:
    text = excerpt(blocks_of("word " * 200_000), "word word")
    assert len(text) <= LIMIT + 2
    assert text.endswith(" …")
