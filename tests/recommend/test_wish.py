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
        ("I can't stand war", "", ("war",)),
        ("I cannot bear cruelty, I'd like something gentle", "something gentle", ("cruelty",)),
        ("I can't wait for a thriller", "I can't wait for a thriller", ()),
        ("I don't mind ghosts", "I don't mind ghosts", ()),
        ("anything but war", "", ("war",)),
        ("nothing but adventure", "adventure", ()),
        ("not only war but peace", "war, peace", ()),
        ("war-free adventure", "adventure", ("war",)),
        ("neither war nor romance", "", ("war", "romance")),
        ("less violence, more humour", "more humour", ("violence",)),
        ("ghosts rather than detectives", "ghosts", ("detectives",)),
        ("no gore, war or cruelty, but funny", "funny", ("gore", "war", "cruelty")),
        ("without war, gore, or romance", "", ("war", "gore", "romance")),
        ("no gore, adventure at sea", "adventure at sea", ("gore",)),
        ("I'm looking for quiet books", "quiet books", ()),
        ("安静的科幻，不要血腥", "安静的科幻", ("血腥",)),
        ("不要战争、血腥", "", ("战争", "血腥")),
        ("没有爱情的冒险", "冒险", ("爱情",)),
        ("想看侦探小说但不要太长", "侦探小说", ("长",)),
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
