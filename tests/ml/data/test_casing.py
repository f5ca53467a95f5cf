"""Copies of tagged sentences in another case."""

from __future__ import annotations

from ml.data.casing import recased
from ml.data.readers import TaggedSentence

NAMED = [
    TaggedSentence(("Ann", "left", f"Rome{n}"), ("B-PER", "O", "B-LOC"), n) for n in range(200)
]


def test_about_the_share_is_copied_in_either_case_with_its_tags() -> None:
    copies = recased(NAMED, share=0.5, seed=1)
    assert 70 < len(copies) < 130
    assert all(copy.tags == ("B-PER", "O", "B-LOC") for copy in copies)
    small = [copy for copy in copies if copy.tokens[0] == "ann"]
    assert 20 < len(small) < len(copies) - 20
    assert {copy.tokens[0] for copy in copies} == {"ann", "ANN"}
    assert copies == recased(NAMED, share=0.5, seed=1)


def test_what_has_no_name_or_is_in_that_case_already_is_not_copied() -> None:
    plain = [TaggedSentence(("It", "rained"), ("O", "O"), 1)]
    digits = [TaggedSentence(("3", "!"), ("B-ORG", "I-ORG"), 1)]
    assert recased(plain * 50 + digits * 50, share=1.0, seed=1) == []
    assert recased(NAMED, share=0.0, seed=1) == []
