from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.recommend.wish import Wish, parse_wish


@pytest.mark.parametrize(
    ("sentence", "wanted", "unwanted"),
    [
        ("quiet science fiction, no gore", "quiet science fiction", ("gore",)),
        (
            "a gothic mystery without romance or ghosts but with humour",
            "a gothic mystery, humour",
            ("romance", "ghosts"),
        ),
        ("I don't like war. Something funny", "Something funny", ("war",)),
        ("not too long adventure at sea", "adventure at sea", ("long",)),
        ("no gore and a happy ending", "a happy ending", ("gore",)),
        ("something not about war", "", ("war",)),
        ("Nothing scary please", "", ("scary",)),
        ("love stories", "love stories", ()),
        ("notable northern novels", "notable northern novels", ()),
        ("  ", "", ()),
    ],
)
def test_negations_are_told_from_what_is_wanted(
    sentence: str, wanted: str, unwanted: tuple[str, ...]
) -> None:
    assert parse_wish(sentence) == Wish(wanted, unwanted)


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(sentence: str) -> None:
    wish = parse_wish(sentence)
    assert all(part.strip() for part in wish.unwanted)
